import { describe, expect, it } from "vitest";
import { assign, parseAssignment } from "../../src/core/edit-body.ts";
import { writeJson } from "../../src/util/json.ts";

const data = { data: { Email: "a@example.com", items: [{ price: 1 }, { price: 2 }] }, "a.b": { c: 1 } };
const set = (text: string, add = false): unknown => assign(data, parseAssignment(text), add);

describe("--set", () => {
  it.each([
    ["data.Email=me@example.com", { data: { ...data.data, Email: "me@example.com" } }],
    ["data.items[1].price=2.5", { data: { ...data.data, items: [{ price: 1 }, { price: 2.5 }] } }],
    ["data.items.0.price=null", { data: { ...data.data, items: [{ price: null }, { price: 2 }] } }],
    ['["a.b"].c=true', { "a.b": { c: true } }],
    ["data.Email=", { data: { ...data.data, Email: "" } }],
    ["data.Email=a=b", { data: { ...data.data, Email: "a=b" } }],
  ])("sets %s", (text, changed) => {
    expect(set(text)).toEqual({ ...data, ...changed });
  });

  it.each([
    ["x=4150868000000002179", "4150868000000002179"],
    ["x=007", "007"],
    ['x="12"', "12"],
    ["x=12", 12],
    ["x=-1.50", -1.5],
    ["x=1e999", "1e999"],
    ['x={"a":[1]}', { a: [1] }],
    ["x=tru", "tru"],
  ])("parses the value of %s", (text, value) => {
    expect(parseAssignment(text).value).toEqual(value);
  });

  it.each([["data.Emial=x"], ["data.items[2].price=1"], ["data.Email.x=1"], ["nothing=1"]])(
    "rejects %s, which does not exist",
    (text) => {
      expect(() => set(text)).toThrow(/there is no/);
    },
  );

  it("writes a long number where it replaces a number", () => {
    const changed = assign({ n: 1, id: "1" }, parseAssignment("n=9973000097980803"), false);
    expect(writeJson(assign(changed, parseAssignment("id=9973000097980803"), false))).toBe(
      '{"n":9973000097980803,"id":"9973000097980803"}',
    );
  });

  it("suggests the nearest key", () => {
    expect(() => set("data.Emial=x")).toThrow(
      expect.objectContaining({ hint: "did you mean Email? To add this one, use --add" }),
    );
    expect(() => set("data.Email.zzzzzz=x")).toThrow(
      expect.objectContaining({ hint: "it has no keys; to add this one, use --add" }),
    );
  });

  it("adds keys with --add", () => {
    expect(set("data.items[2].price=3", true)).toEqual({
      ...data,
      data: { ...data.data, items: [...data.data.items, { price: 3 }] },
    });
    expect(set("new.deep[0].x=1", true)).toEqual({ ...data, new: { deep: [{ x: 1 }] } });
    expect(() => set("data.items[9]=3", true)).toThrow(/there is no/);
  });

  it.each([["noequals"], ["=x"], ["a..b=1"], ["a[x]=1"], ['["\\q"]=1']])("rejects %s", (text) => {
    expect(() => parseAssignment(text)).toThrow(expect.objectContaining({ code: "usage" }));
  });

  it("rejects a path deeper than any body", () => {
    expect(() => parseAssignment(`${"a.".repeat(600)}b=1`)).toThrow(expect.objectContaining({ code: "usage" }));
  });

  it("never reaches a prototype", () => {
    expect(() => set("__proto__.polluted=1")).toThrow();
    expect(JSON.stringify(set("__proto__.polluted=1", true))).toContain('"__proto__":{"polluted":1}');
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});
