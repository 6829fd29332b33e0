// JSON as text. Zoho's ids have up to 19 digits, of which `JSON.parse` preserves 15, so values are read from the text itself.

export type JsonResult =
  | { readonly ok: true; readonly value: unknown }
  | {
      readonly ok: false;
      readonly reason: string;
      /** Position at which the text stops being JSON. */
      readonly position?: TextPosition;
    };

/**
 * Finds what may be a number that does not fit a JavaScript number. Cheaper than looking at every value. `{16}`, not `{16,}`: V8's
 * stack overflows where a count above three is open for some megabytes, and any count once it has compiled a megabyte of patterns.
 */
const LONG_NUMBER = /(?:^|[[:,\s])-?(?:[\d.]{16}|[\d.]+e[+-]?\d{3})/i;

/** Parses JSON. A number of more than 15 digits, or that would lose some, becomes a string of exactly what was written. */
export function parseJson(text: string): JsonResult {
  // Before JSON.parse, which takes 150 ms for a megabyte of opening brackets.
  if (isTooDeep(text)) return { ok: false, reason: `it is nested more than ${MAX_DEPTH} levels deep` };
  try {
    const value: unknown = JSON.parse(text);
    return { ok: true, value: hasLongNumber(text) ? toData(scanJson(text), text) : value };
  } catch {
    return explainJsonError(text);
  }
}

/** Why a text is not JSON, and where; undefined if it is. */
export function jsonFlaw(text: string): string | undefined {
  const parsed = parseJson(text);
  if (parsed.ok) return undefined;
  const { reason, position } = parsed;
  return position === undefined ? reason : `${reason} (line ${position.line}, column ${position.column})`;
}

/** Whether `parseJson` would parse it. */
export function isJson(text: string): boolean {
  if (isTooDeep(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Whether `parseJson` may return other values than `JSON.parse`. */
export function hasLongNumber(text: string): boolean {
  return LONG_NUMBER.test(text);
}

/** Whether a value may be a long number that `parseJson` made a string of. It may have been a string in the text, too. */
export function isLongNumber(value: unknown): boolean {
  return typeof value === "string" && value.length > 15 && /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(value);
}

/** Deeper than any webhook, and shallow enough for every recursive function. */
export const MAX_DEPTH = 500;

function isTooDeep(text: string): boolean {
  // Each level has an opening and a closing bracket.
  if (text.length < 2 * MAX_DEPTH) return false;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === 0x22) at = stringEnd(text, at) - 1;
    else if (char === 0x7b || char === 0x5b) {
      if (++depth > MAX_DEPTH) return true;
    } else if (char === 0x7d || char === 0x5d) depth--;
  }
  return false;
}

function explainJsonError(text: string): Extract<JsonResult, { ok: false }> {
  if (text.trim() === "") return { ok: false, reason: "it is empty" };
  const error = findJsonError(text);
  if (error === undefined) return { ok: false, reason: "it cannot be parsed" };
  return { ok: false, reason: error.reason, position: lineAndColumn(text, error.offset) };
}

/** The offset after the closing quote of the string that begins at `start`; the end of the text where there is none. */
export function stringEnd(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (char === 0x5c) i++;
    else if (char === 0x22) return i + 1;
  }
  return text.length;
}

export interface JsonNode {
  readonly kind: "object" | "array" | "string" | "number" | "literal";
  /** Offsets of the first character and of the one after the last. */
  readonly start: number;
  readonly end: number;
  /** Members of an object, elements of an array. */
  readonly children: readonly JsonChild[];
}

interface JsonChild {
  /** The member's decoded name, or the element's index. */
  readonly key: string | number;
  readonly node: JsonNode;
}

/** Shared by all scalars, of which a body of a megabyte has very many. */
const NO_CHILDREN: readonly JsonChild[] = [];

/** The syntax tree of a text that `JSON.parse` has accepted. */
export function scanJson(text: string): JsonNode {
  let at = 0;
  const skip = (): void => {
    while (isJsonSpace(text.charCodeAt(at))) at++;
  };
  const scalar = (kind: JsonNode["kind"], end: number): JsonNode => {
    const start = at;
    at = end;
    return { kind, start, end, children: NO_CHILDREN };
  };
  const container = (kind: "object" | "array", close: string): JsonNode => {
    const start = at++;
    const children: JsonChild[] = [];
    for (skip(); at < text.length && text[at] !== close; skip()) {
      if (text[at] === ",") {
        at++;
        continue;
      }
      let key: string | number = children.length;
      if (kind === "object") {
        const end = stringEnd(text, at);
        key = unquoted(text.slice(at, end));
        at = end;
        skip();
        at++;
        skip();
      }
      children.push({ key, node: value() });
    }
    at++;
    return { kind, start, end: at, children };
  };
  const value = (): JsonNode => {
    const first = text[at];
    if (first === "{") return container("object", "}");
    if (first === "[") return container("array", "]");
    if (first === '"') return scalar("string", stringEnd(text, at));
    let end = at + 1;
    while (end < text.length && !endsScalar(text.charCodeAt(end))) end++;
    return scalar(first === "-" || (first !== undefined && first >= "0" && first <= "9") ? "number" : "literal", end);
  };
  skip();
  return value();
}

/** The text of a string literal. */
export function unquoted(literal: string): string {
  return literal.includes("\\") ? (JSON.parse(literal) as string) : literal.slice(1, -1);
}

/** White space, or the byte order mark that may precede the text. */
export function isJsonSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09 || code === 0xfeff;
}

/** Whether a number or literal ends before this character. */
function endsScalar(code: number): boolean {
  return code === 0x2c || code === 0x7d || code === 0x5d || (code !== 0xfeff && isJsonSpace(code));
}

/** Whether a value is a JSON object. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function toData(node: JsonNode, text: string): unknown {
  if (node.kind === "array") return node.children.map((child) => toData(child.node, text));
  if (node.kind === "object") {
    return Object.fromEntries(node.children.map((child) => [child.key, toData(child.node, text)]));
  }
  const source = text.slice(node.start, node.end);
  // By the number of digits, not only where some are lost: otherwise some ids of 16 digits would be numbers and some strings.
  const isLong = node.kind === "number" && (/^-?\d{16}\d*$/.test(source) || losesDigits(source));
  return isLong ? source : JSON.parse(source);
}

/** Whether a number literal is another number once JavaScript has read it. */
export function losesDigits(source: string): boolean {
  const value = Number(source);
  if (Number.isSafeInteger(value)) return false;
  if (!Number.isFinite(value)) return true;
  return significant(source) !== significant(String(value));
}

/** The significant digits of a number literal. */
function significant(source: string): string {
  return (source.toLowerCase().split("e", 1)[0] ?? "").replace(/[-+.]/g, "").replace(/^0+|0+$/g, "");
}

export interface TextPosition {
  // Both count from 1.
  readonly line: number;
  readonly column: number;
}

export function lineAndColumn(text: string, offset: number): TextPosition {
  const before = text.slice(0, offset);
  return { line: before.split("\n").length, column: offset - before.lastIndexOf("\n") };
}

/** The position of the value at a path, or of its nearest existing parent. */
export function locate(text: string, path: readonly PropertyKey[]): TextPosition {
  let node = scanJson(text);
  for (const key of path) {
    // The last of duplicate keys counts, as in JSON.parse.
    const child = node.children.findLast((each) => each.key === key);
    if (child === undefined) break;
    node = child.node;
  }
  return lineAndColumn(text, node.start);
}

/** The value at a path exactly as it is written; undefined where there is none. */
export function jsonAt(text: string, path: readonly PropertyKey[]): string | undefined {
  const node = nodeAt(scanJson(text), path);
  return node === undefined ? undefined : text.slice(node.start, node.end);
}

/** The last of duplicate keys counts, as in JSON.parse. */
export function nodeAt(root: JsonNode, path: readonly PropertyKey[]): JsonNode | undefined {
  let node: JsonNode | undefined = root;
  for (const key of path) node = node?.children.findLast((child) => child.key === key)?.node;
  return node;
}

interface JsonError {
  /** In UTF-16 units; the length of the text when it ends too early. */
  readonly offset: number;
  readonly reason: string;
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const LITERAL = /true|false|null/y;
const SPACE = /[ \t\n\r]*/y;

/**
 * Finds where and why a text is not JSON (RFC 8259); V8 names the place for some errors in some versions only. Undefined for
 * valid JSON. A loop rather than recursion, so that no text is too deep.
 */
export function findJsonError(text: string): JsonError | undefined {
  let at = 0;
  /** The closing brackets that are still missing, innermost last. */
  const open: ("}" | "]")[] = [];
  const take = (pattern: RegExp): boolean => {
    pattern.lastIndex = at;
    const found = pattern.test(text);
    if (found) at = pattern.lastIndex;
    return found;
  };
  const fail = (expected: string): JsonError => ({
    offset: at,
    reason: at >= text.length ? `unexpected end, expected ${expected}` : `expected ${expected}`,
  });
  const stringError = (): JsonError | undefined => {
    for (at++; at < text.length; ) {
      const char = text[at] ?? "";
      if (char === '"') {
        at++;
        return undefined;
      }
      if (char < " ") return { offset: at, reason: "control character in a string" };
      if (char !== "\\") at++;
      else if (!take(ESCAPE)) return { offset: at, reason: "invalid escape sequence" };
    }
    return { offset: at, reason: "unterminated string" };
  };
  const keyError = (): JsonError | undefined => {
    take(SPACE);
    if (text[at] !== '"') return fail("a key in double quotes");
    const inString = stringError();
    if (inString !== undefined) return inString;
    take(SPACE);
    if (text[at] !== ":") return fail("a colon");
    at++;
    return undefined;
  };

  for (;;) {
    take(SPACE);
    const first = text[at];
    if (first === "{" || first === "[") {
      at++;
      take(SPACE);
      const close = first === "{" ? "}" : "]";
      if (text[at] !== close) {
        open.push(close);
        const inKey = close === "}" ? keyError() : undefined;
        if (inKey !== undefined) return inKey;
        continue;
      }
      at++;
    } else if (first === '"') {
      const inString = stringError();
      if (inString !== undefined) return inString;
    } else if (!take(NUMBER) && !take(LITERAL)) return fail("a value");

    for (let ended = false; !ended; ) {
      take(SPACE);
      const close = open.at(-1);
      if (close === undefined)
        return at < text.length ? { offset: at, reason: "extra text after the JSON" } : undefined;
      if (text[at] === close) {
        at++;
        open.pop();
      } else if (text[at] === ",") {
        at++;
        const inKey = close === "}" ? keyError() : undefined;
        if (inKey !== undefined) return inKey;
        ended = true;
      } else return fail(`a comma or ${close}`);
    }
  }
}

/** A number with more digits than a JavaScript number preserves, such as an id. It is written again with the same digits. */
export class ExactNumber {
  readonly digits: string;

  constructor(digits: string) {
    this.digits = digits;
  }

  /** A string for `JSON.stringify`, which would round a number. */
  toJSON(): string {
    return this.digits;
  }

  toString(): string {
    return this.digits;
  }
}

/** Like `parseJson`, but long numbers are `ExactNumber`s rather than strings. Undefined for invalid JSON. */
export function readExact(text: string): unknown {
  const parsed = parseJson(text);
  return parsed.ok ? exact(parsed.value, scanJson(text)) : undefined;
}

function exact(value: unknown, node: JsonNode): unknown {
  if (node.kind === "number" && typeof value === "string") return new ExactNumber(value);
  if (node.kind !== "object" && node.kind !== "array") return value;
  // The last of duplicate keys counts, as in JSON.parse.
  const members = node.children.map(({ key, node: child }) => [key, exact(Reflect.get(Object(value), key), child)]);
  return node.kind === "array" ? members.map(([, each]) => each) : Object.fromEntries(members);
}

/** `JSON.stringify` for JSON data with exact numbers. */
export function writeJson(value: unknown): string {
  if (value instanceof ExactNumber) return value.digits;
  if (Array.isArray(value)) return `[${value.map(writeJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).filter(([, each]) => each !== undefined);
  return `{${members.map(([key, each]) => `${JSON.stringify(key)}:${writeJson(each)}`).join(",")}}`;
}
