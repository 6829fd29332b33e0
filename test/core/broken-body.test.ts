import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { malformedJson, truncatedBody } from "../../src/commands/send/shipments.ts";

describe("malformedJson", () => {
  it("never returns valid JSON", () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom("", "\n", " \r\n"), (json, end) => {
        expect(() => JSON.parse(malformedJson(Buffer.from(json + end)).toString())).toThrow(SyntaxError);
      }),
    );
  });
});

describe("truncatedBody", () => {
  it("returns the first half of the body", () => {
    expect(truncatedBody(Buffer.from("abcdef")).toString()).toBe("abc");
    expect(truncatedBody(Buffer.from("a"))).toHaveLength(0);
  });
});
