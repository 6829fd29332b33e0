import type { Delivery } from "../delivery/delivery.ts";
import { problemText, readPayload } from "../delivery/payload.ts";
import { usageError } from "../util/errors.ts";
import { ExactNumber, type JsonNode, MAX_DEPTH, readExact, scanJson, writeJson } from "../util/json.ts";

/**
 * The body with values replaced or added in its own text: layout, order and the digits of everything else stay. Takes JSON,
 * and forms with the JSON that a field may hold. Throws a usage error for other bodies, and for a path through a text or a
 * number, or beyond the end of a list.
 */
export function changeBody(delivery: Delivery, assignments: readonly Assignment[]): Buffer {
  const text = delivery.body.toString("utf8");
  const read = readPayload(delivery);
  if (!read.ok) throw unchangeable(problemText(read.problem));
  const { kind, wrappedIn } = read.payload;
  if (!Buffer.from(text, "utf8").equals(delivery.body)) throw unchangeable("the body is not UTF-8");
  const setAll = (json: string): string =>
    assignments.reduce((changed, each) => setInJson(changed, each, "body"), json);
  if (kind === "json") return Buffer.from(setAll(text));
  if (kind !== "form") throw unchangeable(`the body is ${kind === "query" ? "empty" : kind}`);
  if (wrappedIn === undefined) return Buffer.from(assignments.reduce((form, each) => setField(form, each), text));
  return Buffer.from(changeField(text, wrappedIn, setAll) ?? text);
}

function unchangeable(reason: string): Error {
  return usageError(`--set: ${reason}`, "--set changes JSON and forms; use --edit for other bodies");
}

/** A copy of a sample's data with one value replaced or added. Throws the usage errors of `changeBody` for the path. */
export function assign(data: unknown, assignment: Assignment): unknown {
  return readExact(setInJson(writeJson(data ?? {}), assignment, "sample"));
}

type Where = "body" | "sample";

function setInJson(text: string, { path, text: written, value, asNumber }: Assignment, where: Where): string {
  let node = scanJson(text);
  for (const [depth, key] of path.entries()) {
    const { kind, children } = node;
    const child = children.findLast((each) => String(each.key) === String(key));
    if (child === undefined) {
      const isNext = kind === "object" || (kind === "array" && String(children.length) === String(key));
      if (!isNext) throw missing(written, key, node, where);
      const added = path.slice(depth + 1).reduceRight<unknown>(wrap, value);
      return insert(text, node, key, JSON.stringify(added));
    }
    node = child.node;
  }
  return text.slice(0, node.start) + writeJson(node.kind === "number" ? asNumber : value) + text.slice(node.end);
}

function wrap(inner: unknown, key: string | number): unknown {
  return typeof key === "number" ? [inner] : { [key]: inner };
}

function insert(text: string, node: JsonNode, key: string | number, json: string): string {
  const at = node.children.at(-1)?.node.end ?? node.start + 1;
  const member = node.kind === "object" ? `${JSON.stringify(String(key))}:${json}` : json;
  return `${text.slice(0, at)}${node.children.length > 0 ? "," : ""}${member}${text.slice(at)}`;
}

function setField(form: string, { path, text, value }: Assignment): string {
  const [name] = path;
  if (path.length !== 1 || name === undefined) throw nothingThere(text, path[1] ?? "", "body");
  const written = typeof value === "string" ? value : JSON.stringify(value);
  const changed = changeField(form, String(name), () => written);
  if (changed !== undefined) return changed;
  return `${form}${form === "" ? "" : "&"}${encodeField(String(name))}=${encodeField(written)}`;
}

/** Changes the first field of that name; undefined where there is none. */
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
  /** The value where it replaces a number: a long number stays one. */
  readonly asNumber: unknown;
}

/**
 * Parses `data.items[0].price=12.5`. A value that is JSON (`12.5`, `true`, `null`, `{"a":1}`, `"12"`) is read as such, any
 * other as text, and so is a number that would lose digits, unless it replaces a number. A key with a dot in it is
 * written `["a.b"]`.
 */
export function parseAssignment(text: string): Assignment {
  const split = splitAssignment(text);
  if (split === undefined)
    throw usageError(
      `--set ${JSON.stringify(text)} has no value`,
      "write it as --set path=value, such as --set invoice.total=99",
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
    // JavaScript numbers would change 4150868000000002179 and 1e999.
    return typeof value === "number" && String(value) !== text && !/^-?\d+\.\d*0+$|^-?\d{1,15}(\.\d+)?$/.test(text)
      ? { value: text, asNumber: new ExactNumber(text.trim()) }
      : { value, asNumber: value };
  } catch {
    return { value: text, asNumber: text };
  }
}

/** Parses `data.items[0].price`. Throws a usage error for a malformed path. */
export function parsePath(text: string): readonly (string | number)[] {
  const path: (string | number)[] = [];
  const token = /\.?([^.[\]]+)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/gy;
  while (token.lastIndex < text.length) {
    const match = token.exec(text);
    if (match === null) throw malformed(text);
    const [, name, index, quoted] = match;
    if (index !== undefined) path.push(Number(index));
    else path.push(quoted === undefined ? (name ?? "") : unquoted(quoted, text));
    if (path.length > MAX_DEPTH) throw usageError(`the path is deeper than the ${MAX_DEPTH} levels a body may have`);
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

function missing(path: string, key: string | number, { kind, children }: JsonNode, where: Where): Error {
  if (kind !== "array") return nothingThere(path, key, where);
  const { length } = children;
  const has = length === 0 ? "no entry" : length === 1 ? "one entry, 0" : `${length} entries, 0 to ${length - 1}`;
  return usageError(
    `--set ${path}: there is no ${JSON.stringify(String(key))} in the ${where}`,
    `the list has ${has}; the next index is ${length}`,
  );
}

/** Only an object has keys. */
function nothingThere(path: string, key: string | number, where: Where): Error {
  return usageError(`--set ${path}: there is no ${JSON.stringify(String(key))} in the ${where}`, "it has no keys");
}
