import { isJsonSpace, stringEnd } from "./json.ts";

/**
 * Indents JSON; every scalar and key stays exactly as it was written. Text that would become far longer stays as it is: a list
 * within 490 others, which anybody can post, has a thousand spaces before each of its entries.
 */
export function prettyJson(text: string, indent = "  "): string {
  if (isFarLongerIndented(text, indent.length)) return text;
  const lines: string[] = [];
  const line = (depth: number): string => (lines[depth] ??= `\n${indent.repeat(depth)}`);
  return respaced(text, { inner: line, comma: line, colon: " " });
}

/** JSON on one line with a space after each comma and colon. */
export function spacedJson(text: string): string {
  return respaced(text, { inner: () => "", comma: () => " ", colon: " " });
}

/** JSON without white space between its parts; every scalar and key stays exactly as it was written. */
export function minifyJson(text: string): string {
  return respaced(text, { inner: () => "", comma: () => "", colon: "" });
}

/** The white space inside the brackets of a container that is not empty, after a comma, and after a colon. */
interface Spacing {
  readonly inner: (depth: number) => string;
  readonly comma: (depth: number) => string;
  readonly colon: string;
}

/** In one pass without a tree: to explain a signature, a megabyte is laid out in many ways. */
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

/** How much longer indented text may be: by this factor, and by this many characters whatever its size. */
const MAX_GROWTH = 20;
const ALLOWED_GROWTH = 100_000;

export function isFarLongerIndented(text: string, indent: number): boolean {
  const maxLength = text.length * MAX_GROWTH + ALLOWED_GROWTH;
  let [depth, length] = [0, text.length];
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === 0x22) at = stringEnd(text, at) - 1;
    else if (char === 0x7b || char === 0x5b) length += 1 + indent * ++depth;
    else if (char === 0x7d || char === 0x5d) length += 1 + indent * Math.max(0, --depth);
    else if (char === 0x2c) length += 1 + indent * depth;
    if (length > maxLength) return true;
  }
  return false;
}
