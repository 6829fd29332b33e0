import { existsSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { z } from "zod/v4";
import type { ImportModule } from "../../runtime.ts";
import { errorCode, errorText, type UserError, usageError } from "../../util/errors.ts";
import { fileError, parseJsonFile, readText } from "../../util/files.ts";
import { isRecord } from "../../util/json.ts";

/** One schema, or those of several events by name. */
type SchemaFile =
  | { readonly kind: "one"; readonly schema: z.ZodType }
  | { readonly kind: "map"; readonly schemas: Readonly<Record<string, z.ZodType>> };

/** Files with zod schemas, which Node runs as they are. */
export const MODULE_EXTENSIONS = [".mjs", ".js", ".mts", ".ts"];

/** Reads a JSON Schema, or runs a module whose default export is a zod schema or an object of them by event. */
export async function loadSchemaFile(path: string, importModule: ImportModule): Promise<SchemaFile> {
  if (!existsSync(path)) throw usageError(`${path}: no such file`, "the settings name it as a schema");
  if (MODULE_EXTENSIONS.some((extension) => path.endsWith(extension))) return fromModule(path, importModule);
  if (path.endsWith(".json")) return { kind: "one", schema: readJsonSchema(readText(path) ?? "", path) };
  throw usageError(
    `${path} is not a schema file`,
    `use a JSON Schema (.json), or a module that exports a zod schema (${MODULE_EXTENSIONS.join(", ")})`,
  );
}

async function fromModule(path: string, importModule: ImportModule): Promise<SchemaFile> {
  const exported = await importDefault(path, importModule);
  if (isSchema(exported)) return { kind: "one", schema: exported };
  const entries = typeof exported === "object" && exported !== null ? Object.entries(exported) : [];
  const schemas = entries.flatMap(([name, value]): [string, z.ZodType][] => (isSchema(value) ? [[name, value]] : []));
  if (entries.length > 0 && schemas.length === entries.length)
    return { kind: "map", schemas: Object.fromEntries(schemas) };
  const [wrong = "", value = exported] = entries.find(([, each]) => !isSchema(each)) ?? [];
  const where = entries.length === 0 || isOldSchema(exported) ? "its default export" : `${JSON.stringify(wrong)} in it`;
  if (isOldSchema(exported) || isOldSchema(value)) {
    throw usageError(`${path}: ${where} is a zod 3 schema`, 'import { z } from "zod/v4", or install zod 4');
  }
  throw usageError(
    `${path}: ${where} is not a zod schema`,
    'write: export default z.looseObject({ … }), or export default { "event.name": z.looseObject({ … }) }',
  );
}

async function importDefault(path: string, importModule: ImportModule): Promise<unknown> {
  let module: Readonly<Record<string, unknown>>;
  try {
    module = await importModule(pathToFileURL(path).href);
  } catch (error) {
    const code = errorCode(error);
    if (code === "ERR_UNKNOWN_FILE_EXTENSION") {
      throw usageError(
        `${path}: this version of Node cannot run TypeScript`,
        "use Node 22.18 or later, or a .mjs file",
      );
    }
    const [firstLine = ""] = errorText(error).split("\n");
    const hint = /package 'zod'/.test(firstLine) ? "npm install zod" : undefined;
    throw usageError(`${path} cannot be loaded: ${firstLine}`, hint);
  }
  if (module.default !== undefined) return module.default;
  throw usageError(`${path} has no default export`, "write: export default z.looseObject({ … })");
}

/** A schema of zod 4, from any copy of it. */
function isSchema(value: unknown): value is z.ZodType {
  return typeof value === "object" && value !== null && "_zod" in value && "safeParse" in value;
}

function isOldSchema(value: unknown): boolean {
  return typeof value === "object" && value !== null && "_def" in value && "safeParse" in value && !("_zod" in value);
}

type JsonSchema = Readonly<Record<string, unknown>>;
type Keys = readonly (string | number)[];
type Fail = (keys: Keys, message: string, hint?: string) => UserError;

/**
 * The zod schema of a JSON Schema (draft 4, 7 or 2020-12). Rules that cannot be checked are usage errors with their position:
 * left out silently they would seem to hold.
 */
function readJsonSchema(text: string, path: string): z.ZodType {
  const fail: Fail = (keys, message, hint) => fileError(text, path, keys, message, hint);
  const schema = complete(parseJsonFile(text, path), [], fail);
  try {
    return z.fromJSONSchema(schema);
  } catch (error) {
    throw fail([], `cannot be used as a JSON Schema: ${errorText(error)}`);
  }
}

const TYPES = ["object", "array", "string", "number", "integer", "boolean", "null"];

/** Keywords by the type of their value. */
const SCHEMAS = ["additionalProperties", "propertyNames", "contains"];
const SCHEMA_LISTS = ["anyOf", "oneOf", "allOf", "prefixItems"];
const SCHEMA_MAPS = ["properties", "patternProperties", "$defs", "definitions"];
const COUNTS = ["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"];
const NUMBERS = ["minimum", "maximum", "multipleOf"];

const UNSUPPORTED = [
  ...["if", "then", "else", "dependentSchemas", "dependentRequired", "dependencies"],
  ...["unevaluatedItems", "unevaluatedProperties", "$dynamicRef", "$recursiveRef"],
];

/** Keywords that imply a type where none is given. */
const IMPLIED_TYPES: readonly (readonly [type: string, keywords: readonly string[]])[] = [
  ["object", ["properties", "required", "patternProperties", "additionalProperties", "minProperties", "maxProperties"]],
  ["array", ["items", "prefixItems", "contains", "minItems", "maxItems", "uniqueItems"]],
];

/** Makes implied types and properties explicit. Throws for an invalid schema and for rules that cannot be checked. */
function complete(schema: unknown, keys: Keys, fail: Fail): JsonSchema | boolean {
  if (typeof schema === "boolean") return schema;
  if (!isRecord(schema)) throw fail(keys, "a JSON Schema is an object, true or false");
  const at = (...more: Keys): Keys => [...keys, ...more];
  for (const name of Object.keys(schema)) {
    const isNot = name === "not" && !(isRecord(schema.not) && Object.keys(schema.not).length === 0);
    if (UNSUPPORTED.includes(name) || isNot)
      throw fail(at(name), "this rule is not supported here", "use a zod schema instead: export one from a .mjs file");
  }
  const { $ref: ref, type, required, pattern } = schema;
  if (ref !== undefined && !(typeof ref === "string" && /^#(?:$|\/(?:\$defs|definitions)\/)/.test(ref)))
    throw fail(
      at("$ref"),
      `${JSON.stringify(ref)} is outside this file`,
      "only references to #/$defs of the same file are supported",
    );
  if (type !== undefined && [type].flat().some((each) => !TYPES.includes(String(each))))
    throw fail(at("type"), `a type is one of ${TYPES.join(", ")}, or a list of them`);
  if (required !== undefined && !isStrings(required)) throw fail(at("required"), "this should be a list of names");
  if (schema.enum !== undefined && !Array.isArray(schema.enum))
    throw fail(at("enum"), "this should be a list of values");
  if (pattern !== undefined && !isPattern(pattern)) throw fail(at("pattern"), "is not a regular expression");
  for (const name of [...COUNTS, ...NUMBERS]) {
    const value = schema[name];
    const isValid = typeof value === "number" && (NUMBERS.includes(name) || (Number.isInteger(value) && value >= 0));
    if (value === undefined || isValid) continue;
    throw fail(at(name), NUMBERS.includes(name) ? "this should be a number" : "this should be a whole number");
  }
  return withImplied({
    ...schema,
    ...mapped(schema, SCHEMAS, (value, name) => complete(value, at(name), fail)),
    ...mapped(schema, SCHEMA_LISTS, (value, name) => completeList(value, at(name), fail)),
    ...mapped(schema, SCHEMA_MAPS, (value, name) => {
      if (!isRecord(value)) throw fail(at(name), "this should be an object of schemas, by name");
      return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, complete(each, at(name, key), fail)]));
    }),
    ...mapped(schema, ["items"], (value, name) =>
      (Array.isArray(value) ? completeList : complete)(value, at(name), fail),
    ),
  });
}

/** Without a type zod checks nothing, and without `items` not the length of an array. */
function withImplied(schema: JsonSchema): JsonSchema {
  const isTyped = ["type", "$ref", "enum", "const"].some((name) => schema[name] !== undefined);
  const [implied] = IMPLIED_TYPES.find(([, keywords]) => keywords.some((name) => schema[name] !== undefined)) ?? [];
  const type = isTyped ? schema.type : implied;
  const types = [type].flat();
  const properties = isRecord(schema.properties) ? schema.properties : {};
  const missing = isStrings(schema.required) ? schema.required.filter((name) => !Object.hasOwn(properties, name)) : [];
  return {
    ...schema,
    ...(type === undefined ? {} : { type }),
    ...(types.includes("object") && missing.length > 0
      ? { properties: { ...properties, ...Object.fromEntries(missing.map((name) => [name, {}])) } }
      : {}),
    ...(types.includes("array") && schema.items === undefined && schema.prefixItems === undefined ? { items: {} } : {}),
  };
}

function mapped(schema: JsonSchema, names: readonly string[], change: (value: unknown, name: string) => unknown) {
  const present = names.filter((name) => schema[name] !== undefined);
  return Object.fromEntries(present.map((name) => [name, change(schema[name], name)]));
}

function completeList(value: unknown, keys: Keys, fail: Fail): readonly unknown[] {
  if (!Array.isArray(value)) throw fail(keys, "this should be a list of schemas");
  return value.map((each, i) => complete(each, [...keys, i], fail));
}

function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}

function isPattern(value: unknown): boolean {
  try {
    return typeof value === "string" && new RegExp(value) instanceof RegExp;
  } catch {
    return false;
  }
}
