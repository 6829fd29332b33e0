import { describe, expect, it } from "vitest";
import { diffJson } from "../../src/events/diff.ts";

const told = (a: string, b: string) =>
  diffJson(a, b).map(({ path, change, before, after }) => [path.join("."), change, before, after]);

describe("diffJson", () => {
  it("ignores white space, key order and string escapes", () => {
    expect(told('{"a":1,"b":"\\u00e9"}', '{ "b": "é",\n"a": 1 }')).toEqual([]);
  });

  it("distinguishes two ids that are the same JavaScript number", () => {
    expect(told('{"id":4150868000000002179}', '{"id":4150868000000002178}')).toEqual([
      ["id", "changed", "4150868000000002179", "4150868000000002178"],
    ]);
  });

  it("lists additions, removals and changes by path", () => {
    expect(told('{"a":[1,{"x":1}],"gone":null}', '{"a":[1,{"x":2},3],"new":{"k":1250.00}}')).toEqual([
      ["a.1.x", "changed", "1", "2"],
      ["a.2", "added", undefined, "3"],
      ["gone", "removed", "null", undefined],
      ["new", "added", undefined, '{"k":1250.00}'],
    ]);
  });

  it("reports a value of another type as one change", () => {
    expect(told('{"a":{"b":1}}', '{"a":[1]}')).toEqual([["a", "changed", '{"b":1}', "[1]"]]);
    expect(told('{"a":"1"}', '{"a":1}')).toEqual([["a", "changed", '"1"', "1"]]);
    expect(told("[]", "null")).toEqual([["", "changed", "[]", "null"]]);
  });
});
