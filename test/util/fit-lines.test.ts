import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cutToBytes, fitLines } from "../../src/util/fit-lines.ts";
import type { JsonLine } from "../../src/util/text.ts";

const MAX = 5000;

/** Bytes of a text as a string of JSON. */
function sentBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text));
}

function read(text: string): readonly JsonLine[] {
  return text.split("\n").map((line) => JSON.parse(line));
}

describe("fitLines", () => {
  it("leaves lines alone that fit", () => {
    const lines = [{ n: 1, text: "a".repeat(4000) }, { list: [1, { deep: [null, true] }] }];
    const { text, isCut } = fitLines(lines, MAX);
    expect(read(text)).toEqual(lines);
    expect(isCut).toBe(false);
    expect(fitLines([], MAX)).toEqual({ text: "", isCut: false });
  });

  it.each([...'A"\\\u0001\u0080é€'])("uses most of the room for one long text of %j", (character) => {
    const { text, isCut } = fitLines([{ n: 1, body: character.repeat(1_000_000) }], MAX);
    expect(isCut).toBe(true);
    expect(sentBytes(text)).toBeLessThanOrEqual(MAX);
    expect(sentBytes(text)).toBeGreaterThan(MAX * 0.85);
    const [line] = read(text);
    expect(line?.n).toBe(1);
    expect(line?.body).toMatch(/^(.)\1*… \(\d\.\d MB in all\)$/su);
  });

  it("cuts the longest texts first", () => {
    const { text } = fitLines([{ short: "b".repeat(300), long: "a".repeat(20_000) }], MAX);
    expect(read(text)).toMatchObject([{ short: "b".repeat(300), long: expect.stringMatching(/^a{3000,}… \(20 kB/) }]);
  });

  it("cuts long lists and large objects, and tells how long they are", () => {
    const ids = Array.from({ length: 10_000 }, (_, i) => String(i));
    const members = Object.fromEntries(ids.map((id) => [`m${id}`, id]));
    const { text } = fitLines([{ ids, members }], MAX);
    expect(sentBytes(text)).toBeLessThanOrEqual(MAX);
    const [line] = read(text) as [{ ids: string[]; members: Record<string, string> }];
    expect(line.ids.slice(0, 2)).toEqual(["0", "1"]);
    expect(line.ids.at(-1)).toBe("… (10000 in all)");
    expect(line.members).toMatchObject({ m0: "0", "…": "10000 in all" });
  });

  it("leaves the last lines out, and counts them", () => {
    const lines = Array.from({ length: 1000 }, (_, n) => ({ n, event: "Leads.create" }));
    const { text } = fitLines(lines, MAX);
    expect(sentBytes(text)).toBeLessThanOrEqual(MAX);
    const found = read(text);
    expect(found.slice(0, -1)).toEqual(lines.slice(0, found.length - 1));
    expect(found.at(-1)).toEqual({ left_out: 1000 - (found.length - 1) });
    expect(sentBytes(text)).toBeGreaterThan(MAX * 0.9);
  });

  it("fits any lines, as lines of JSON", () => {
    let deep: unknown = "x";
    for (let i = 0; i < 400; i++) deep = i % 2 === 0 ? [deep] : { [`${"k".repeat(i)}`]: deep };
    expect(sentBytes(fitLines([{ n: 1, deep: [deep] }], MAX).text)).toBeLessThanOrEqual(MAX);
    const texts = fc
      .tuple(fc.string({ unit: "binary", minLength: 1, maxLength: 5 }), fc.integer({ min: 1, max: 3000 }))
      .map(([text, times]) => text.repeat(times));
    const values = fc.jsonValue({ maxDepth: 5, stringUnit: "binary" });
    const lines = fc.array(fc.record({ n: fc.nat(), text: texts, value: values, list: fc.array(texts) }));
    fc.assert(
      fc.property(lines, (given) => {
        const { text, isCut } = fitLines(given, MAX);
        expect(sentBytes(text)).toBeLessThanOrEqual(MAX);
        if (text !== "") read(text);
        if (!isCut) expect(text === "" ? [] : read(text)).toEqual(JSON.parse(JSON.stringify(given)));
      }),
      { numRuns: 100 },
    );
  });
});

describe("cutToBytes", () => {
  it("keeps what fits, and never half of a character", () => {
    expect(cutToBytes("short", 100)).toBe("short");
    expect(cutToBytes('"'.repeat(100), 46)).toBe(`${'"'.repeat(10)}… (100 B in all)`);
    expect(cutToBytes("😀".repeat(10), 20)).toBe(`${"😀".repeat(3)}… (40 B in all)`);
    expect(cutToBytes("😀".repeat(10), 17)).toBe(`${"😀".repeat(2)}… (40 B in all)`);
    expect(cutToBytes("abc", 0)).toBe("… (3 B in all)");
  });
});
