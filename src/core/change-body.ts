import type { Delivery } from "./delivery.ts";
import { usageError } from "./errors.ts";
import { writeJson } from "./exact-number.ts";
import { type JsonNode, scanJson } from "./json-text.ts";
import { problemText, readPayload } from "./payload.ts";
import { type Assignment, nothingThere } from "./set-path.ts";

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
