import { type JsonNode, scanJson, stringEnd } from "./json-text.ts";

/** The same JSON, indented; every scalar and key exactly as it was written. */
export function prettyJson(text: string, indent = "  "): string {
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
