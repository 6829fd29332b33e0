import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jsonErrorOffset } from "../../src/core/json-error.ts";
import { parseJson } from "../../src/core/json-text.ts";

describe("jsonErrorOffset", () => {
  it.each([
    ['{"a":}', 5],
    ['{"a":1,}', 7],
    ['{"a" 1}', 5],
    ["{a:1}", 1],
    ["[1 2]", 3],
    ["[1,2", 4],
    ["[1}", 2],
    ['{"a":01}', 6],
    ["tru", 3],
    ["trux", 0],
    ["[-", 2],
    ["[1.", 2],
    ["{} x", 3],
    ['{"a":"tab\there"}', 9],
    ['{"a":"open', 10],
    ['["\\x"]', 2],
    ['["\\u12"]', 2],
    ["\n\n  nul", 7],
    ["   ", 3],
    ["]", 0],
    ['{"a":1}}', 7],
    ['{1:"a"}', 1],
  ])("finds where %j stops being JSON", (text, offset) => {
    expect(() => JSON.parse(text)).toThrow();
    expect(jsonErrorOffset(text)).toBe(offset);
  });

  it("passes over all that JSON.parse accepts, and stops at a character put behind it", () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom("", " ", "\n\t"), (json, space) => {
        expect(jsonErrorOffset(`${space}${json}${space}`)).toBe(json.length + 2 * space.length);
        expect(jsonErrorOffset(`${space}${json}${space}:`)).toBe(json.length + 2 * space.length);
      }),
    );
  });

  it("takes a string of a megabyte and ten thousand levels without overflowing", () => {
    expect(jsonErrorOffset(`["${"x".repeat(1_000_000)}", }`)).toBe(1_000_005);
    expect(jsonErrorOffset(`["${"\\n".repeat(4_000_000)}", }`)).toBe(8_000_005);
    expect(jsonErrorOffset("[".repeat(10_000))).toBe(10_000);
  });
});

describe("parseJson", () => {
  it("names line and column, whatever the version of Node", () => {
    expect(parseJson('{\n  "a": }')).toEqual({ ok: false, reason: 'unexpected "}" at line 2, column 8' });
    expect(parseJson('{"a": [1')).toEqual({ ok: false, reason: "it ends too early at line 1, column 9" });
    expect(parseJson(" \n")).toEqual({ ok: false, reason: "it is empty" });
  });
});
