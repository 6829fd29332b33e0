import { isJson, type JsonNode, scanJson, stringEnd, unquoted } from "../util/json.ts";
import { parameterOf } from "./delivery.ts";

/** A JSON scalar, a key of a JSON object, a form field, or a part of a multipart body. */
export interface BodyValue {
  /** The names that lead to the value, without indexes of lists; for a key, the path of its object. */
  readonly path: readonly string[];
  /** The decoded text, or the digits of a number as they were written. */
  readonly text: string;
  readonly kind: "text" | "number" | "key";
}

/** Returns the new text of a value, or undefined to leave it byte for byte as it is. */
export type BodyEdit = (value: BodyValue) => string | undefined;

export function rewriteText(text: string, contentType: string, edit: BodyEdit): string {
  const boundary = boundaryOf(text, contentType);
  if (boundary) return rewriteMultipart(text, boundary, edit);
  const json = rewriteJson(text, edit);
  if (json !== undefined) return json;
  if (/^application\/x-www-form-urlencoded/i.test(contentType)) return rewriteForm(text, edit);
  return rewritePlainText(text, edit);
}

/** The boundary of the header, or the one that the body begins with where that does not occur. */
function boundaryOf(text: string, contentType: string): string | undefined {
  const named = /^multipart\//i.test(contentType) ? parameterOf(contentType, "boundary") : undefined;
  if (named && text.includes(`--${named}`)) return named;
  return /^--([^\r\n]{1,70})\r?\ncontent-/i.exec(text.slice(0, 200))?.[1]?.trimEnd();
}

/** Undefined when the text is not a JSON object or list. `nestedIn` is the path of the string that it was found in. */
function rewriteJson(text: string, edit: BodyEdit, nestedIn?: readonly string[]): string | undefined {
  if (!/^\s*[{[]/.test(text) || !isJson(text)) return undefined;
  try {
    return new JsonRewrite(text, edit, nestedIn).run();
  } catch (error) {
    if (error instanceof RangeError) return rewritePlainText(text, edit);
    throw error;
  }
}

/** Rewrites keys and scalars of a JSON text in its order, and copies all between them. */
class JsonRewrite {
  readonly #text: string;
  readonly #edit: BodyEdit;
  readonly #nestedIn: readonly string[] | undefined;
  readonly #parts: string[] = [];
  /** How far the text is copied. */
  #done = 0;

  constructor(text: string, edit: BodyEdit, nestedIn: readonly string[] | undefined) {
    this.#text = text;
    this.#edit = edit;
    this.#nestedIn = nestedIn;
  }

  run(): string {
    this.#visit(scanJson(this.#text), this.#nestedIn ?? []);
    return this.#parts.join("") + this.#text.slice(this.#done);
  }

  #visit(node: JsonNode, path: readonly string[]): void {
    let from = node.start + 1;
    const named = node.kind === "object" ? namedBy(this.#text, node) : undefined;
    for (const { key, node: child } of node.children) {
      if (typeof key === "string") this.#rewriteKey(key, path, from);
      const owner = named !== undefined && key === "value" ? [...path, named] : path;
      this.#visit(child, typeof key === "string" ? [...owner, key] : path);
      from = child.end;
    }
    if (node.kind === "string") this.#rewriteString(node, path);
    else if (node.kind === "number") this.#rewriteNumber(node, path);
  }

  #rewriteKey(key: string, path: readonly string[], from: number): void {
    const start = this.#text.indexOf('"', from);
    const renamed = this.#edit({ path, text: key, kind: "key" });
    if (renamed !== undefined) this.#replace(start, stringEnd(this.#text, start), JSON.stringify(renamed));
  }

  #rewriteString({ start, end }: JsonNode, path: readonly string[]): void {
    const value = unquoted(this.#text.slice(start, end));
    const nestedPath = this.#nestedIn === undefined ? path : undefined;
    const edited = this.#edit({ path, text: value, kind: "text" }) ?? rewriteNested(value, this.#edit, nestedPath);
    if (edited !== undefined && edited !== value) this.#replace(start, end, JSON.stringify(edited));
  }

  #rewriteNumber({ start, end }: JsonNode, path: readonly string[]): void {
    const digits = this.#text.slice(start, end);
    const edited = this.#edit({ path, text: digits, kind: "number" });
    if (edited === undefined || edited === digits) return;
    const isNumber = /^-?(0|[1-9]\d*)(\.\d+)?$/.test(edited);
    this.#replace(start, end, isNumber ? edited : JSON.stringify(edited));
  }

  #replace(start: number, end: number, by: string): void {
    this.#parts.push(this.#text.slice(this.#done, start), by);
    this.#done = end;
  }
}

/** `token` for `{ "name": "token", "value": "…" }`. */
function namedBy(text: string, { children }: JsonNode): string | undefined {
  if (children.length > 10 || !children.some(({ key }) => key === "value")) return undefined;
  const name = children.find(({ key, node }) => (key === "name" || key === "key") && node.kind === "string")?.node;
  return name === undefined ? undefined : (JSON.parse(text.slice(name.start, name.end)) as string);
}

/**
 * JSON in a string of JSON. Deeper levels are searched as plain text: parsing each of the hundreds of levels of a hostile body
 * would take seconds, so `path` is undefined for those.
 */
function rewriteNested(text: string, edit: BodyEdit, path: readonly string[] | undefined): string | undefined {
  // Without quotes there are no names.
  if (!/^\s*(?:\{|\[\s*["{[])/.test(text) || !text.includes('"')) return undefined;
  if (path === undefined || !/[}\]]\s*$/.test(text.slice(-20))) return rewritePlainText(text, edit);
  try {
    JSON.parse(text);
  } catch {
    return rewritePlainText(text, edit);
  }
  return rewriteJson(text, edit, path);
}

/** In more fields than this none is parsed as JSON: an error for each would take seconds. */
const MAX_JSON_FIELDS = 5_000;

/** Rewrites `a=1&b=2` in a body or a query. Fields may hold JSON, and some senders separate them by `;`. */
export function rewriteForm(text: string, edit: BodyEdit): string {
  const pairs = text.split("&");
  const parsesJson = pairs.length <= MAX_JSON_FIELDS;
  return pairs
    .map((pair) => {
      const edited = editPair(pair, edit, parsesJson);
      if (edited !== undefined || !pair.includes(";")) return edited ?? pair;
      return pair
        .split(/;(?=[^;=]+=)/)
        .map((part) => editPair(part, edit, parsesJson) ?? part)
        .join(";");
    })
    .join("&");
}

function editPair(pair: string, edit: BodyEdit, parsesJson: boolean): string | undefined {
  const at = pair.indexOf("=");
  if (at < 1) return undefined;
  const name = pair.slice(0, at);
  const value = decodePlus(pair.slice(at + 1));
  const edited = editField(decodePlus(name), value, edit, parsesJson);
  return edited === undefined || edited === value
    ? undefined
    : `${name}=${encodeURIComponent(edited).replaceAll("%20", "+")}`;
}

function rewriteMultipart(text: string, boundary: string, edit: BodyEdit): string {
  const delimiter = `--${boundary}`;
  return text
    .split(delimiter)
    .map((part) => {
      // Some programs end lines with \n alone.
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

function editField(name: string, value: string, edit: BodyEdit, parsesJson = true): string | undefined {
  const edited = edit({ path: [name], text: value, kind: "text" });
  if (edited !== undefined || !/^\s*[{[]/.test(value)) return edited;
  return (parsesJson ? rewriteJson(value, edit) : undefined) ?? rewritePlainText(value, edit);
}

function decodePlus(text: string): string {
  // Throwing for each of very many fields would take a second.
  if (/%(?![0-9a-f]{2})/i.test(text)) return text;
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return text;
  }
}

/** Returns the new text of the value after a name, or undefined to leave it. */
type EditNamed = (name: string, value: string) => string | undefined;

/** `"name": "` up to the opening quote of the value. */
const QUOTED_PAIR = /"([^"\\]{1,200})"\s*:\s*"/g;
/** `name=`, `name: `, `"name": `, `<name>` before a value. */
const NAME =
  /(?<=^|[\s,;&?({"'[|`*])([\w.-]{1,200})\\{0,3}["']?[ \t]{0,20}[:=](?:\*\*)?[ \t]{0,20}|<([\w.:-]{1,200})(?:\s[^<>]{0,2000})?>/g;
const LINE = /[^\r\n]+/y;
const WORD = /[^\s&<>]+/y;
const HEADER = /^(?:proxy-)?authorization$|^(?:set-)?cookie$/i;
const PEM = /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----/g;
const USER = /(?<=\b[a-z][a-z0-9+.-]{0,20}:\/\/)[^/?#@\s"'<>]{1,300}(?=@)/gi;
/** Punctuation after a value without quotes: it closes brackets or a sentence. */
const TRAILING_PUNCTUATION = /[,;.)\]}'"`]{1,8}$/;

/** Rewrites the values after names in broken JSON, XML and text that a user composed. */
function rewritePlainText(text: string, edit: BodyEdit): string {
  const edited: EditNamed = (name, value) => edit({ path: [name], text: value, kind: "text" });
  const pairs = replaceRanges(text, QUOTED_PAIR, ({ 0: all, 1: name = "", index }) => {
    const from = index + all.length - 1;
    const end = stringEnd(text, from);
    const isClosed = text[end - 1] === '"' && end - 1 > from;
    const by = edited(name, text.slice(from + 1, isClosed ? end - 1 : end));
    return { from, to: end, by: by === undefined ? undefined : JSON.stringify(by) };
  });
  const users = pairs.replace(USER, (user) => edited("password", user) ?? user);
  return rewriteNamed(rewriteKeys(users, edited), edited);
}

function rewriteKeys(text: string, edited: EditNamed): string {
  return replaceRanges(text, PEM, ({ index }) => {
    const end = text.indexOf("-----END ", index);
    const close = end === -1 ? -1 : text.indexOf("-----", end + 9);
    const to = close === -1 ? text.length : close + 5;
    const by = edited("private_key", text.slice(index, to));
    return by === undefined ? undefined : { from: index, to, by };
  });
}

function rewriteNamed(text: string, edited: EditNamed): string {
  return replaceRanges(text, NAME, (match) => {
    const [all, name = "", element] = match;
    // A value is looked for only after a name that matters, so that a long text of other names is read once.
    if (edited(element ?? name, "x") === undefined) {
      // Continue with the attributes of an element.
      const to = match.index + 1 + (element ?? "").length;
      return element === undefined ? undefined : { from: match.index, to, by: undefined };
    }
    const from = match.index + all.length;
    const found = element === undefined ? valueAt(text, match, from) : elementAt(text, from);
    if (found === undefined || found.value === "") return undefined;
    const by = edited(element ?? name, found.value);
    return by === undefined ? undefined : { from: found.from, to: found.from + found.value.length, by };
  });
}

interface Found {
  readonly from: number;
  readonly value: string;
}

function valueAt(text: string, { 0: all, 1: name = "", index }: RegExpExecArray, from: number): Found | undefined {
  if (HEADER.test(name) && all.includes(":")) return headerAt(text, text[index - 1] ?? "", from);
  const quoted = quotedAt(text, from);
  if (quoted !== undefined) return { from: from + 1, value: quoted };
  const [word = ""] = matchAt(WORD, text, from) ?? [];
  const value = word.replace(TRAILING_PUNCTUATION, "");
  const next = text.slice(from + word.length, from + word.length + 2);
  return all.includes(":") && /^[ \t]\w/.test(next) && isProse(name, value) ? undefined : { from, value };
}

/** Words that begin a sentence about a secret and are no secrets themselves. */
const BEGINS_SENTENCE =
  /^(?:an?|the|this|that|these|it|its|is|was|are|were|there|no|not|none|nothing|neither|keys|your|you|must|may|does|do|did|has|have|cannot|could|should|expected|unexpected|invalid|missing|malformed|mismatched)$/i;

/** Names whose value is no lower-case word. */
const SENTENCE_NAME = /^(?:sign|sig|signature|token|auth|cookie|[a-z]+-signature)$/i;

/** Whether a sentence follows the name: "Invalid signature: expected hex", "guide-signature: the body has changed". */
function isProse(name: string, word: string): boolean {
  return BEGINS_SENTENCE.test(word) || (SENTENCE_NAME.test(name) && /^[a-z]{1,20}$/.test(word));
}

/** The text between quotes on one line. A loop, since a pattern would overflow the stack on many megabytes. */
function quotedAt(text: string, from: number): string | undefined {
  const quote = text[from];
  if (quote !== '"' && quote !== "'") return undefined;
  for (let at = from + 1; at < text.length; at++) {
    const char = text[at];
    if (char === quote) return text.slice(from + 1, at);
    if (char === "\n") return undefined;
    if (char === "\\") at++;
  }
  return undefined;
}

/** The value of a header: to the end of the line, or of the quotes around the whole header. */
function headerAt(text: string, before: string, from: number): Found {
  const [line = ""] = matchAt(LINE, text, from) ?? [];
  const end = /["'`]/.test(before) ? line.indexOf(before) : -1;
  return { from, value: end === -1 ? line : line.slice(0, end) };
}

function elementAt(text: string, from: number): Found {
  const open = "<![CDATA[";
  const isData = text.startsWith(open, from);
  const start = isData ? from + open.length : from;
  const end = text.indexOf(isData ? "]]>" : "<", start);
  return { from: start, value: text.slice(start, end === -1 ? undefined : end) };
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

interface Range {
  readonly from: number;
  readonly to: number;
  /** The replacement; undefined to leave the range as it is. */
  readonly by: string | undefined;
}

/** Replaces the range that `find` returns for each match, and continues after it, or after the match where there is none. */
function replaceRanges(text: string, pattern: RegExp, find: (match: RegExpExecArray) => Range | undefined): string {
  const parts: string[] = [];
  let done = 0;
  // Not the pattern's `lastIndex`: `find` may search the value with the same pattern.
  let next = 0;
  for (;;) {
    const match = matchAt(pattern, text, next);
    if (match === null) return parts.join("") + text.slice(done);
    next = pattern.lastIndex;
    const found = find(match);
    if (found === undefined) continue;
    next = found.to;
    if (found.by === undefined) continue;
    parts.push(text.slice(done, found.from), found.by);
    done = found.to;
  }
}
