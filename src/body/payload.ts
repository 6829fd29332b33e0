import { isUtf8 } from "node:buffer";
import { type JsonResult, parseJson, type TextPosition } from "../util/json.ts";
import { type Delivery, headerValue, mediaParameter, mediaType, splitUrl } from "./delivery.ts";

type PayloadKind = "json" | "form" | "multipart" | "text" | "query" | "empty";

/** A delivery's content as data. Numbers that a JavaScript number cannot hold are strings of their exact digits. */
export interface Payload {
  readonly kind: PayloadKind;
  /** JSON: the value. Form, multipart and query: the fields; a JSON object that one of them wraps is taken out. */
  readonly data: unknown;
  /** The JSON text that `data` was read from; undefined where it was not JSON. */
  readonly text: string | undefined;
  /** The fields in order, repeats included, of a form, a multipart body or a query. */
  readonly fields: readonly FieldPair[];
  /** The field that held the JSON object, when there was one. */
  readonly wrappedIn: string | undefined;
}

export type FieldPair = readonly [name: string, value: string];

/** What is there of a body that cannot be read: the bytes, of which a signature can be right all the same. */
export const UNREAD: Payload = { kind: "text", data: undefined, text: undefined, fields: [], wrappedIn: undefined };

/** Neither a body nor parameters, or JSON with nothing in it. */
export function isEmpty({ kind, data }: Payload): boolean {
  return kind === "empty" || (typeof data === "object" && data !== null && hasNothing(data));
}

/** Asked for each of very many formats, and to count the keys of a megabyte each time would take seconds. */
const counted = new WeakSet<object>();

function hasNothing(data: object): boolean {
  if (Array.isArray(data)) return data.length === 0;
  if (counted.has(data)) return false;
  const keys = Object.keys(data).length;
  if (keys > 100) counted.add(data);
  return keys === 0;
}

/** Why a body is not what it says it is. `status` is the answer that the sender gets. */
export interface PayloadProblem {
  readonly status: 400 | 415;
  readonly reason: string;
  /** Where in the body's text, when that is known. */
  readonly position?: TextPosition | undefined;
}

/** The whole reason, with the place. */
export function problemText({ reason, position }: PayloadProblem): string {
  return position === undefined ? reason : `${reason} (line ${position.line}, column ${position.column})`;
}

type PayloadResult =
  | { readonly ok: true; readonly payload: Payload }
  | { readonly ok: false; readonly problem: PayloadProblem };

/** Field names in which Zoho's products and their users put a whole JSON body. */
const WRAPPERS = /^(payload|jsonstring|json|data|body)$/i;

/** Far more than a webhook has. Each field costs time, and anybody can post a megabyte of them. */
const MAX_FORM_FIELDS = 1_000;

/** Reads a body as what its content type says. Without a content type the body itself decides. */
export function readPayload(delivery: Delivery): PayloadResult {
  const type = mediaType(delivery);
  const coding = headerValue(delivery, "content-encoding")?.trim().toLowerCase() ?? "";
  if (coding !== "" && coding !== "identity")
    return problem(415, `content-encoding ${JSON.stringify(coding)} is not supported`);
  if (delivery.body.length === 0) return readQuery(delivery);
  if (type === "application/json" || type === "text/json" || type.endsWith("+json")) return readJson(delivery);
  if (type === "application/x-www-form-urlencoded") return readForm(delivery);
  if (type === "multipart/form-data") return readMultipart(delivery);
  if (type === "text/plain" || type === "" || type === "application/octet-stream") return readUndeclared(delivery);
  // Text of the user's own, or XML that a product posts: known by its address, not by its body.
  if (type.startsWith("text/") || type === "application/xml") return readText(delivery);
  // What most of Zoho's products call their JSON is not documented.
  return (
    bracketedJson(bodyText(delivery)) ??
    problem(415, `content type ${JSON.stringify(type)} is not supported: send JSON, a form or multipart/form-data`)
  );
}

function readQuery(delivery: Delivery): PayloadResult {
  const fields = formFields(splitUrl(delivery.url).query);
  if (fields.length === 0) return found({ kind: "empty", data: undefined });
  return found({ kind: "query", ...unwrap(fields) });
}

function readJson(delivery: Delivery): PayloadResult {
  const text = bodyText(delivery);
  if (text === undefined) return notText(delivery);
  const parsed = parseJson(text);
  if (!parsed.ok) return looksEncoded(text) ? encodedJson() : brokenJson(parsed);
  return found({ kind: "json", data: parsed.value, text });
}

function readForm(delivery: Delivery): PayloadResult {
  const text = bodyText(delivery);
  if (text === undefined) return notText(delivery);
  // Some of Zoho's products announce a form and post plain JSON; a form never begins with a bracket.
  const json = bracketedJson(text);
  if (json !== undefined) return json;
  return occursMoreThan(MAX_FORM_FIELDS - 1, "&", delivery.body)
    ? tooManyFields()
    : found({ kind: "form", ...unwrap(formFields(text)) });
}

/**
 * The decoded fields of a form or query, in order. URLSearchParams drops a leading `?`, so it gets one of its own. Node 24
 * and 26 search all the rest for the `=` of a name that has none, which is quadratic, so each name gets its `=` first.
 */
export function formFields(text: string): readonly FieldPair[] {
  return [...new URLSearchParams(`?${text.replace(/(?<=^|&)[^&=]+(?=&|$)/g, "$&=")}`)];
}

/** What is JSON whatever its content type says; undefined for anything else. */
function bracketedJson(text: string | undefined): PayloadResult | undefined {
  if (text === undefined || !/^\s*[{[]/.test(text)) return undefined;
  const parsed = parseJson(text);
  return parsed.ok ? found({ kind: "json", data: parsed.value, text }) : undefined;
}

function readMultipart(delivery: Delivery): PayloadResult {
  const boundary = mediaParameter(delivery, "boundary");
  if (!boundary) return problem(400, "the multipart content type names no boundary");
  if (occursMoreThan(MAX_FORM_FIELDS, `\r\n--${boundary}`, delivery.body)) return tooManyFields();
  const parts = parseMultipart(delivery.body, boundary);
  if (!parts.ok) return problem(400, `the multipart body is malformed: ${parts.reason}`);
  return found({ kind: "multipart", ...unwrap(parts.fields) });
}

function readText(delivery: Delivery): PayloadResult {
  const text = bodyText(delivery);
  return text === undefined ? notText(delivery) : (bracketedJson(text) ?? found({ kind: "text", data: text }));
}

function readUndeclared(delivery: Delivery): PayloadResult {
  const text = bodyText(delivery);
  if (text === undefined) return notText(delivery);
  const parsed = parseJson(text);
  if (parsed.ok) return found({ kind: "json", data: parsed.value, text });
  // What begins like JSON was meant to be: where it breaks helps more than that it is some text.
  const isMeantToBe = mediaType(delivery) !== "text/plain" && /^\s*[{[]/.test(text);
  return isMeantToBe ? brokenJson(parsed) : found({ kind: "text", data: text });
}

/** How many fields are looked into: a real body has one such, and each that only begins like JSON is read to find its error. */
const MOST_WRAPPERS = 4;

/** The fields as one object, or the JSON object that one of them wraps. */
function unwrap(fields: readonly FieldPair[]): Pick<Payload, "data" | "fields" | "text" | "wrappedIn"> {
  let tried = 0;
  for (const [name, value] of fields) {
    if (tried === MOST_WRAPPERS) break;
    if (!(fields.length === 1 || WRAPPERS.test(name)) || !/^\s*[{[]/.test(value)) continue;
    tried++;
    const parsed = parseJson(value);
    if (parsed.ok) return { data: parsed.value, text: value, fields, wrappedIn: name };
  }
  const values = new Map<string, string[]>();
  for (const [name, value] of fields) {
    const before = values.get(name);
    if (before === undefined) values.set(name, [value]);
    else before.push(value);
  }
  const data = Object.fromEntries([...values].map(([name, all]) => [name, all.length === 1 ? all[0] : all]));
  return { data, text: undefined, fields, wrappedIn: undefined };
}

function occursMoreThan(times: number, separator: string, body: Buffer): boolean {
  let at = -1;
  for (let count = 0; count <= times; count++) {
    at = body.indexOf(separator, at + 1, "latin1");
    if (at === -1) return false;
  }
  return true;
}

function tooManyFields(): PayloadResult {
  return problem(400, `the body has more than ${MAX_FORM_FIELDS} form fields; at most ${MAX_FORM_FIELDS} are accepted`);
}

function notText(delivery: Delivery): PayloadResult {
  return problem(400, `the body is not valid ${charsetOf(delivery)} text`);
}

/** A gateway in front of an app may hand bodies over in base64: AWS does so for types that it takes for binary. */
function looksEncoded(text: string): boolean {
  return /^[A-Za-z0-9+/]{4,}={0,2}$/.test(text) && /^\s*[{[]/.test(Buffer.from(text.slice(0, 8), "base64").toString());
}

function encodedJson(): PayloadResult {
  return problem(400, "the body looks like JSON in base64: decode it first, as isBase64Encoded of AWS Lambda asks for");
}

function brokenJson({ reason, position }: Extract<JsonResult, { ok: false }>): PayloadResult {
  return problem(400, `the body is not valid JSON: ${reason}`, position);
}

function problem(status: 400 | 415, reason: string, position?: TextPosition): PayloadResult {
  return { ok: false, problem: { status, reason, position } };
}

function found({
  kind,
  data,
  text,
  fields = [],
  wrappedIn,
}: Partial<Payload> & Pick<Payload, "kind" | "data">): PayloadResult {
  return { ok: true, payload: { kind, data, text, fields, wrappedIn } };
}

/** A body as text. Undefined when its bytes are none in the charset that the request names (UTF-8 unless it does). */
function bodyText(delivery: Delivery): string | undefined {
  const charset = charsetOf(delivery);
  if (charset === "UTF-8") return utf8Text(delivery.body);
  try {
    return new TextDecoder(charset, { fatal: true }).decode(delivery.body);
  } catch {
    return undefined;
  }
}

/** One that nobody knows says nothing: `null` comes from a program that has none to name. */
function charsetOf(delivery: Delivery): string {
  const charset = mediaParameter(delivery, "charset");
  if (charset === undefined || /^utf-?8$/i.test(charset)) return "UTF-8";
  try {
    return new TextDecoder(charset).encoding.toUpperCase();
  } catch {
    return "UTF-8";
  }
}

/** Bytes as text, without a byte order mark; undefined where they are not UTF-8. */
export function utf8Text(bytes: Buffer): string | undefined {
  if (!isUtf8(bytes)) return undefined;
  const text = bytes.toString("utf8");
  return text.startsWith("\uFEFF") ? text.slice(1) : text;
}

type MultipartResult =
  | { readonly ok: true; readonly fields: readonly FieldPair[] }
  | { readonly ok: false; readonly reason: string };

/**
 * The fields of a multipart/form-data body (RFC 7578), in order. A file's content is told by its name and length only:
 * this is a view for people and schemas, the bytes themselves are kept elsewhere as they came.
 */
function parseMultipart(body: Buffer, boundary: string): MultipartResult {
  const delimiter = Buffer.from(`--${boundary}`, "latin1");
  const fields: FieldPair[] = [];
  let at = body.indexOf(delimiter);
  if (at === -1) return { ok: false, reason: "its boundary does not occur in the body" };
  for (;;) {
    at += delimiter.length;
    if (body.subarray(at, at + 2).toString("latin1") === "--") return { ok: true, fields };
    const next = body.indexOf(Buffer.concat([Buffer.from("\r\n"), delimiter]), at);
    if (next === -1) return { ok: false, reason: "its closing boundary is missing" };
    const headersEnd = body.indexOf("\r\n\r\n", at);
    if (headersEnd === -1 || headersEnd > next) return { ok: false, reason: "a part has no headers" };
    const headers = body.subarray(at, headersEnd).toString("utf8");
    const content = body.subarray(headersEnd + 4, Math.max(next, headersEnd + 4));
    const name = parameter(headers, "name");
    if (name === undefined) return { ok: false, reason: "a part has no name" };
    const file = parameter(headers, "filename");
    fields.push([name, file === undefined ? content.toString("utf8") : `[file ${file}, ${content.length} bytes]`]);
    at = next + 2;
  }
}

function parameter(headers: string, name: string): string | undefined {
  const disposition = /^content-disposition:(.*)$/im.exec(headers)?.[1];
  if (disposition === undefined) return undefined;
  const match = new RegExp(`;\\s*${name}=(?:"((?:[^"\\\\]|\\\\.)*)"|([^;\\s]+))`, "i").exec(disposition);
  return match?.[1]?.replace(/\\(.)/g, "$1") ?? match?.[2];
}

/** The text at a path, as `["ticket", "id"]`; undefined where there is none, or an empty one. Never throws. */
export function textAt(data: unknown, path: readonly string[]): string | undefined {
  const value = valueAt(data, path);
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** The ids at a path, one or a list of them, as text. Empty for anything else. Never throws. */
export function idsAt(data: unknown, path: readonly (string | number)[]): readonly string[] {
  const value = valueAt(data, path);
  const ids: readonly unknown[] = Array.isArray(value) ? value : [value];
  return ids.filter((id) => typeof id === "number" || (typeof id === "string" && id !== "")).map(String);
}

export function valueAt(data: unknown, path: readonly (string | number)[]): unknown {
  let value = data;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}
