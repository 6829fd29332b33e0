import { expect, it } from "vitest";
import { prettyJson } from "../../src/util/json-print.ts";

it("indents the nesting of webhooks", () => {
  expect(prettyJson('{"a":[1.00,{"b":"[,"}],"c":{}}')).toBe(
    '{\n  "a": [\n    1.00,\n    {\n      "b": "[,"\n    }\n  ],\n  "c": {}\n}',
  );
});

it("does not indent deep nesting, which would be mostly spaces", () => {
  const text = `${"[".repeat(490)}${"1,".repeat(100_000)}1${"]".repeat(490)}`;
  expect(prettyJson(text)).toBe(text);
});
