import { isUtf8 } from "node:buffer";
import { type JsonResult, parseJson, type TextPosition } from "../util/json.ts";
import { type Delivery, headerValue, mediaParameter, mediaType, splitUrl } from "./delivery.ts";

type PayloadKind = "json" | "form" | "multipart" | "text" | "query" | "empty";

/** A delivery's content as data. Numbers that do not fit a JavaScript number are strings of their digits. */
export interface Payload {
  readonly kind: PayloadKind;
  /** The JSON value, or the fields of a form, multipart body or query: as an object, or the JSON that one of them holds. */
  readonly data: unknown;
  /** The JSON text that `data` was read from; undefined where it was not JSON. */
  readonly text: string | undefined;
  /** The fields of a form, multipart body or query, in order and with repeats. */
  readonly fields: readonly FieldPair[];
  /** The name of the field that holds the JSON. */
  readonly wrappedIn: string | undefined;
}

export type FieldPair = readonly [name: string, value: string];

/** A body that cannot be read; a signature over its bytes can still match. */
export const UNREAD: Payload = { kind: "text", data: undefined, text: undefined, fields: [], wrappedIn: undefined };

/** `memberCount` runs for each of many formats, and listing 100,000 keys takes 20 ms. */
const countOfLarge = new WeakMap<object, number>();

/** The members of an object, or the entries of a list; 0 for anything else. */
export function memberCount(data: unknown): number {
  if (typeof data !== "object" || data === null) return 0;
  if (Array.isArray(data)) return data.length;
  const known = countOfLarge.get(data);
  if (known !== undefined) return known;
  const count = Object.keys(data).length;
  if (count > 100) countOfLarge.set(data, count);
  return count;
}

/** No body and no parameters, or an empty JSON object or list. */
export function isEmpty({ kind, data }: Payload): boolean {
  return kind === "empty" || (typeof data === "object" && data !== null && memberCount(data) === 0);
}

/** Why a body does not match its content type. */
export interface PayloadProblem {
  /** The status that the sender gets. */
  readonly status: 400 | 415;
  readonly reason: string;
  readonly position?: TextPosition | undefined;
}

export function problemText({ reason, position }: PayloadProblem): string {
  return position === undefined ? reason : `${reason} (line ${position.line}, column ${position.column})`;
}

type PayloadResult =
  | { readonly ok: true; readonly payload: Payload }
  | { readonly ok: false; readonly problem: PayloadProblem };

/** Names of fields in which Zoho's products and their users put a whole JSON body. */
const WRAPPERS = /^(payload|jsonstring|json|data|body)$/i;

/** Far more than a webhook has. Each field costs time, and anybody can post a megabyte of them. */
const MAX_FORM_FIELDS = 1_000;
/** How many fields are tried as JSON. A real body has one; finding the error in each that only begins like JSON costs time. */
const MAX_WRAPPERS = 4;

/** Reads a body by its content type; without one, by what it looks like. */
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
  // Text that a user composed, or the XML of a product: recognised by its address, not by its body.
  if (type.startsWith("text/") || type === "application/xml") return readText(delivery);
  // The content type that most of Zoho's products send with JSON is not documented.
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
  // Some of Zoho's products post JSON with the content type of a form; a form never begins with a bracket.
  const json = bracketedJson(text);
  if (json !== undefined) return json;
  return occursMoreThan(MAX_FORM_FIELDS - 1, "&", delivery.body)
    ? tooManyFields()
    : found({ kind: "form", ...unwrap(formFields(text)) });
}

/**
 * The decoded fields of a form or query, in order. URLSearchParams drops a leading `?`, so one is added. For a name without
 * `=`, Node 24 and 26 search the whole rest of the text, which is quadratic, so that is added, too.
 */
export function formFields(text: string): readonly FieldPair[] {
  const pairs = text.split("&").map((pair) => (pair === "" || pair.includes("=") ? pair : `${pair}=`));
  return [...new URLSearchParams(`?${pairs.join("&")}`)];
}

/** A JSON object or list, whatever its content type; undefined for anything else. */
function bracketedJson(text: string | undefined): PayloadResult | undefined {
  if (text === undefined || !/^\s*[{[]/.test(text)) return undefined;
  const parsed = parseJson(text);
  return parsed.ok ? found({ kind: "json", data: parsed.value, text }) : undefined;
}

function readMultipart(delivery: Delivery): PayloadResult {
  const boundary = mediaParameter(delivery, "boundary");
  if (!boundary) return problem(400, "the multipart content type has no boundary");
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
  // For a body that begins like JSON the position of the error helps more than calling it text.
  const isMeantAsJson = mediaType(delivery) !== "text/plain" && /^\s*[{[]/.test(text);
  return isMeantAsJson ? brokenJson(parsed) : found({ kind: "text", data: text });
}

/** The fields as one object, or the JSON that one of them holds. */
function unwrap(fields: readonly FieldPair[]): Pick<Payload, "data" | "fields" | "text" | "wrappedIn"> {
  let tried = 0;
  for (const [name, value] of fields) {
    if (tried === MAX_WRAPPERS) break;
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
  return problem(400, `the body has more than ${MAX_FORM_FIELDS} form fields, which is the limit`);
}

function notText(delivery: Delivery): PayloadResult {
  return problem(400, `the body is not valid ${charsetOf(delivery)} text`);
}

/** AWS Lambda gets bodies of types that its gateway considers binary in base64. */
function looksEncoded(text: string): boolean {
  return !/[^A-Za-z0-9+/=]/.test(text) && /^\s*[{[]/.test(Buffer.from(text.slice(0, 8), "base64").toString());
}

function encodedJson(): PayloadResult {
  return problem(
    400,
    "the body looks like base64-encoded JSON: decode it first (AWS Lambda sets isBase64Encoded for it)",
  );
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

/** Undefined where the bytes are not text in the charset of the request. */
function bodyText(delivery: Delivery): string | undefined {
  const charset = charsetOf(delivery);
  if (charset === "UTF-8") return utf8Text(delivery.body);
  try {
    return new TextDecoder(charset, { fatal: true }).decode(delivery.body);
  } catch {
    return undefined;
  }
}

/** UTF-8 also for an unknown charset, such as the `null` of a program that has none to name. */
function charsetOf(delivery: Delivery): string {
  const charset = mediaParameter(delivery, "charset");
  if (charset === undefined || /^utf-?8$/i.test(charset)) return "UTF-8";
  try {
    return new TextDecoder(charset).encoding.toUpperCase();
  } catch {
    return "UTF-8";
  }
}

/** Bytes as text without a byte order mark; undefined where they are not UTF-8. */
export function utf8Text(bytes: Buffer): string | undefined {
  if (!isUtf8(bytes)) return undefined;
  const text = bytes.toString("utf8");
  return text.startsWith("\uFEFF") ? text.slice(1) : text;
}

/** As much as Node reads of a request's headers. */
const MAX_PART_HEADERS = 16_384;

type MultipartResult =
  | { readonly ok: true; readonly fields: readonly FieldPair[] }
  | { readonly ok: false; readonly reason: string };

/** The fields of a multipart/form-data body (RFC 7578), in order. A file is represented by its name and length. */
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
    if (headersEnd - at > MAX_PART_HEADERS) return { ok: false, reason: "a part has headers of more than 16 kB" };
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

/** The text at a path, such as `["ticket", "id"]`; undefined where there is none or an empty one. Never throws. */
export function textAt(data: unknown, path: readonly string[]): string | undefined {
  const value = valueAt(data, path);
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** The id or list of ids at a path, as text. Empty for anything else. Never throws. */
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
