import { z } from "zod";

export type TypeWord = "object" | "array" | "string" | "number" | "boolean" | "null";
type LiteralValue = string | number | boolean | null;

/** What a value may be, whichever of several alternatives it takes: a union's objects are one, with the fields of all. */
export interface Shape {
  /** True when anything will do; the rest then says nothing. */
  readonly any: boolean;
  /** Types of which every value will do. */
  readonly types: ReadonlySet<TypeWord>;
  /** Single values that will do beside them. */
  readonly literals: readonly LiteralValue[];
  /** Of an object. */
  readonly fields: ReadonlyMap<string, Field>;
  /** What other fields of an object may be; undefined where it may have none. */
  readonly rest: Shape | undefined;
  /** Of an array; undefined where nothing is known of its elements. */
  readonly element: Shape | undefined;
}

export interface Field {
  readonly shape: Shape;
  readonly optional: boolean;
}

export const anyShape: Shape = {
  any: true,
  types: new Set(),
  literals: [],
  fields: new Map(),
  rest: undefined,
  element: undefined,
};

/** What an event's schema lets come in. Custom checks, which no such description holds, count as "anything". */
export function schemaShape(schema: z.ZodType): Shape {
  return fromJsonSchema(z.toJSONSchema(schema, { io: "input", unrepresentable: "any", cycles: "ref" }));
}

export function typeWord(value: unknown): TypeWord {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  const type = typeof value;
  return type === "string" || type === "number" || type === "boolean" ? type : "object";
}

/** Either of two. */
function joinShapes(a: Shape, b: Shape): Shape {
  if (a.any || b.any) return anyShape;
  const onlyA = a.types.has("object") && !b.types.has("object");
  const onlyB = b.types.has("object") && !a.types.has("object");
  const names = new Set([...a.fields.keys(), ...b.fields.keys()]);
  const fields = [...names].map((name): [string, Field] => {
    const left = a.fields.get(name);
    const right = b.fields.get(name);
    const shape = left === undefined || right === undefined ? undefined : joinShapes(left.shape, right.shape);
    const leftOptional = left === undefined ? !onlyB : left.optional;
    const rightOptional = right === undefined ? !onlyA : right.optional;
    return [name, { shape: shape ?? left?.shape ?? right?.shape ?? anyShape, optional: leftOptional || rightOptional }];
  });
  return {
    any: false,
    types: new Set([...a.types, ...b.types]),
    literals: [...new Set([...a.literals, ...b.literals])],
    fields: new Map(fields),
    rest: joinOptional(a.rest, b.rest),
    element: joinOptional(a.element, b.element),
  };
}

function joinOptional(a: Shape | undefined, b: Shape | undefined): Shape | undefined {
  return a === undefined || b === undefined ? (a ?? b) : joinShapes(a, b);
}

type JsonSchema = z.core.JSONSchema.JSONSchema;

function fromJsonSchema(schema: JsonSchema | boolean): Shape {
  if (typeof schema === "boolean" || schema.$ref !== undefined) return anyShape;
  const alternatives = schema.anyOf ?? schema.oneOf;
  if (alternatives !== undefined) return join(alternatives.map(fromJsonSchema));
  // Both at once: nothing here needs more of an intersection than the fields of all its parts.
  if (schema.allOf !== undefined) return join(schema.allOf.map(fromJsonSchema));
  if (schema.const !== undefined) return { ...anyShape, any: false, literals: [schema.const] };
  if (schema.enum !== undefined) return { ...anyShape, any: false, literals: schema.enum };
  if (schema.type === undefined) return anyShape;
  const words = [schema.type].flat().map((word): TypeWord => (word === "integer" ? "number" : word));
  const { additionalProperties: rest } = schema;
  const required = schema.required ?? [];
  return {
    any: false,
    types: new Set(words),
    literals: [],
    fields: new Map(
      Object.entries(schema.properties ?? {}).map(([name, part]): [string, Field] => [
        name,
        { shape: fromJsonSchema(part), optional: !required.includes(name) },
      ]),
    ),
    rest: !words.includes("object") || rest === false ? undefined : fromJsonSchema(rest ?? true),
    element: elementOf(schema),
  };
}

function elementOf({ items, prefixItems = [] }: JsonSchema): Shape | undefined {
  const parts = [...prefixItems, ...(items === undefined ? [] : [items].flat())].filter((part) => part !== false);
  return parts.length === 0 ? undefined : join(parts.map(fromJsonSchema));
}

function join(shapes: readonly Shape[]): Shape {
  const [first, ...others] = shapes;
  return first === undefined ? anyShape : others.reduce(joinShapes, first);
}
