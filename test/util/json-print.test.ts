import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { prettyJson } from "../../src/util/json-print.ts";

describe("prettyJson", () => {
  it("indents and changes nothing else", () => {
    const text =
      '{"id":4150868000000002179,"total":1250.00,"\\u00fc":"\\u00fc","a":[],"o":{ },"l":[1,{"x":null}],"x":1,"x":2}';
    expect(prettyJson(text)).toBe(
      [
        "{",
        '  "id": 4150868000000002179,',
        '  "total": 1250.00,',
        '  "\\u00fc": "\\u00fc",',
        '  "a": [],',
        '  "o": {},',
        '  "l": [',
        "    1,",
        "    {",
        '      "x": null',
        "    }",
        "  ],",
        '  "x": 1,',
        '  "x": 2',
        "}",
      ].join("\n"),
    );
  });

  it("returns the same as JSON.stringify for ordinary JSON", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        expect(prettyJson(text)).toBe(JSON.stringify(JSON.parse(text), undefined, 2));
      }),
    );
  });

  it("indents JSON that is nested as in webhooks", () => {
    expect(prettyJson('{"a":[1.00,{"b":"[,"}],"c":{}}')).toBe(
      '{\n  "a": [\n    1.00,\n    {\n      "b": "[,"\n    }\n  ],\n  "c": {}\n}',
    );
  });

  it("leaves JSON unchanged that would become far longer, as a list within hundreds of others", () => {
    const text = `${"[".repeat(490)}${"1,".repeat(100_000)}1${"]".repeat(490)}`;
    expect(prettyJson(text)).toBe(text);
  });
});
