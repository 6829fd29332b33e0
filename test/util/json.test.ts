import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findJsonError, locate, parseJson } from "../../src/util/json.ts";

describe("parseJson", () => {
  it.each([
    ["a 19-digit id", '{"id":4150868000000002179}', { id: "4150868000000002179" }],
    [
      "a 16-digit one, whatever its digits",
      "[9973000000138072, 1234567890123456]",
      ["9973000000138072", "1234567890123456"],
    ],
    ["a negative one, in an array", "[-9007199254740993]", ["-9007199254740993"]],
    ["a decimal past what a double holds", '{"rate":0.12345678901234567890123}', { rate: "0.12345678901234567890123" }],
    ["a number past the largest double", "[1e999]", ["1e999"]],
  ])("preserves every digit of %s as text", (_, text, value) => {
    expect(parseJson(text)).toEqual({ ok: true, value });
  });

  it.each([
    ["1250.00", 1250],
    ["-999999999999999", -999999999999999],
    ["1e3", 1000],
    ["0.1", 0.1],
  ])("reads %s as a number", (text, value) => {
    const result = parseJson(text);
    expect(result).toEqual({ ok: true, value });
  });

  it("returns the same as JSON.parse where no digits are lost", () => {
    // All of Unicode would take a second to list.
    const stringUnit = fc.constantFrom(...'ab01.-e"\\/\n\u0000\u007f\u2028\ud800é渡🦊');
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit }), fc.integer({ min: 0, max: 4 }), (value, indent) => {
        const text = JSON.stringify(value, undefined, indent);
        const result = parseJson(text);
        const floats = /\d\.\d{14,}|\d{16,}|e[+-]\d{3}/.test(text);
        expect(result.ok && (floats || JSON.stringify(result.value) === JSON.stringify(JSON.parse(text)))).toBe(true);
      }),
    );
  });

  it("rejects nesting that would overflow the stack", () => {
    const deep = "[".repeat(200_000) + "]".repeat(200_000);
    expect(() => parseJson(deep)).not.toThrow();
    expect(() => parseJson(`${"[".repeat(20_000)}12345678901234567890${"]".repeat(20_000)}`)).not.toThrow();
  });

  it("reads __proto__ like any other key", () => {
    const result = parseJson('{"__proto__":{"x":1},"id":12345678901234567890}');
    expect(result.ok && Object.getPrototypeOf(result.value)).toBe(Object.prototype);
    expect(Object.keys(result.ok ? (result.value as object) : {})).toEqual(["__proto__", "id"]);
  });
});

describe("locate", () => {
  const text = '{\n  "a": [1, {"b": "x"}],\n  "a.c": 2, "a": {"d": 3}\n}';
  it.each([
    [["a", "d"], 3, 24],
    [["a.c"], 3, 10],
    [["a", "missing"], 3, 18],
    [[], 1, 1],
  ])("finds %j", (path, line, column) => {
    expect(locate(text, path)).toEqual({ line, column });
  });
});

describe("findJsonError", () => {
  it.each([
    ["", 0, "unexpected end, expected a value"],
    ['{"a":1', 6, "unexpected end, expected a comma or }"],
    ['{"a":1,}', 7, "expected a key in double quotes"],
    ["[1,]", 3, "expected a value"],
    ['{"a" 1}', 5, "expected a colon"],
    ['{"a":1} x', 8, "extra text after the JSON"],
    ["{'a':1}", 1, "expected a key in double quotes"],
    ['["a\nb"]', 3, "control character in a string"],
    ['["\\x"]', 2, "invalid escape sequence"],
    ['["a', 3, "unterminated string"],
    ["[01]", 2, "expected a comma or ]"],
    ["<html>", 0, "expected a value"],
  ])("finds where %j stops being JSON", (text, offset, reason) => {
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
      { numRuns: 500 },
    );
  });

  it("names line and column of an error, and rejects what is nested too deep", () => {
    expect(parseJson('{\n  "a": tru\n}')).toEqual({
      ok: false,
      reason: "expected a value",
      position: { line: 2, column: 8 },
    });
    const deep = (levels: number) => parseJson("[".repeat(levels) + "]".repeat(levels)).ok;
    expect(deep(500)).toBe(true);
    expect(deep(501)).toBe(false);
    expect(deep(100_000)).toBe(false);
    expect(parseJson(`{"a":"${"[".repeat(1000)}"}`).ok).toBe(true);
  });
});
