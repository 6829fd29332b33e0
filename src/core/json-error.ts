const SPACE = /[ \t\n\r]*/y;
const TOKEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids them within a string (RFC 8259, section 7)
  /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|[{}[\],:]/y;

type Expected = "value" | "value or ]" | "key or }" | "key" | "colon" | "comma or end" | "nothing";

/**
 * Where a text stops being JSON: the offset of the first character that cannot stand there, the text's length when it
 * ends too early. JavaScript's own message names no position for short texts, and quotes the whole body instead.
 */
export function jsonErrorOffset(text: string): number {
  const open: string[] = [];
  let expected: Expected = "value";
  for (let at = 0; ; ) {
    SPACE.lastIndex = at;
    at += SPACE.exec(text)?.[0].length ?? 0;
    if (at >= text.length) return text.length;
    TOKEN.lastIndex = at;
    const token = TOKEN.exec(text)?.[0];
    const next: Expected | undefined = token === undefined ? undefined : after(token, expected, open);
    if (next === undefined) return token === undefined && isCutOff(text, at) ? text.length : at;
    expected = next;
    at += token?.length ?? 0;
  }
}

/** What may follow a token; undefined when the token itself may not stand there. Keeps the stack of open brackets. */
function after(token: string, expected: Expected, open: string[]): Expected | undefined {
  if (token === ":") return expected === "colon" ? "value" : undefined;
  if (token === ",") {
    if (expected !== "comma or end" || open.length === 0) return undefined;
    return open.at(-1) === "{" ? "key" : "value";
  }
  if (token === "}" || token === "]") {
    const [bracket, empty] = token === "}" ? ["{", "key or }"] : ["[", "value or ]"];
    if (open.at(-1) !== bracket || (expected !== "comma or end" && expected !== empty)) return undefined;
    open.pop();
    return open.length === 0 ? "nothing" : "comma or end";
  }
  if (expected === "key" || expected === "key or }") return token.startsWith('"') ? "colon" : undefined;
  if (expected !== "value" && expected !== "value or ]") return undefined;
  if (token === "{" || token === "[") {
    open.push(token);
    return token === "{" ? "key or }" : "value or ]";
  }
  return open.length === 0 ? "nothing" : "comma or end";
}

/** The rest is the beginning of a string or a word that the end of the text has cut off. */
function isCutOff(text: string, at: number): boolean {
  const rest = text.slice(at);
  if (/^"(?:[^"\\\n]|\\.)*\\?$/.test(rest)) return true;
  return ["true", "false", "null"].some((word) => word.startsWith(rest)) || /^-?(?:\d+(?:\.|[eE][+-]?)?)?$/.test(rest);
}
