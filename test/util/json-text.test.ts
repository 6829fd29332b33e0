import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { locate, parseJson } from "../../src/util/json.ts";
import { prettyJson } from "../../src/util/json-print.ts";

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
  ])("keeps every digit of %s as text", (_, text, value) => {
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

  it("equals JSON.parse where no digits are lost", () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), fc.integer({ min: 0, max: 4 }), (value, indent) => {
        const text = JSON.stringify(value, undefined, indent);
        const result = parseJson(text);
        const floats = /\d\.\d{14,}|\d{16,}|e[+-]\d{3}/.test(text);
        expect(result.ok && (floats || JSON.stringify(result.value) === JSON.stringify(JSON.parse(text)))).toBe(true);
      }),
    );
  });

  it("survives extreme nesting", () => {
    const deep = "[".repeat(200_000) + "]".repeat(200_000);
    expect(() => parseJson(deep)).not.toThrow();
    expect(() => parseJson(`${"[".repeat(20_000)}12345678901234567890${"]".repeat(20_000)}`)).not.toThrow();
  });

  it("reads __proto__ as an ordinary key", () => {
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

describe("prettyJson", () => {
  it("indents and changes nothing else", () => {
    const text =
      '{"id":4150868000000002179,"total":1250.00,"\\u00fc":"\\u00fc","a":[],"o":{ },"l":[1,{"x":null}],"x":1,"x":2}';
    expect(prettyJson(text)).toBe(
      [
        "{",
        '  "id": 4150868000000002179,',
        '  "total": 1250.00,',
        '  "\\u00fc": "\\u00fc",',
        '  "a": [],',
        '  "o": {},',
        '  "l": [',
        "    1,",
        "    {",
        '      "x": null',
        "    }",
        "  ],",
        '  "x": 1,',
        '  "x": 2',
        "}",
      ].join("\n"),
    );
  });

  it("equals JSON.stringify for ordinary JSON", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        expect(prettyJson(text)).toBe(JSON.stringify(JSON.parse(text), undefined, 2));
      }),
    );
  });
});
