import { parameterOf } from "./delivery.ts";
import { type JsonNode, parseJson, scanJson } from "./json-text.ts";
import { rewritePlainText } from "./rewrite-plain-text.ts";

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
  const wide = wideEncoding(body, contentType);
  if (wide !== undefined) {
    const rewritten = rewriteWide(body, wide, contentType, edit);
    // What only says that it is of that charset is searched as the bytes that it is.
    if (!rewritten.equals(body)) return rewritten;
  }
  const utf8 = body.toString("utf8");
  // Bytes that are not UTF-8 survive as Latin-1, in which every byte is a character.
  const encoding = Buffer.from(utf8, "utf8").equals(body) ? "utf8" : "latin1";
  const text = encoding === "utf8" ? utf8 : body.toString("latin1");
  const rewritten = rewriteText(text, contentType, edit);
  return rewritten === text ? body : Buffer.from(rewritten, encoding);
}

type WideEncoding = "utf-16le" | "utf-16be";

/** Of a text in which a name is not where its ASCII bytes are; without a word on it by its byte order mark. */
function wideEncoding(body: Buffer, contentType: string): WideEncoding | undefined {
  // Its parts are in charsets of their own.
  if (/^multipart\//i.test(contentType)) return undefined;
  const start = body.subarray(0, 2).toString("hex");
  if (start === "feff") return "utf-16be";
  if (start === "fffe") return "utf-16le";
  const charset = parameterOf(contentType, "charset");
  if (charset === undefined || /^utf-?8$/i.test(charset)) return undefined;
  try {
    const { encoding } = new TextDecoder(charset);
    return encoding === "utf-16le" || encoding === "utf-16be" ? encoding : undefined;
  } catch {
    return undefined;
  }
}

function rewriteWide(body: Buffer, encoding: WideEncoding, contentType: string, edit: BodyEdit): Buffer {
  const swapped = (bytes: Buffer): Buffer => (encoding === "utf-16be" ? Buffer.from(bytes).swap16() : bytes);
  const even = body.length - (body.length % 2);
  const text = swapped(body.subarray(0, even)).toString("utf16le");
  const mark = text.startsWith("\uFEFF") ? 1 : 0;
  const rewritten = text.slice(0, mark) + rewriteText(text.slice(mark), contentType, edit);
  return Buffer.concat([swapped(Buffer.from(rewritten, "utf16le")), body.subarray(even)]);
}

function rewriteText(text: string, contentType: string, edit: BodyEdit): string {
  const boundary = /^multipart\//i.test(contentType) ? parameterOf(contentType, "boundary") : undefined;
  if (boundary) return rewriteMultipart(text, boundary, edit);
  const json = rewriteJson(text, edit);
  if (json !== undefined) return json;
  if (/^application\/x-www-form-urlencoded/i.test(contentType)) return rewriteForm(text, edit);
  return rewriteBroken(text, edit);
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
    for (const { key, node: child } of node.children) {
      if (typeof key === "string") {
        const start = text.indexOf('"', from);
        const renamed = edit({ path, text: key, kind: "key" });
        if (renamed !== undefined) replace(start, keyEnd(text, start), JSON.stringify(renamed));
      }
      visit(child, typeof key === "string" ? [...path, key] : path);
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
  if (!/^\s*[{[]/.test(text) || !/[}\]]\s*$/.test(text.slice(-20))) return undefined;
  if (!isOutermost) return rewriteBroken(text, edit);
  try {
    JSON.parse(text);
  } catch {
    return undefined;
  }
  return rewriteJson(text, edit, path, false);
}

function keyEnd(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === '"') return i + 1;
  }
  return text.length;
}

/** The same for `a=1&b=2`, in a body or a query; a field may hold JSON. */
export function rewriteForm(text: string, edit: BodyEdit): string {
  return text
    .split("&")
    .map((pair) => {
      const at = pair.indexOf("=");
      if (at < 1) return pair;
      const name = pair.slice(0, at);
      const value = decodePlus(pair.slice(at + 1));
      const edited = editField(decodePlus(name), value, edit);
      return edited === undefined || edited === value
        ? pair
        : `${name}=${encodeURIComponent(edited).replaceAll("%20", "+")}`;
    })
    .join("&");
}

function rewriteMultipart(text: string, boundary: string, edit: BodyEdit): string {
  const delimiter = `--${boundary}`;
  return text
    .split(delimiter)
    .map((part) => {
      const end = part.indexOf("\r\n\r\n");
      const head = part.slice(0, Math.max(end, 0));
      const name = /;\s*name="?([^";\r\n]*)/i.exec(head)?.[1];
      if (end === -1 || name === undefined || /;\s*filename=/i.test(head)) return part;
      const tail = part.endsWith("\r\n") ? "\r\n" : "";
      const value = part.slice(end + 4, part.length - tail.length);
      const edited = editField(name, value, edit);
      return edited === undefined ? part : `${head}\r\n\r\n${edited}${tail}`;
    })
    .join(delimiter);
}

function editField(name: string, value: string, edit: BodyEdit): string | undefined {
  return edit({ path: [name], text: value, kind: "text" }) ?? rewriteJson(value, edit);
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
