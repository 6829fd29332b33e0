import { type Schema, Validator } from "@cfworker/json-schema";
import { type JsonSchema, nameOf, readLineSchema } from "./line-schema.ts";

let validators: ReadonlyMap<string, Validator> | undefined;

/**
 * Throws for a line of `--json` that is not as docs/json-schema.json has it, or that has a member which the schema does not name. A
 * last line without an end was cut off.
 */
export function checkJsonLines({ out = "", err = "" }: { readonly out?: string; readonly err?: string }): void {
  for (const text of out.split("\n").slice(0, -1)) if (text !== "") checkLine(text);
  for (const text of err.split("\n").slice(0, -1)) if (text.startsWith('{"v":1')) checkLine(text);
}

function checkLine(text: string): void {
  validators ??= lineValidators();
  const line = JSON.parse(text) as Record<string, unknown>;
  const type = "error" in line && !("type" in line) ? "error" : String(line.type);
  const validator = validators.get(type);
  if (validator === undefined) throw new Error(`docs/json-schema.json has no line of the type ${type}: ${text}`);
  const { valid, errors } = validator.validate(line);
  if (valid) return;
  const found = errors.map(({ instanceLocation, error }) => `${instanceLocation}: ${error}`).join("\n");
  throw new Error(`a line that is not as docs/json-schema.json says:\n${text}\n${found}`);
}

/** By the type of the line, so that a message is about one schema. */
function lineValidators(): ReadonlyMap<string, Validator> {
  const { anyOf, definitions } = readLineSchema();
  const strict = closed(definitions) as Schema;
  return new Map(
    anyOf.map(({ $ref = "" }) => {
      const type = definitions[nameOf($ref)]?.properties?.type?.const ?? "error";
      return [String(type), new Validator({ definitions: strict, $ref }, "7", false)];
    }),
  );
}

/** The same schemas without members that they do not name. */
function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== "object" || value === null) return value;
  const schema = Object.fromEntries(Object.entries(value).map(([key, each]) => [key, closed(each)]));
  const { properties, additionalProperties } = value as JsonSchema;
  // `properties` itself may be the name of a member, whose value is a schema without a type.
  const isObject = (value as JsonSchema).type === "object" && properties !== undefined;
  return isObject && additionalProperties === undefined ? { ...schema, additionalProperties: false } : schema;
}
