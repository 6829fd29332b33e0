import { describe, expect, it } from "vitest";
import { changeBody, parseAssignment } from "../../src/samples/edit-body.ts";

const JSON_TYPE = "application/json";
const FORM_TYPE = "application/x-www-form-urlencoded";

function change(body: string, sets: readonly string[], { type = JSON_TYPE } = {}): string {
  const delivery = { method: "POST", url: "/", headers: [["content-type", type]] as const, body: Buffer.from(body) };
  return changeBody(delivery, sets.map(parseAssignment)).toString();
}

describe("changeBody", () => {
  it("leaves every other byte as it was", () => {
    const body = '{ "id":4150868000000002179,\n  "amount" : 1250.00, "a":{"b":[1,2 , 3]} }';
    expect(change(body, ["a.b[1]=x"])).toBe(
      '{ "id":4150868000000002179,\n  "amount" : 1250.00, "a":{"b":[1,"x" , 3]} }',
    );
  });

  it("replaces whole objects, and several values in turn", () => {
    expect(change('{"a":{"b":1},"c":2}', ['a={"x":true}', "c=null"])).toBe('{"a":{"x":true},"c":null}');
  });

  it("writes a long number where it replaces a number", () => {
    const body = '{"id":4150868000000002179,"ids":["4150868000000002179"]}';
    expect(change(body, ["id=4150868000000002181", "ids[0]=4150868000000002181"])).toBe(
      '{"id":4150868000000002181,"ids":["4150868000000002181"]}',
    );
    expect(change(body, ['id="4150868000000002181"'])).toContain('"id":"4150868000000002181"');
  });

  it("changes the last of duplicate keys", () => {
    expect(change('{"a":1,"a":2}', ["a=3"])).toBe('{"a":1,"a":3}');
  });

  it("adds new keys and the next entry of a list", () => {
    expect(change('{"a":{}}', ["a.x.y=2"])).toBe('{"a":{"x":{"y":2}}}');
    expect(change('{"a":[1]}', ["a[1]=2"])).toBe('{"a":[1,2]}');
    expect(() => change('{"a":[1]}', ["a[3]=2"])).toThrow(/--set a\[3\]/);
    expect(() => change('{"a":"text"}', ["a.b=2"])).toThrow(/--set a\.b/);
  });

  it("changes one field of a form and leaves the encoding of the others", () => {
    expect(change("a=%7e+x&b=1&c=J%c3%bcrgen", ["b=ä &="], { type: FORM_TYPE })).toBe(
      "a=%7e+x&b=%C3%A4+%26%3D&c=J%c3%bcrgen",
    );
    expect(change("a=1", ["b=2"], { type: FORM_TYPE })).toBe("a=1&b=2");
    expect(() => change("name=1", ["name.x=2"], { type: FORM_TYPE })).toThrow(/no "x" in the body/);
  });

  it("changes the JSON in a form field", () => {
    const form = `x=1&JSONString=${encodeURIComponent('{"id":4150868000000002179,"a":1}')}`;
    const changed = new URLSearchParams(change(form, ["a=2"], { type: FORM_TYPE }));
    expect(changed.get("JSONString")).toBe('{"id":4150868000000002179,"a":2}');
    expect(changed.get("x")).toBe("1");
  });

  it.each([
    ["", JSON_TYPE, "empty"],
    ["{broken", JSON_TYPE, "not valid JSON"],
    ["just text", "text/plain", "the body is text"],
  ])("rejects %j", (body, type, reason) => {
    expect(() => change(body, ["a=1"], { type })).toThrow(reason);
  });
});
