import fc from "fast-check";
import { expect, it } from "vitest";
import { findJsonError, parseJson } from "../../src/util/json.ts";

it.each([
  ["", 0, "it ends too early, a value is missing"],
  ['{"a":1', 6, "it ends too early, a comma or } is missing"],
  ['{"a":1,}', 7, "a key in double quotes is expected here"],
  ["[1,]", 3, "a value is expected here"],
  ['{"a" 1}', 5, "a colon is expected here"],
  ['{"a":1} x', 8, "more text follows the JSON"],
  ["{'a':1}", 1, "a key in double quotes is expected here"],
  ['["a\nb"]', 3, "a control character within a string"],
  ['["\\x"]', 2, "an escape sequence that JSON does not have"],
  ['["a', 3, "it ends within a string"],
  ["[01]", 2, "a comma or ] is expected here"],
  ["<html>", 0, "a value is expected here"],
])("finds the syntax error in %j", (text, offset, reason) => {
  expect(findJsonError(text)).toEqual({ offset, reason });
});

it("finds an error exactly where JSON.parse does, in JSON with a character changed", () => {
  fc.assert(
    fc.property(fc.json(), fc.nat(), fc.constantFrom(...'{}[],:"\\x0-.e tn\n'), (json, seed, char) => {
      const at = seed % (json.length + 1);
      const text = json.slice(0, at) + char + json.slice(at + 1);
      let valid = true;
      try {
        JSON.parse(text);
      } catch {
        valid = false;
      }
      expect(findJsonError(text) === undefined).toBe(valid);
    }),
    { numRuns: 2000 },
  );
});

it("reports line and column, and rejects excessive nesting", () => {
  expect(parseJson('{\n  "a": tru\n}')).toEqual({
    ok: false,
    reason: "a value is expected here",
    position: { line: 2, column: 8 },
  });
  const deep = (levels: number) => parseJson("[".repeat(levels) + "]".repeat(levels)).ok;
  expect(deep(500)).toBe(true);
  expect(deep(501)).toBe(false);
  expect(deep(100_000)).toBe(false);
  expect(parseJson(`{"a":"${"[".repeat(1000)}"}`).ok).toBe(true);
});
