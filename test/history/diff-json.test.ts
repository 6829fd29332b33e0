import { describe, expect, it } from "vitest";
import { diffJson } from "../../src/history/diff.ts";

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
      ["new.k", "added", undefined, "1250.00"],
    ]);
  });

  it("lists what is added or removed value by value, and what is empty as it is", () => {
    expect(told('{"tags":[{"id":7},{}]}', '{"owner":{"name":"Mei","roles":["a","b"]},"notes":[]}')).toEqual([
      ["tags.0.id", "removed", "7", undefined],
      ["tags.1", "removed", "{}", undefined],
      ["owner.name", "added", undefined, '"Mei"'],
      ["owner.roles.0", "added", undefined, '"a"'],
      ["owner.roles.1", "added", undefined, '"b"'],
      ["notes", "added", undefined, "[]"],
    ]);
    expect(told('{"a":{}}', '{"a":{"b":1}}')).toEqual([["a.b", "added", undefined, "1"]]);
    expect(told('{"a":[]}', '{"a":{}}')).toEqual([["a", "changed", "[]", "{}"]]);
    expect(told('{"a":{}}', '{"a":{ }}')).toEqual([]);
  });

  it("reports a value of another type as one change", () => {
    expect(told('{"a":{"b":1}}', '{"a":[1]}')).toEqual([["a", "changed", '{"b":1}', "[1]"]]);
    expect(told('{"a":"1"}', '{"a":1}')).toEqual([["a", "changed", '"1"', "1"]]);
    expect(told("[]", "null")).toEqual([["", "changed", "[]", "null"]]);
  });
});
