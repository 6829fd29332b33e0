import { isJsonSpace, stringEnd } from "./json.ts";

/**
 * The same JSON, indented; every scalar and key exactly as it was written. As it came where that would be far longer: a list in
 * 490 others, which anybody can post, has a thousand spaces before each of its entries.
 */
export function prettyJson(text: string, indent = "  "): string {
  if (isFarLongerIndented(text, indent.length)) return text;
  const lines: string[] = [];
  const line = (depth: number): string => (lines[depth] ??= `\n${indent.repeat(depth)}`);
  return respaced(text, { inner: line, comma: line, colon: " " });
}

/** The same with a space behind each comma and colon. */
export function spacedJson(text: string): string {
  return respaced(text, { inner: () => "", comma: () => " ", colon: " " });
}

/** The same JSON without white space between its parts; every scalar and key exactly as it was written. */
export function minifyJson(text: string): string {
  return respaced(text, { inner: () => "", comma: () => "", colon: "" });
}

/** What to put within the brackets of what is not empty, behind a comma, and behind a colon. */
interface Spacing {
  readonly inner: (depth: number) => string;
  readonly comma: (depth: number) => string;
  readonly colon: string;
}

/** In one pass, without a tree: of a megabyte there are many layouts to make. */
function respaced(text: string, { inner, comma, colon }: Spacing): string {
  const parts: string[] = [];
  let [depth, done] = [0, 0];
  const put = (at: number, between: string, next = at): void => {
    if (between !== "" || next !== at) parts.push(text.slice(done, at), between);
    else return;
    done = next;
  };
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x22) at = stringEnd(text, at) - 1;
    else if (code === 0x2c) put(at + 1, comma(depth));
    else if (code === 0x3a) put(at + 1, colon);
    else if (code === 0x7b || code === 0x5b) {
      const next = spaceEnd(text, at + 1);
      const isEmpty = text.charCodeAt(next) === code + 2;
      put(at + 1, isEmpty ? "" : inner(++depth), next);
      at = isEmpty ? next : next - 1;
    } else if (code === 0x7d || code === 0x5d) put(at, inner(--depth));
    else if (isJsonSpace(code)) {
      const next = spaceEnd(text, at);
      put(at, "", next);
      at = next - 1;
    }
  }
  return parts.join("") + text.slice(done);
}

function spaceEnd(text: string, start: number): number {
  let at = start;
  while (isJsonSpace(text.charCodeAt(at))) at++;
  return at;
}

/** Whether a text would be more than this many times as long once it is indented, whatever its size. */
const FAR_LONGER = 20;
const ALWAYS_FINE = 100_000;

export function isFarLongerIndented(text: string, indent: number): boolean {
  const most = text.length * FAR_LONGER + ALWAYS_FINE;
  let [depth, length] = [0, text.length];
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === 0x22) at = stringEnd(text, at) - 1;
    else if (char === 0x7b || char === 0x5b) length += 1 + indent * ++depth;
    else if (char === 0x7d || char === 0x5d) length += 1 + indent * Math.max(0, --depth);
    else if (char === 0x2c) length += 1 + indent * depth;
    if (length > most) return true;
  }
  return false;
}

/** The shortest JSON text of a value: what `JSON.stringify(JSON.parse(text))` gives back unchanged. */
export function compactJson(value: unknown): string {
  return JSON.stringify(value);
}
