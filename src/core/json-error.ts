/** Where and why a text is not JSON (RFC 8259). */
export interface JsonError {
  /** In UTF-16 units from the start of the text; the text's length when it ends too early. */
  readonly offset: number;
  readonly reason: string;
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const LITERAL = /true|false|null/y;
const SPACE = /[ \t\n\r]*/y;

/**
 * Finds the first place at which a text that `JSON.parse` refused stops being JSON. V8 names the place in some
 * versions and for some errors only. Undefined when the text is JSON after all.
 */
export function findJsonError(text: string): JsonError | undefined {
  let at = 0;
  // What each open bracket waits for, innermost last: a loop rather than recursion, so that no depth is too deep.
  const open: ("}" | "]")[] = [];
  const take = (pattern: RegExp): boolean => {
    pattern.lastIndex = at;
    const found = pattern.test(text);
    if (found) at = pattern.lastIndex;
    return found;
  };
  const fail = (expected: string): JsonError => ({
    offset: at,
    reason: at >= text.length ? `it ends too early, ${expected} is missing` : `${expected} is expected here`,
  });
  const stringError = (): JsonError | undefined => {
    for (at++; at < text.length; ) {
      const char = text[at] ?? "";
      if (char === '"') {
        at++;
        return undefined;
      }
      if (char < " ") return { offset: at, reason: "a control character within a string" };
      if (char !== "\\") at++;
      else if (!take(ESCAPE)) return { offset: at, reason: "an escape sequence that JSON does not have" };
    }
    return { offset: at, reason: "it ends within a string" };
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
        return at < text.length ? { offset: at, reason: "more text follows the JSON" } : undefined;
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
