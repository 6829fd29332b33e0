/** A token of RFC 8259; of a string only how it opens. Strings are walked: a pattern runs out of stack on long ones. */
const TOKEN = /([{}[\],:])|(")|(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)/y;
const SPACE = /[ \t\n\r]*/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/y;

type Wanted = "value" | "value or end" | "key" | "key or end" | "colon" | "more";

/**
 * The offset of the first character that no JSON can have there; the text's length when it ends too early.
 * For a text that `JSON.parse` has refused: some versions of V8 name no position.
 */
export function jsonErrorOffset(text: string): number {
  const open: string[] = [];
  let wanted: Wanted = "value";
  for (let at = matchEnd(SPACE, text, 0) ?? 0; at < text.length; at = matchEnd(SPACE, text, at) ?? at) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (match === null) return isCutOff(text.slice(at)) ? text.length : at;
    const next = wantedAfter(match[1] ?? match[2] ?? "scalar", wanted, open);
    if (next === undefined) return at;
    wanted = next;
    at = TOKEN.lastIndex;
    if (match[2] === undefined) continue;
    at = stringEnd(text, at);
    if (text[at] !== '"') return at;
    at++;
  }
  return text.length;
}

/** What may come behind a token, or undefined when it may not stand there itself. Keeps account of what is open. */
function wantedAfter(token: string, wanted: Wanted, open: string[]): Wanted | undefined {
  const inner = open.at(-1);
  switch (token) {
    case "{":
    case "[":
      if (!wanted.startsWith("value")) return undefined;
      open.push(token);
      return token === "{" ? "key or end" : "value or end";
    case "}":
    case "]":
      if (inner !== (token === "}" ? "{" : "[") || !(wanted === "more" || wanted.endsWith("end"))) return undefined;
      open.pop();
      return "more";
    case ",":
      if (wanted !== "more" || inner === undefined) return undefined;
      return inner === "{" ? "key" : "value";
    case ":":
      return wanted === "colon" ? "value" : undefined;
    default:
      if (token === '"' && wanted.startsWith("key")) return "colon";
      return wanted.startsWith("value") ? "more" : undefined;
  }
}

/** From behind its opening quote to its closing one, or to the first character that a string cannot hold. */
function stringEnd(text: string, from: number): number {
  let at = from;
  while (at < text.length && text[at] !== '"' && text.charCodeAt(at) >= 0x20) {
    const next = text[at] === "\\" ? matchEnd(ESCAPE, text, at) : at + 1;
    if (next === undefined) return at;
    at = next;
  }
  return at;
}

/** The rest is the beginning of a word or a number that the end of the text has cut off. */
function isCutOff(rest: string): boolean {
  return rest === "-" || ["true", "false", "null"].some((word) => word.startsWith(rest));
}

function matchEnd(pattern: RegExp, text: string, at: number): number | undefined {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : undefined;
}
