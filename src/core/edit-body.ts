import { createHash } from "node:crypto";
import type { Delivery } from "../body/delivery.ts";
import { type FieldPair, problemText, readPayload } from "../body/payload.ts";
import { usageError } from "../util/errors.ts";
import { ExactNumber, type JsonNode, MAX_DEPTH, scanJson, writeJson } from "../util/json.ts";
import { nearest } from "./event-names.ts";
import type { Encoding } from "./format-settings.ts";
import type { Encoded } from "./product.ts";

/**
 * The body with values replaced in its own text: layout, order and the digits of everything else stay. JSON, and the
 * fields of a form with the JSON that one of them may hold. Throws a UserError for a path that is not there unless
 * `add` is set, and for a body of another kind.
 */
export function changeBody(delivery: Delivery, assignments: readonly Assignment[], add: boolean): Buffer {
  const text = delivery.body.toString("utf8");
  const read = readPayload(delivery);
  if (!read.ok) throw unchangeable(problemText(read.problem));
  const { kind, wrappedIn } = read.payload;
  if (!Buffer.from(text, "utf8").equals(delivery.body)) throw unchangeable("the body is not UTF-8");
  if (kind === "json") return Buffer.from(assignments.reduce((json, each) => setInJson(json, each, add), text));
  if (kind !== "form") throw unchangeable(`the body is ${kind === "empty" ? "empty" : `of the kind ${kind}`}`);
  if (wrappedIn === undefined) return Buffer.from(assignments.reduce((form, each) => setField(form, each, add), text));
  const inField = (json: string): string => assignments.reduce((value, each) => setInJson(value, each, add), json);
  return Buffer.from(changeField(text, wrappedIn, inField) ?? text);
}

function unchangeable(reason: string): Error {
  return usageError(`--set: ${reason}`, "--set changes JSON and forms; for anything else use --edit");
}

/** The same JSON text with one value in the place of another. */
function setInJson(text: string, { path, text: written, value, asNumber }: Assignment, add: boolean): string {
  let node = scanJson(text);
  for (const [depth, key] of path.entries()) {
    const child = node.children.findLast((each) => String(each.key) === String(key));
    if (child === undefined) {
      const rest = path.slice(depth + 1).reduceRight<unknown>(wrap, value);
      if (!add || !canTake(node, key))
        throw nothingThere(
          written,
          "body",
          String(key),
          node.children.map((each) => String(each.key)),
        );
      return insert(text, node, key, JSON.stringify(rest));
    }
    node = child.node;
  }
  return text.slice(0, node.start) + writeJson(node.kind === "number" ? asNumber : value) + text.slice(node.end);
}

function wrap(inner: unknown, key: string | number): unknown {
  return typeof key === "number" ? [inner] : { [key]: inner };
}

function canTake(node: JsonNode, key: string | number): boolean {
  return node.kind === "object" || (node.kind === "array" && String(node.children.length) === String(key));
}

function insert(text: string, node: JsonNode, key: string | number, json: string): string {
  const at = node.children.at(-1)?.node.end ?? node.start + 1;
  const member = node.kind === "object" ? `${JSON.stringify(String(key))}:${json}` : json;
  return `${text.slice(0, at)}${node.children.length > 0 ? "," : ""}${member}${text.slice(at)}`;
}

function setField(form: string, { path, text, value }: Assignment, add: boolean): string {
  const [name] = path;
  if (path.length !== 1 || name === undefined) throw nothingThere(text, "body", String(path[1] ?? ""), []);
  const written = typeof value === "string" ? value : JSON.stringify(value);
  const changed = changeField(form, String(name), () => written);
  if (changed !== undefined) return changed;
  if (!add) throw nothingThere(text, "body", String(name), [...new URLSearchParams(form).keys()]);
  return `${form}${form === "" ? "" : "&"}${encodeField(String(name))}=${encodeField(written)}`;
}

/** Undefined when there is no such field. Of several with the name the first one is changed. */
function changeField(form: string, name: string, change: (value: string) => string): string | undefined {
  const pairs = form.split("&");
  const at = pairs.findIndex((pair) => [...new URLSearchParams(pair)][0]?.[0] === name);
  const pair = pairs[at];
  if (pair === undefined) return undefined;
  const [, value = ""] = [...new URLSearchParams(pair)][0] ?? [];
  const changed = `${pair.split("=", 1)[0]}=${encodeField(change(value))}`;
  return pairs.map((each, i) => (i === at ? changed : each)).join("&");
}

function encodeField(text: string): string {
  return new URLSearchParams({ "": text }).toString().slice(1);
}

/** One `--set path=value`. */
export interface Assignment {
  readonly path: readonly (string | number)[];
  readonly text: string;
  readonly value: unknown;
  /** What takes the place of a number: a long one that was typed is one there, too. */
  readonly asNumber: unknown;
}

/**
 * Reads `data.items[0].price=12.5`. The value is JSON where it is JSON (`12.5`, `true`, `null`, `{"a":1}`, `"12"`),
 * else text; a number that would lose digits is text, as most ids are, or one with all its digits where a number stood.
 * A key with a dot in it is written `["a.b"]`.
 */
export function parseAssignment(text: string): Assignment {
  const split = splitAssignment(text);
  if (split === undefined)
    throw usageError(
      `--set ${JSON.stringify(text)} has no value`,
      "write it as --set path=value, such as --set data.Email=me@example.com",
    );
  return { path: parsePath(split.path), text: split.path, ...parseValue(split.value) };
}

function splitAssignment(text: string): { path: string; value: string } | undefined {
  const at = /^(?:[^=[]|\[(?:"(?:[^"\\]|\\.)*"|[^\]]*)\])*/.exec(text)?.[0].length ?? 0;
  return at === 0 || text[at] !== "=" ? undefined : { path: text.slice(0, at), value: text.slice(at + 1) };
}

function parseValue(text: string): Pick<Assignment, "value" | "asNumber"> {
  try {
    const value: unknown = JSON.parse(text);
    // 4150868000000002179 and 1e999 as numbers of the language would be something else than what was typed.
    return typeof value === "number" && String(value) !== text && !/^-?\d+\.\d*0+$|^-?\d{1,15}(\.\d+)?$/.test(text)
      ? { value: text, asNumber: new ExactNumber(text.trim()) }
      : { value, asNumber: value };
  } catch {
    return { value: text, asNumber: text };
  }
}

/** Reads `data.items[0].price`. Throws a usage error for what is no path. */
export function parsePath(text: string): readonly (string | number)[] {
  const path: (string | number)[] = [];
  const token = /\.?([^.[\]]+)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/gy;
  while (token.lastIndex < text.length) {
    const match = token.exec(text);
    if (match === null) throw malformed(text);
    const [, name, index, quoted] = match;
    if (index !== undefined) path.push(Number(index));
    else path.push(quoted === undefined ? (name ?? "") : unquoted(quoted, text));
    if (path.length > MAX_DEPTH) throw usageError(`the path is more than ${MAX_DEPTH} levels deep, and no body is`);
  }
  return path;
}

function malformed(text: string): Error {
  return usageError(
    `the path ${JSON.stringify(text)} is malformed`,
    'write it as data.items[0].name, or ["a.b"] for a key with a dot',
  );
}

function unquoted(quoted: string, text: string): string {
  try {
    return JSON.parse(quoted) as string;
  } catch {
    throw malformed(text);
  }
}

/** A copy of the data with one value replaced. A path that is not there is an error unless `add` is set. */
export function assign(data: unknown, { path, text, value, asNumber }: Assignment, add: boolean): unknown {
  const set = (node: unknown, depth: number): unknown => {
    const key = path[depth];
    if (key === undefined) return typeof node === "number" || node instanceof ExactNumber ? asNumber : value;
    if (Array.isArray(node)) {
      const index = typeof key === "number" || /^\d+$/.test(key) ? Number(key) : Number.NaN;
      const there = index < node.length;
      if (!there && !(add && index === node.length)) throw notInList(text, String(key), node.length, add);
      return there
        ? node.map((each, i) => (i === index ? set(each, depth + 1) : each))
        : [...node, set(undefined, depth + 1)];
    }
    if (typeof node === "object" && node !== null) {
      const name = String(key);
      if (!Object.hasOwn(node, name) && !add) throw nothingThere(text, "sample", name, Object.keys(node));
      return { ...node, [name]: set(Reflect.get(node, name), depth + 1) };
    }
    if (node === undefined && add)
      return typeof key === "number" ? [set(undefined, depth + 1)] : { [key]: set(undefined, depth + 1) };
    throw nothingThere(text, "sample", String(key), []);
  };
  return set(data, 0);
}

/** Names enough to find the right one among. */
const MOST_KEYS = 12;

/** What is to be set is not there: which others are, or which one may be meant. */
function nothingThere(path: string, where: "body" | "sample", key: string, keys: readonly string[]): Error {
  const [near] = nearest(key, keys, 1);
  const some = keys.length > MOST_KEYS ? [...keys.slice(0, MOST_KEYS), "…"] : keys;
  const there = keys.length === 0 ? "nothing is below it" : `there are: ${some.join(", ")}`;
  return usageError(
    `--set ${path}: there is no ${JSON.stringify(key)} in the ${where}`,
    near === undefined ? `${there}; to add a new one, use --add` : `did you mean ${near}? To add a new one, use --add`,
  );
}

function notInList(path: string, key: string, length: number, add: boolean): Error {
  const has = `the list has ${length === 0 ? "no entry" : length === 1 ? "one entry, 0" : `${length} entries, 0 to ${length - 1}`}`;
  return usageError(
    `--set ${path}: there is no ${JSON.stringify(key)} in the sample`,
    `${has}; ${add ? `a new one is ${length}` : `--add puts a new one in as ${length}`}`,
  );
}

/** A sample written in one of the ways that a webhook of a user's own design can be. */
export function encodeFields(data: unknown, encoding: Encoding): Encoded {
  if (encoding === "json") return { contentType: "application/json", body: Buffer.from(writeJson(data)) };
  const fields = toFields(data);
  const query = new URLSearchParams(fields.map(([name, value]): [string, string] => [name, value])).toString();
  if (encoding === "query") return { method: "GET", contentType: "", body: Buffer.alloc(0), query };
  return encoding === "form"
    ? { contentType: "application/x-www-form-urlencoded", body: Buffer.from(query) }
    : encodeMultipart(fields);
}

/** A list is a field for each of its elements; what has parts of its own is written as JSON. */
function toFields(data: unknown): readonly FieldPair[] {
  if (typeof data !== "object" || data === null || Array.isArray(data)) return [["data", writeJson(data)]];
  return Object.entries(data).flatMap(([name, value]): readonly FieldPair[] =>
    Array.isArray(value) ? value.map((each): FieldPair => [name, toText(each)]) : [[name, toText(value)]],
  );
}

function toText(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "string" ? value : writeJson(value);
}

function encodeMultipart(fields: readonly FieldPair[]): Encoded {
  // Made from the content, so that the same sample is the same bytes.
  const boundary = `zoho-hooks-${createHash("sha256").update(writeJson(fields)).digest("hex").slice(0, 24)}`;
  const parts = fields.map(
    ([name, value]) => `--${boundary}\r\ncontent-disposition: form-data; name="${partName(name)}"\r\n\r\n${value}\r\n`,
  );
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    body: Buffer.from(`${parts.join("")}--${boundary}--\r\n`),
  };
}

/** As browsers write it: RFC 7578 leaves no other way for a quote or a line break. */
function partName(name: string): string {
  return name.replaceAll('"', "%22").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}
