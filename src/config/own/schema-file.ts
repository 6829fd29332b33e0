import { existsSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { z } from "zod/v4";
import type { ImportModule } from "../../runtime.ts";
import { errorCode, errorText, type UserError, usageError } from "../../util/errors.ts";
import { fileError, parseJsonFile, readText } from "../../util/files.ts";

/** What a file of schemas holds: one, or those of several events. */
type SchemaFile =
  | { readonly kind: "one"; readonly schema: z.ZodType }
  | { readonly kind: "map"; readonly schemas: Readonly<Record<string, z.ZodType>> };

/** The kinds of files that hold zod schemas, run by Node as they are. */
export const MODULE_EXTENSIONS = [".mjs", ".js", ".mts", ".ts"];

/** Reads a JSON Schema, or runs a module that exports a zod schema, or one for each event, as its default. */
export async function loadSchemaFile(path: string, importModule: ImportModule): Promise<SchemaFile> {
  if (!existsSync(path)) throw usageError(`${path}: no such file`, "the settings name it as a schema");
  if (MODULE_EXTENSIONS.some((extension) => path.endsWith(extension))) return fromModule(path, importModule);
  if (path.endsWith(".json")) return { kind: "one", schema: readJsonSchema(readText(path) ?? "", path) };
  throw usageError(
    `${path} does not have the name of a schema file`,
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

/** A schema of zod 4, also of another copy of it than ours. */
function isSchema(value: unknown): value is z.ZodType {
  return typeof value === "object" && value !== null && "_zod" in value && "safeParse" in value;
}

function isOldSchema(value: unknown): boolean {
  return typeof value === "object" && value !== null && "_def" in value && "safeParse" in value && !("_zod" in value);
}

type JsonSchema = Readonly<Record<string, unknown>>;
type Keys = readonly (string | number)[];

/**
 * The zod schema of a JSON Schema (draft 4, 7 or 2020-12). What cannot be checked is a usage error that names the place:
 * a rule that is silently left out would look like one that holds.
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

type Fail = (keys: Keys, message: string, hint?: string) => UserError;

const TYPES = ["object", "array", "string", "number", "integer", "boolean", "null"];

/** Keywords by what belongs in them. */
const ONE = ["additionalProperties", "propertyNames", "contains"];
const LISTS = ["anyOf", "oneOf", "allOf", "prefixItems"];
const NAMED = ["properties", "patternProperties", "$defs", "definitions"];
const COUNTS = ["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"];
const NUMBERS = ["minimum", "maximum", "multipleOf"];

/** Rules that nothing here can check. */
const UNKNOWN = [
  ...["if", "then", "else", "dependentSchemas", "dependentRequired", "dependencies"],
  ...["unevaluatedItems", "unevaluatedProperties", "$dynamicRef", "$recursiveRef"],
];

/** What only an object can miss says that it is one, also where nobody wrote so; the same of an array. */
const IMPLIED: readonly (readonly [type: string, keywords: readonly string[]])[] = [
  ["object", ["properties", "required", "patternProperties", "additionalProperties", "minProperties", "maxProperties"]],
  ["array", ["items", "prefixItems", "contains", "minItems", "maxItems", "uniqueItems"]],
];

/** The schema with what it means and does not say. Throws for what is no schema, or one that cannot be checked. */
function complete(schema: unknown, keys: Keys, fail: Fail): JsonSchema | boolean {
  if (typeof schema === "boolean") return schema;
  if (!isRecord(schema)) throw fail(keys, "a JSON Schema is an object, true or false");
  const at = (...more: Keys): Keys => [...keys, ...more];
  for (const name of Object.keys(schema)) {
    if (UNKNOWN.includes(name) || (name === "not" && !isEmptyRecord(schema.not)))
      throw fail(at(name), "this rule is not supported here", "use a zod schema instead: export one from a .mjs file");
  }
  const { $ref: ref, type, required, items, pattern } = schema;
  if (ref !== undefined && !(typeof ref === "string" && /^#(?:$|\/(?:\$defs|definitions)\/)/.test(ref)))
    throw fail(
      at("$ref"),
      `${JSON.stringify(ref)} is outside this file`,
      "only references to #/$defs of the same file are supported",
    );
  if (type !== undefined && [type].flat().some((each) => !TYPES.includes(String(each))))
    throw fail(at("type"), `a type is one of ${TYPES.join(", ")}, or a list of them`);
  if (required !== undefined && !isNames(required)) throw fail(at("required"), "this should be a list of names");
  if (schema.enum !== undefined && !Array.isArray(schema.enum))
    throw fail(at("enum"), "this should be a list of values");
  if (pattern !== undefined && !isPattern(pattern)) throw fail(at("pattern"), "is not a regular expression");
  for (const name of [...COUNTS, ...NUMBERS]) {
    const value = schema[name];
    if (value === undefined || (typeof value === "number" && (NUMBERS.includes(name) || isCount(value)))) continue;
    throw fail(at(name), NUMBERS.includes(name) ? "this should be a number" : "this should be a whole number");
  }
  return withImplied({
    ...schema,
    ...mapped(schema, ONE, (value, name) => complete(value, at(name), fail)),
    ...mapped(schema, LISTS, (value, name) => list(value, at(name), fail)),
    ...mapped(schema, NAMED, (value, name) => {
      if (!isRecord(value)) throw fail(at(name), "this should be an object of schemas, by name");
      return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, complete(each, at(name, key), fail)]));
    }),
    ...(items === undefined
      ? {}
      : { items: Array.isArray(items) ? list(items, at("items"), fail) : complete(items, at("items"), fail) }),
  });
}

/** zod takes what names no type for anything at all, and looks at no count of an array without `items`. */
function withImplied(schema: JsonSchema): JsonSchema {
  const isSaid = ["type", "$ref", "enum", "const"].some((name) => schema[name] !== undefined);
  const [implied] = IMPLIED.find(([, keywords]) => keywords.some((name) => schema[name] !== undefined)) ?? [];
  const type = isSaid ? schema.type : implied;
  const types = [type].flat();
  const properties = isRecord(schema.properties) ? schema.properties : {};
  const missing = isNames(schema.required) ? schema.required.filter((name) => !Object.hasOwn(properties, name)) : [];
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
  const there = names.filter((name) => schema[name] !== undefined);
  return Object.fromEntries(there.map((name) => [name, change(schema[name], name)]));
}

function list(value: unknown, keys: Keys, fail: Fail): readonly unknown[] {
  if (!Array.isArray(value)) throw fail(keys, "this should be a list of schemas");
  return value.map((each, i) => complete(each, [...keys, i], fail));
}

function isRecord(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isEmptyRecord(value: unknown): boolean {
  return isRecord(value) && Object.keys(value).length === 0;
}

function isNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value >= 0;
}

function isPattern(value: unknown): boolean {
  try {
    return typeof value === "string" && new RegExp(value) instanceof RegExp;
  } catch {
    return false;
  }
}
