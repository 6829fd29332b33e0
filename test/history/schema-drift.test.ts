import { describe, expect, it } from "vitest";
import { z } from "zod";
import { findDrift } from "../../src/history/schema-drift.ts";
import { Observer } from "../../src/history/traffic.ts";
import { schemaShape } from "../../src/model/schema.ts";

function driftOf(schema: z.ZodType, ...payloads: readonly unknown[]) {
  const observer = new Observer();
  for (const payload of payloads) observer.observe(payload);
  return { ...findDrift(schemaShape(schema), observer.root), partial: observer.isPartial() };
}

describe("findDrift", () => {
  it("finds nothing where traffic and schema agree", () => {
    const schema = z.looseObject({ id: z.string(), lines: z.array(z.looseObject({ tax: z.number().nullish() })) });
    const drift = driftOf(schema, { id: "1", lines: [{ tax: 1.5 }, { tax: null }] }, { id: "2", lines: [] });
    expect(drift).toEqual({ unknown: [], unseen: [], conflicts: [], partial: false });
  });

  it("lists unknown fields once per array, and none below them", () => {
    const schema = z.looseObject({ lines: z.array(z.looseObject({ id: z.string() })) });
    const payload = {
      lines: [
        { id: "a", tag: { x: 1 } },
        { id: "b", tag: 5 },
      ],
      "odd name": true,
    };
    expect(driftOf(schema, payload).unknown).toEqual([
      { path: "lines[].tag", types: ["object", "number"], count: 2 },
      { path: '["odd name"]', types: ["boolean"], count: 1 },
    ]);
  });

  it("counts wrong types and missing required fields", () => {
    const schema = z.looseObject({ status: z.string().nullish(), kind: z.literal("a"), id: z.string() });
    const drift = driftOf(schema, { status: 5, kind: "a", id: "1" }, { status: 6, kind: "a" }, { kind: "a", id: "3" });
    expect(drift.conflicts).toEqual([
      { path: "status", expected: "string or null", seen: "number", count: 2 },
      { path: "id", expected: "string", seen: "nothing", count: 1 },
    ]);
  });

  it("lists optional fields that never came where their parent did", () => {
    const schema = z.looseObject({
      email: z.string().optional(),
      phone: z.string().optional(),
      owner: z.looseObject({ name: z.string().optional() }).optional(),
    });
    expect(driftOf(schema, { email: "a" }, {}).unseen.map(({ path }) => path)).toEqual(["phone", "owner"]);
  });

  it("accepts either side of a union, and the fields of all its objects", () => {
    const schema = z.union([z.string(), z.looseObject({ a: z.number() }), z.looseObject({ b: z.number() })]);
    expect(driftOf(schema, "text", { a: 1 }, { b: 2 })).toMatchObject({ unknown: [], conflicts: [] });
    expect(driftOf(schema, 5).conflicts).toEqual([
      { path: "the payload itself", expected: "string or object", seen: "number", count: 1 },
    ]);
  });

  it("compares the values of a map, not its keys", () => {
    const schema = z.looseObject({ counts: z.record(z.string(), z.number()) });
    const drift = driftOf(schema, { counts: { open: 1, closed: "2" } });
    expect(drift.unknown).toEqual([]);
    expect(drift.conflicts).toEqual([{ path: "counts.closed", expected: "number", seen: "string", count: 1 }]);
  });

  it("accepts text of more digits than a JavaScript number holds as a number", () => {
    const schema = z.looseObject({ id: z.number() });
    expect(driftOf(schema, { id: "4150868000000002179" }, { id: 1 }).conflicts).toEqual([]);
    expect(driftOf(schema, { id: "4150868000000002179" }, { id: "1" }).conflicts).toEqual([
      { path: "id", expected: "number", seen: "string", count: 1 },
    ]);
  });

  it("never shows names that are ids or addresses", () => {
    const drift = driftOf(z.looseObject({}), { "4150868000000002179": 1, "mei@example.com": "x", plain: 1 });
    expect(drift.unknown.map(({ path }) => path)).toEqual(["*", "plain"]);
  });

  it("limits fields and depth, and reports that it is partial", () => {
    const wide = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`field_${i}`, i]));
    const drift = driftOf(z.looseObject({}), wide);
    expect(drift.partial).toBe(true);
    expect(drift.unknown.length).toBeLessThan(2001);
    const deep = JSON.parse(`${'{"a":'.repeat(400)}1${"}".repeat(400)}`);
    expect(driftOf(z.looseObject({}), deep).partial).toBe(true);
  });
});
