import { type JsonNode, scanJson, stringEnd } from "./json-text.ts";

/**
 * The same JSON, indented; every scalar and key exactly as it was written. As it came where that would be far longer: a list in
 * 490 others, which anybody can post, has a thousand spaces before each of its entries.
 */
export function prettyJson(text: string, indent = "  "): string {
  if (isFarLongerIndented(text, indent.length)) return text;
  const keys = (node: JsonNode, pad: string): string => {
    if (node.children.length === 0)
      return text
        .slice(node.start, node.end)
        .replace(/\s+/g, (s) => (node.kind === "object" || node.kind === "array" ? "" : s));
    const inner = pad + indent;
    const lines = node.children.map(({ key, node: child }) =>
      typeof key === "number" ? inner + keys(child, inner) : `${inner}${JSON.stringify(key)}: ${keys(child, inner)}`,
    );
    const [open, close] = node.kind === "array" ? "[]" : "{}";
    return `${open}\n${lines.join(",\n")}\n${pad}${close}`;
  };
  return keys(scanJson(text), "");
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

/** The same JSON without white space between its parts; every scalar and key exactly as it was written. */
export function minifyJson(text: string): string {
  // A pattern for a whole string, which may be of many megabytes, would not fit on the stack.
  const parts: string[] = [];
  let done = 0;
  const next = /"|[\s\uFEFF]+/g;
  for (let match = next.exec(text); match !== null; match = next.exec(text)) {
    if (match[0] === '"') next.lastIndex = stringEnd(text, match.index);
    else {
      parts.push(text.slice(done, match.index));
      done = next.lastIndex;
    }
  }
  return parts.join("") + text.slice(done);
}

/** The shortest JSON text of a value: what `JSON.stringify(JSON.parse(text))` gives back unchanged. */
export function compactJson(value: unknown): string {
  return JSON.stringify(value);
}
