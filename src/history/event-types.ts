import type { Product } from "../model/product.ts";
import { anyShape, type Field, type Shape, schemaShape, type TypeWord, typeWord } from "../model/schema.ts";
import { jsonText, plain } from "../util/text.ts";
import { counted } from "../util/units.ts";
import { allows } from "./schema-drift.ts";
import { ANY_KEY, type Observation, type ObservedEvent } from "./traffic.ts";

interface TypedEvent {
  readonly product: string;
  readonly format: string;
  /** `Leads.create`; `<Module>.create` for a whole family. */
  readonly name: string;
  readonly summary: string;
  readonly shape: Shape;
  /** The deliveries that widened the type. */
  readonly deliveries: number;
}

/** The declared events, and the received members of families under their own names. */
export function typedEvents(products: readonly Product[], observed: readonly ObservedEvent[]): readonly TypedEvent[] {
  return products.flatMap((product) =>
    product.formats.flatMap((format) => {
      const seen = observed.filter((each) => each.product === product && each.format === format);
      const declared = format.events.map((event) => ({ event, name: event.name }));
      const members = seen.filter(({ name }) => format.events.every((event) => event.name !== name));
      return [...declared, ...members].map(({ event, name }): TypedEvent => {
        const root = seen.find((each) => each.name === name)?.observer.root;
        const schema = schemaShape(event.schema);
        const shape = root === undefined ? schema : withObserved(schema, root);
        const deliveries = root?.count ?? 0;
        return { product: product.id, format: format.id, name, summary: event.summary, shape, deliveries };
      });
    }),
  );
}

/** The start of the first line, by which the command recognises a file that it may overwrite. */
export const FIRST_LINE = "// Written by zoho-hooks types.";

/** A module with a type for each event, and all of them in `ZohoEvents` by product, format and event. */
export function eventTypeFile(events: readonly TypedEvent[]): string {
  const names = uniqueNames(events);
  const types = events.map((event, i) => {
    const seen = event.deliveries === 0 ? "" : ` Widened by ${counted(event.deliveries, "delivery", "deliveries")}.`;
    const title = commentText(`${event.product} ${event.name} (${event.format}): ${event.summary}.${seen}`);
    return `/** ${title} */\nexport type ${names[i]} = ${typeText(event.shape)};\n`;
  });
  const index = [...grouped(events, ({ product }) => product)].flatMap(([product, ofProduct]) => [
    `  ${fieldName(product)}: {`,
    ...[...grouped(ofProduct, ({ format }) => format)].flatMap(([format, ofFormat]) => [
      `    ${fieldName(format)}: {`,
      ...ofFormat.map((event) => `      ${fieldName(event.name)}: ${names[events.indexOf(event)]};`),
      "    };",
    ]),
    "  };",
  ]);
  return `${[
    `${FIRST_LINE} The next run overwrites this file: do not edit it.`,
    "// Ids and other numbers that JavaScript cannot represent exactly are strings, as zoho-hooks parses them.",
    "",
    ...types,
    '/** The payload of an event: `ZohoEvents["crm"]["guide"]["Leads.create"]`. */',
    "export interface ZohoEvents {",
    ...index,
    "}",
  ].join("\n")}\n`;
}

/** `CrmGuideLeadsCreate`; equal names are numbered. */
function uniqueNames(events: readonly TypedEvent[]): readonly string[] {
  const taken = new Set<string>();
  return events.map(({ product, format, name }) => {
    const base = pascal(`${product} ${format} ${name}`);
    let unique = base;
    for (let n = 2; taken.has(unique.toLowerCase()); n++) unique = `${base}${n}`;
    taken.add(unique.toLowerCase());
    return unique;
  });
}

function pascal(text: string): string {
  return text
    .split(/[^\p{L}\p{N}]+/u)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("");
}

function grouped<T>(all: readonly T[], keyOf: (each: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const each of all) groups.set(keyOf(each), [...(groups.get(keyOf(each)) ?? []), each]);
  return groups;
}

function commentText(text: string): string {
  return plain(text.replace(/\s+/g, " ")).replaceAll("*/", "* /");
}

/** A shape as a TypeScript type. `indent`: that of its first line. */
function typeText(shape: Shape, indent = ""): string {
  if (shape.any) return "unknown";
  const words = [...shape.types].sort((a, b) => ORDER.indexOf(a) - ORDER.indexOf(b));
  const literals = shape.literals
    .filter((value) => value === null || !shape.types.has(typeWord(value)))
    .map((value) => jsonText(value));
  const parts = [...literals, ...words.map((word) => wordText(word, shape, indent))];
  return [...new Set(parts)].join(" | ") || "never";
}

const ORDER: readonly TypeWord[] = ["object", "array", "string", "number", "boolean", "null"];

function wordText(word: TypeWord, shape: Shape, indent: string): string {
  if (word === "object") return objectText(shape, indent);
  if (word !== "array") return word;
  const element = shape.element === undefined ? "unknown" : typeText(shape.element, indent);
  return `Array<${element}>`;
}

function objectText({ fields, rest }: Shape, indent: string): string {
  const inner = `${indent}  `;
  const lines = [...fields].map(
    ([name, { shape, optional }]) => `${inner}${fieldName(name)}${optional ? "?" : ""}: ${typeText(shape, inner)};`,
  );
  // An index signature applies to named fields too.
  if (rest !== undefined)
    lines.push(`${inner}[field: string]: ${fields.size > 0 ? "unknown" : typeText(rest, inner)};`);
  return lines.length === 0 ? "Record<string, never>" : `{\n${lines.join("\n")}\n${indent}}`;
}

/** The name, quoted where it is not an identifier. */
function fieldName(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : jsonText(name);
}

/** Widens a schema to fit the observed payloads: adds fields and types, and makes fields optional that were missing. */
function withObserved(shape: Shape, seen: Observation): Shape {
  const isOnlyNull = seen.types.size === 1 && seen.types.has("null");
  if (shape.any) return seen.count === 0 || isOnlyNull ? anyShape : observedShape(seen);
  const types = [...seen.types.keys()].filter((word) => !allows(shape, word));
  const objects = seen.types.get("object") ?? 0;
  const known = [...shape.fields].map(([name, { shape: part, optional }]): [string, Field] => {
    const place = seen.fields.get(name);
    const isMissing = objects > (place?.count ?? 0);
    return [name, { shape: place === undefined ? part : withObserved(part, place), optional: optional || isMissing }];
  });
  const isMap = shape.rest?.any === false;
  const others = [...seen.fields]
    .filter(([name]) => !shape.fields.has(name) && name !== ANY_KEY && !isMap)
    .map(([name, place]): [string, Field] => [name, { shape: observedShape(place), optional: true }]);
  return {
    ...shape,
    types: new Set([...shape.types, ...types]),
    fields: new Map([...known, ...others]),
    rest: shape.rest ?? (objects > 0 && !shape.types.has("object") ? anyShape : undefined),
    element: seen.element === undefined ? shape.element : withObserved(shape.element ?? anyShape, seen.element),
  };
}

/** For a place that is not in the schema. */
function observedShape(seen: Observation): Shape {
  const objects = seen.types.get("object") ?? 0;
  const named = [...seen.fields].filter(([name]) => name !== ANY_KEY);
  return {
    any: seen.count === 0 || (seen.types.size === 1 && seen.types.has("null")),
    types: new Set(seen.types.keys()),
    literals: [],
    fields: new Map(
      named.map(([name, place]) => [name, { shape: observedShape(place), optional: place.count < objects }]),
    ),
    rest: objects > 0 ? anyShape : undefined,
    element: seen.element === undefined ? undefined : observedShape(seen.element),
  };
}
