import { parameterOf } from "./delivery.ts";
import { type JsonNode, parseJson, scanJson, stringEnd } from "./json-text.ts";
import { rewritePlainText } from "./rewrite-plain-text.ts";
import { rewriteWide } from "./rewrite-wide.ts";

/** One value of a body: a JSON scalar, a JSON object's key, a form field, a part of a multipart body. */
export interface BodyValue {
  /** The names that lead to it, without the indexes of lists; of a key, those of its object. */
  readonly path: readonly string[];
  /** The decoded text; of a number, its digits as they were written. */
  readonly text: string;
  readonly kind: "text" | "number" | "key";
}

/** The new text of a value, or undefined to leave it byte for byte as it is. */
export type BodyEdit = (value: BodyValue) => string | undefined;

/**
 * A copy of a body with some values replaced in its text. Everything else stays: layout, order, digits, other bytes.
 * What is neither JSON nor a form is searched for names with values, so a body keeps no secret by being broken or plain text.
 */
export function rewriteBody(body: Buffer, contentType: string, edit: BodyEdit): Buffer {
  const wide = rewriteWide(body, contentType, (text) => rewriteText(text, contentType, edit));
  // What only says that it is of that charset is searched as the bytes that it is.
  if (wide !== undefined && !wide.equals(body)) return wide;
  const utf8 = body.toString("utf8");
  // Bytes that are not UTF-8 survive as Latin-1, in which every byte is a character.
  const encoding = Buffer.from(utf8, "utf8").equals(body) ? "utf8" : "latin1";
  const text = encoding === "utf8" ? utf8 : body.toString("latin1");
  const rewritten = rewriteText(text, contentType, edit);
  return rewritten === text ? body : Buffer.from(rewritten, encoding);
}

function rewriteText(text: string, contentType: string, edit: BodyEdit): string {
  const boundary = boundaryOf(text, contentType);
  if (boundary) return rewriteMultipart(text, boundary, edit);
  const json = rewriteJson(text, edit);
  if (json !== undefined) return json;
  if (/^application\/x-www-form-urlencoded/i.test(contentType)) return rewriteForm(text, edit);
  return rewriteBroken(text, edit);
}

/** The one that the header names, or where that is none of the body's, the one that the body begins with. */
function boundaryOf(text: string, contentType: string): string | undefined {
  const named = /^multipart\//i.test(contentType) ? parameterOf(contentType, "boundary") : undefined;
  if (named && text.includes(`--${named}`)) return named;
  return /^--([^\r\n]{1,70})\r?\ncontent-/i.exec(text.slice(0, 200))?.[1]?.trimEnd();
}

/** Undefined when the text is not a JSON object or list. */
function rewriteJson(
  text: string,
  edit: BodyEdit,
  outer: readonly string[] = [],
  isOutermost = true,
): string | undefined {
  if (!/^\s*[{[]/.test(text) || !parseJson(text).ok) return undefined;
  const parts: string[] = [];
  let done = 0;
  const replace = (start: number, end: number, by: string): void => {
    parts.push(text.slice(done, start), by);
    done = end;
  };
  const visit = (node: JsonNode, path: readonly string[]): void => {
    let from = node.start + 1;
    const named = node.kind === "object" ? namedBy(text, node) : undefined;
    for (const { key, node: child } of node.children) {
      if (typeof key === "string") {
        const start = text.indexOf('"', from);
        const renamed = edit({ path, text: key, kind: "key" });
        if (renamed !== undefined) replace(start, stringEnd(text, start), JSON.stringify(renamed));
      }
      const owner = named !== undefined && key === "value" ? [...path, named] : path;
      visit(child, typeof key === "string" ? [...owner, key] : path);
      from = child.end;
    }
    if (node.kind !== "string" && node.kind !== "number") return;
    const source = text.slice(node.start, node.end);
    const value = node.kind === "string" ? String(JSON.parse(source)) : source;
    const kind = node.kind === "string" ? "text" : "number";
    const edited =
      edit({ path, text: value, kind }) ??
      (kind === "text" ? rewriteNested(value, edit, path, isOutermost) : undefined);
    if (edited === undefined || edited === value) return;
    const plain = node.kind === "number" && /^-?(0|[1-9]\d*)(\.\d+)?$/.test(edited);
    replace(node.start, node.end, plain ? edited : JSON.stringify(edited));
  };
  try {
    visit(scanJson(text), outer);
  } catch (error) {
    if (error instanceof RangeError) return rewriteBroken(text, edit);
    throw error;
  }
  return parts.join("") + text.slice(done);
}

/** What `{ "name": "token", "value": "…" }` calls its value. */
function namedBy(text: string, { children }: JsonNode): string | undefined {
  if (children.length > 10 || !children.some(({ key }) => key === "value")) return undefined;
  const name = children.find(({ key, node }) => (key === "name" || key === "key") && node.kind === "string")?.node;
  return name === undefined ? undefined : (JSON.parse(text.slice(name.start, name.end)) as string);
}

/**
 * JSON that is written in a text of JSON. What is in there once more is searched as plain text: to take each level apart
 * would cost a hostile body of a megabyte, in which there are hundreds, seconds.
 */
function rewriteNested(
  text: string,
  edit: BodyEdit,
  path: readonly string[],
  isOutermost: boolean,
): string | undefined {
  // Without a quote there is no name in it.
  if (!/^\s*(?:\{|\[\s*["{[])/.test(text) || !text.includes('"')) return undefined;
  if (!isOutermost || !/[}\]]\s*$/.test(text.slice(-20))) return rewriteBroken(text, edit);
  try {
    JSON.parse(text);
  } catch {
    return rewriteBroken(text, edit);
  }
  return rewriteJson(text, edit, path, false);
}

/** Of very many fields none is taken apart as JSON: an error for each that is none would take seconds. */
const MOST_FIELDS = 5_000;

/** The same for `a=1&b=2`, in a body or a query; a field may hold JSON. Some write `;` where the `&` belongs. */
export function rewriteForm(text: string, edit: BodyEdit): string {
  const pairs = text.split("&");
  const few = pairs.length <= MOST_FIELDS;
  return pairs
    .map((pair) => {
      const edited = editPair(pair, edit, few);
      if (edited !== undefined || !pair.includes(";")) return edited ?? pair;
      return pair
        .split(/;(?=[^;=]+=)/)
        .map((part) => editPair(part, edit, few) ?? part)
        .join(";");
    })
    .join("&");
}

function editPair(pair: string, edit: BodyEdit, few: boolean): string | undefined {
  const at = pair.indexOf("=");
  if (at < 1) return undefined;
  const name = pair.slice(0, at);
  const value = decodePlus(pair.slice(at + 1));
  const edited = editField(decodePlus(name), value, edit, few);
  return edited === undefined || edited === value
    ? undefined
    : `${name}=${encodeURIComponent(edited).replaceAll("%20", "+")}`;
}

function rewriteMultipart(text: string, boundary: string, edit: BodyEdit): string {
  const delimiter = `--${boundary}`;
  return text
    .split(delimiter)
    .map((part) => {
      // Lines end with \r\n, and with some programs with \n alone.
      const { index: end = -1, 0: blank = "" } = /\r?\n\r?\n/.exec(part) ?? {};
      const head = part.slice(0, Math.max(end, 0));
      const name = /;\s*name="?([^";\r\n]*)/i.exec(head)?.[1];
      if (end === -1 || name === undefined || /;\s*filename=/i.test(head)) return part;
      const [tail = ""] = /\r?\n$/.exec(part.slice(-2)) ?? [];
      const value = part.slice(end + blank.length, part.length - tail.length);
      const edited = editField(name, value, edit);
      return edited === undefined ? part : `${head}${blank}${edited}${tail}`;
    })
    .join(delimiter);
}

function editField(name: string, value: string, edit: BodyEdit, few = true): string | undefined {
  const edited = edit({ path: [name], text: value, kind: "text" });
  if (edited !== undefined || !/^\s*[{[]/.test(value)) return edited;
  return (few ? rewriteJson(value, edit) : undefined) ?? rewriteBroken(value, edit);
}

function rewriteBroken(text: string, edit: BodyEdit): string {
  return rewritePlainText(text, (name, value) => edit({ path: [name], text: value, kind: "text" }));
}

function decodePlus(text: string): string {
  // An error for each of very many fields would take a second.
  if (/%(?![0-9a-f]{2})/i.test(text)) return text;
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return text;
  }
}
