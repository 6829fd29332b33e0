import { realpathSync } from "node:fs";
import { dirname, posix, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { dereference, format, ignoredKeyword, type Schema, type SchemaDraft } from "@cfworker/json-schema";
import type { z } from "zod";
import { checkSchema, externalSchema, type JsonSchema } from "../model/schema.ts";
import { errorText, type UserError } from "../util/errors.ts";
import { fileError, parseJsonFile, readText } from "../util/files.ts";
import { isLongNumber } from "../util/json.ts";
import { leadsOut } from "../util/links.ts";
import { findIssues, pointerKeys, type SchemaSet } from "./json-schema-issues.ts";

// The library's own takes exponential time.
format.url = (text) => URL.canParse(text);
// OpenAPI's, whose values are no schemas.
ignoredKeyword.example = true;

const DRAFTS: Readonly<Record<string, SchemaDraft>> = {
  "json-schema.org/draft-04/schema": "4",
  // All rules of draft 6 are the same in draft 7.
  "json-schema.org/draft-06/schema": "7",
  "json-schema.org/draft-07/schema": "7",
  "json-schema.org/draft/2019-09/schema": "2019-09",
  "json-schema.org/draft/2020-12/schema": "2020-12",
};
const DEFAULT_DRAFT = "2020-12";

/** Reads a JSON Schema, and the files in `folder` that it refers to. What is wrong with them is a usage error with its position. */
export function readJsonSchema(path: string, folder: string): z.ZodType {
  const lookup: SchemaSet["lookup"] = Object.create(null);
  const { schema, draft } = loadFile({ lookup, folder }, path, pathToFileURL(path).href);
  return toZod({ root: schema, draft, lookup });
}

function toZod(set: SchemaSet): z.ZodType {
  const comparesAll = Object.values(set.lookup).some((part) => typeof part === "object" && part.uniqueItems === true);
  return externalSchema({
    json: set.root as JsonSchema | boolean,
    target: ({ __absolute_ref__ }) => set.lookup[String(__absolute_ref__)] as JsonSchema | boolean | undefined,
    check: (data) => {
      if (comparesAll && comparisons(data) > MAX_COMPARED ** 2)
        throw new Error(`uniqueItems is limited to lists of ${MAX_COMPARED} in all`);
      return findIssues(set, data);
    },
  });
}

/** The library compares all elements with all others: a body of a megabyte would take minutes. */
const MAX_COMPARED = 2000;

/** Counts the comparisons of the elements of each list with one another. */
function comparisons(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  const own = Array.isArray(value) ? value.length ** 2 : 0;
  return Object.values(value).reduce<number>((sum, each) => sum + comparisons(each), own);
}

interface Files {
  /** Gets the schemas of each file by URI. */
  readonly lookup: SchemaSet["lookup"];
  readonly folder: string;
}

type Keys = readonly (string | number)[];
type Fail = (keys: Keys, message: string, hint?: string) => UserError;

/** `expected`: the draft of the file that refers to this one. */
function loadFile(files: Files, path: string, uri: string, expected?: SchemaDraft) {
  const { lookup } = files;
  const text = readText(path) ?? "";
  const fail: Fail = (keys, message, hint) => fileError(text, path, keys, message, hint);
  const schema = parseJsonFile(text, path) as Schema | boolean;
  const draft = draftOf(schema, expected, fail);
  const [issue] = checkSchema(metaSchema(draft), schema).issues;
  if (issue !== undefined) throw fail(issue.path, `expected ${issue.expected}, got ${issue.received}`);
  try {
    dereference(schema, lookup, new URL(uri));
  } catch (error) {
    throw fail([], `cannot be used as a JSON Schema: ${errorText(error)}`);
  }
  const root = typeof schema === "boolean" ? uri : (schema.__absolute_uri__ ?? uri);
  const parts = Object.entries(lookup).filter(([each]) => each === root || each.startsWith(`${root}#`));
  // An `$id` of its own replaces the URIs by which other files refer to it.
  for (const base of [uri, pathToFileURL(path).href])
    for (const [each, part] of parts) lookup[base + each.slice(root.length)] ??= part;
  const anchors = new Set<string>();
  for (const [each, part] of parts) {
    // Those with an anchor are there by their pointer, too.
    if (typeof part === "boolean" || !/^(?:#\/|$)/.test(each.slice(root.length))) continue;
    const keys = pointerKeys(each.slice(root.length), schema);
    checkPart(part, keys, { draft, anchors, fail });
    if (part.$ref === undefined) continue;
    const fileOf = (target: string) => siblingPath(target, { uri: root, path });
    loadReference(files, part, { keys: [...keys, "$ref"], draft, fileOf, fail });
  }
  return { schema, draft };
}

function draftOf(schema: Schema | boolean, expected: SchemaDraft | undefined, fail: Fail): SchemaDraft {
  const named = typeof schema === "boolean" ? undefined : schema?.$schema;
  if (named === undefined) return expected ?? DEFAULT_DRAFT;
  const draft = DRAFTS[String(named).replace(/^https?:\/\/|#$/g, "")];
  if (draft === undefined)
    throw fail(
      ["$schema"],
      "this version of JSON Schema is not supported here",
      "use draft 4, 6, 7, 2019-09 or 2020-12, which is the default",
    );
  if (draft === (expected ?? draft)) return draft;
  throw fail(["$schema"], "a schema and those that it refers to must have the same version");
}

/** Rules that would not be checked as the standard says. */
function checkPart(
  part: Schema,
  keys: Keys,
  { draft, anchors, fail }: { draft: SchemaDraft; anchors: Set<string>; fail: Fail },
): void {
  if (part.$dynamicRef !== undefined)
    throw fail([...keys, "$dynamicRef"], "this rule is not supported here", 'use "$ref" instead, or a zod schema');
  if (keys.length > 0) draftOf(part, draft, (at, ...rest) => fail([...keys, ...at], ...rest));
  const idName = draft === "4" ? "id" : "$id";
  const id = String(part[idName] ?? "");
  if (id !== "" && keys.length > 0 && part.$ref !== undefined && (draft === "4" || draft === "7"))
    throw fail([...keys, idName], "has no effect beside $ref", "leave one of them out");
  const anchor = part.$anchor ?? (id.startsWith("#") ? id.slice(1) : undefined);
  if (anchor !== undefined && anchors.has(anchor))
    throw fail([...keys, part.$anchor === undefined ? idName : "$anchor"], "another schema of this file has this name");
  if (anchor !== undefined) anchors.add(anchor);
  checkPattern(part.pattern, [...keys, "pattern"], fail);
  for (const pattern of Object.keys(part.patternProperties ?? {}))
    checkPattern(pattern, [...keys, "patternProperties", pattern], fail);
  // Long numbers are strings, in the schema as in the payload, and the value says it all.
  const values: unknown[] = part.const === undefined ? (part.enum ?? []) : [part.const];
  if ([part.type].flat().some((type) => type === "integer" || type === "number") && values.some(isLongNumber))
    delete part.type;
}

function checkPattern(pattern: string | undefined, keys: Keys, fail: Fail): void {
  try {
    new RegExp(pattern ?? "", "u");
  } catch (error) {
    throw fail(keys, `is not a regular expression: ${errorText(error).replace(/^.*: /, "")}`);
  }
}

interface ReferenceOptions {
  readonly keys: Keys;
  readonly draft: SchemaDraft;
  /** The path of a URI's file. Throws where it has none. */
  readonly fileOf: (uri: string) => string;
  readonly fail: Fail;
}

/** Loads the file of a reference. Never from outside the folder, not through links either, nor over the network. */
function loadReference(files: Files, part: Schema, { keys, draft, fileOf, fail }: ReferenceOptions): void {
  const { lookup, folder } = files;
  const uri = part.__absolute_ref__ ?? "";
  const file = uri.replace(/#.*/s, "");
  const ref = JSON.stringify(part.$ref);
  if (lookup[file] === undefined) {
    const path = attempt(() => fileOf(file));
    if (path === undefined) throw fail(keys, `${ref} is not a file`, "nothing is fetched: save it in the same folder");
    if (leadsOut(folder, path)) throw fail(keys, `${ref} is outside of ${folder}`, "copy the file into this folder");
    if (attempt(() => realpathSync(path)) === undefined) throw fail(keys, `${ref}: there is no file ${path}`);
    loadFile(files, path, file, draft);
  }
  if (lookup[uri] === undefined) throw fail(keys, `${ref} refers to nothing`, "correct it, or add what it refers to");
}

/** With an `$id` on the web, files are beside each other as their URIs are. */
function siblingPath(target: string, from: { readonly uri: string; readonly path: string }): string {
  const [to, base] = [new URL(target), new URL(from.uri)];
  if (to.host === "" || to.origin !== base.origin) return fileURLToPath(target);
  const relativePath = posix.relative(new URL(".", base).pathname, to.pathname);
  return resolve(dirname(from.path), decodeURIComponent(relativePath));
}

/** Undefined where it throws. */
function attempt<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}

/** Schema of a schema: the types of all keywords. */
function metaSchema(draft: SchemaDraft): z.ZodType {
  const all = (names: string, value: Schema | boolean) =>
    Object.fromEntries(names.split(" ").map((name) => [name, value]));
  const self = { $ref: "#" };
  const names = { type: "array", items: { type: "string" } } satisfies Schema;
  const types = { enum: ["object", "array", "string", "number", "integer", "boolean", "null"] };
  // biome-ignore lint/suspicious/noThenProperty: it is a rule of JSON Schema
  const either = (list: Schema, other: Schema): Schema => ({ if: { type: "array" }, then: list, else: other });
  const mapOf = (value: Schema): Schema => ({ type: "object", additionalProperties: value });
  const root: Schema = {
    type: ["object", "boolean"],
    properties: {
      ...all("$id $schema $ref $anchor format pattern", { type: "string" }),
      ...all("additionalItems additionalProperties unevaluatedItems unevaluatedProperties", self),
      ...all("contains propertyNames not if then else", self),
      ...all("allOf anyOf oneOf prefixItems", { type: "array", items: self }),
      ...all("properties patternProperties dependentSchemas $defs definitions", mapOf(self)),
      ...all("minLength maxLength minItems maxItems minProperties maxProperties minContains maxContains", {
        type: "integer",
        minimum: 0,
      }),
      ...all("minimum maximum", { type: "number" }),
      ...all("exclusiveMinimum exclusiveMaximum", { type: draft === "4" ? "boolean" : "number" }),
      multipleOf: { type: "number", exclusiveMinimum: 0 },
      items: either({ items: self }, self),
      dependencies: mapOf(either(names, self)),
      dependentRequired: mapOf(names),
      required: names,
      type: either({ items: types }, types),
      enum: { type: "array" },
      uniqueItems: { type: "boolean" },
    },
  };
  return toZod({ root, draft: "2020-12", lookup: dereference(root) });
}
