import { expect, it } from "vitest";
import { prettyJson } from "../../src/util/json-print.ts";

it("indents what is nested as webhooks are", () => {
  expect(prettyJson('{"a":[1.00,{"b":"[,"}],"c":{}}')).toBe(
    '{\n  "a": [\n    1.00,\n    {\n      "b": "[,"\n    }\n  ],\n  "c": {}\n}',
  );
});

it("leaves as it came what indented would be far longer: of each entry of a list in hundreds of others most is spaces", () => {
  const text = `${"[".repeat(490)}${"1,".repeat(100_000)}1${"]".repeat(490)}`;
  expect(prettyJson(text)).toBe(text);
});
