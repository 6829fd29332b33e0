import { describe, expect, it } from "vitest";
import { assign, parseAssignment } from "../../src/samples/edit-body.ts";
import { writeJson } from "../../src/util/json.ts";

const data = { data: { Email: "a@example.com", items: [{ price: 1 }, { price: 2 }] }, "a.b": { c: 1 } };
const set = (text: string): unknown => assign(data, parseAssignment(text));

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

  it.each([
    ["data.items[9].price=1", "the list has 2 entries, 0 to 1; the next index is 2"],
    ["data.Email.x=1", "it has no keys"],
  ])("rejects %s, where nothing can be added", (text, hint) => {
    expect(() => set(text)).toThrow(expect.objectContaining({ message: expect.stringContaining("there is no"), hint }));
  });

  it("writes a long number where it replaces a number", () => {
    const changed = assign({ n: 1, id: "1" }, parseAssignment("n=9973000097980803"));
    expect(writeJson(assign(changed, parseAssignment("id=9973000097980803")))).toBe(
      '{"n":9973000097980803,"id":"9973000097980803"}',
    );
  });

  it("adds keys and the next entry of a list", () => {
    expect(set("data.items[2].price=3")).toEqual({
      ...data,
      data: { ...data.data, items: [...data.data.items, { price: 3 }] },
    });
    expect(set("new.deep[0].x=1")).toEqual({ ...data, new: { deep: [{ x: 1 }] } });
  });

  it.each([["noequals"], ["=x"], ["a..b=1"], ["a[x]=1"], ['["\\q"]=1']])("rejects %s", (text) => {
    expect(() => parseAssignment(text)).toThrow(expect.objectContaining({ code: "usage" }));
  });

  it("rejects a path deeper than any body", () => {
    expect(() => parseAssignment(`${"a.".repeat(600)}b=1`)).toThrow(expect.objectContaining({ code: "usage" }));
  });

  it("never reaches a prototype", () => {
    expect(JSON.stringify(set("__proto__.polluted=1"))).toContain('"__proto__":{"polluted":1}');
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});
