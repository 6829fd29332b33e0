import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { folderWith } from "../support/files.ts";
import { SHOP, shopProject } from "../support/own-product.ts";
import { run } from "../support/run.ts";
import { schemaIssues } from "../support/schema-issues.ts";

const DRAFT_4 = "http://json-schema.org/draft-04/schema#";
const DRAFT_6 = "http://json-schema.org/draft-06/schema#";
const DRAFT_7 = "http://json-schema.org/draft-07/schema#";
const DRAFT_2019 = "https://json-schema.org/draft/2019-09/schema";
const DRAFT_2020 = "https://json-schema.org/draft/2020-12/schema";

const ID = "4150868000000002179";

it("ends where references that each refer to the next one twice are more parts than can be read", async () => {
  const $defs = Object.fromEntries(
    Array.from({ length: 40 }, (_, i) => {
      const next = { $ref: `#/$defs/n${i + 1}` };
      return [`n${i}`, i === 39 ? { type: "string" } : { type: "object", properties: { a: next, b: next } }];
    }),
  );
  const schema = JSON.stringify({ $ref: "#/$defs/n0", $defs });
  const cwd = shopProject({ "webhooks/shop/schemas/order.created.json": schema });
  const { exitCode, out } = await run(["types", "shop"], { cwd });
  expect([exitCode, out.includes("b?: string;"), out.includes("b?: unknown;")]).toEqual([0, true, true]);
});

describe("a rule of JSON Schema is met by one body, and not by another:", () => {
  it.each<[rule: string, schema: object, right: unknown, wrong: unknown, issues: readonly string[]]>([
    ["type", { type: "object" }, { z: 1 }, [1], [": object, an array of 1"]],
    [
      "type of a list",
      { properties: { a: { type: ["string", "null"] } } },
      { a: null },
      { a: 1 },
      ["a: string or null, number 1"],
    ],
    [
      "type integer",
      { properties: { a: { type: "integer" } } },
      { a: 1.0 },
      { a: 1.5 },
      ["a: a whole number, number 1.5"],
    ],
    [
      "const",
      { properties: { a: { const: { b: [1] } } } },
      { a: { b: [1] } },
      { a: { b: [2] } },
      ['a: {"b":[1]}, an object'],
    ],
    [
      "enum",
      { properties: { a: { enum: [{ b: 1 }, null] } } },
      { a: { b: 1 } },
      { a: { b: 1, c: 2 } },
      ['a: {"b":1} or null, an object'],
    ],
    ["enum of one type", { properties: { a: { enum: ["x", "y"] } } }, { a: "y" }, { a: "z" }, ['a: "x" or "y", "z"']],
    ["required", { required: ["a", "b"] }, { a: 1, b: 1 }, { z: 1 }, ["a: a value, nothing", "b: a value, nothing"]],
    [
      "required, of a name that all objects have",
      { required: ["toString"] },
      { toString: 1 },
      { z: 1 },
      ["toString: a value, nothing"],
    ],
    [
      "required, of what another schema describes",
      { required: ["a"], properties: { a: { $ref: "#/$defs/a" } }, $defs: { a: { enum: [1, 2] } } },
      { a: 2 },
      { z: 1 },
      ["a: 1 or 2, nothing"],
    ],
    ["dependentRequired", { dependentRequired: { a: ["b"] } }, { b: 1 }, { a: 1 }, ["b: a value, nothing"]],
    ["dependentSchemas", { dependentSchemas: { a: { required: ["b"] } } }, { b: 1 }, { a: 1 }, ["b: a value, nothing"]],
    [
      "properties",
      { properties: { "a/b": { properties: { "c~d e": { type: "string" } } } } },
      { "a/b": { "c~d e": "" } },
      { "a/b": { "c~d e": 1 } },
      ['["a/b"]["c~d e"]: string, number 1'],
    ],
    [
      "patternProperties",
      { patternProperties: { "^n_": { type: "number" } } },
      { n_a: 1, b: "" },
      { n_a: "" },
      ["n_a: number, an empty string"],
    ],
    [
      "additionalProperties",
      { properties: { a: {} }, additionalProperties: false },
      { a: 1 },
      { b: "x" },
      ['b: no such field, "x"'],
    ],
    [
      "propertyNames",
      { propertyNames: { maxLength: 2 } },
      { ab: 1 },
      { abc: 1, d: 2, efg: 3 },
      ["abc: no field with such a name, number 1", "efg: no field with such a name, number 3"],
    ],
    ["minProperties", { minProperties: 2 }, { a: 1, b: 2 }, { a: 1 }, [": at least 2 fields, an object"]],
    ["maxProperties", { maxProperties: 1 }, { a: 1 }, { a: 1, b: 2 }, [": at most 1 field, an object"]],
    [
      "unevaluatedProperties",
      { allOf: [{ properties: { a: {} } }], unevaluatedProperties: false },
      { a: 1 },
      { b: 1 },
      ["b: no such field, number 1"],
    ],
    ["items", { properties: { a: { items: { type: "number" } } } }, { a: [1] }, { a: [1, "x"] }, ['a[1]: number, "x"']],
    [
      "prefixItems",
      { properties: { a: { prefixItems: [{ type: "number" }], items: false } } },
      { a: [1] },
      { a: ["x", 1] },
      ['a[0]: number, "x"', "a[1]: no such element, number 1"],
    ],
    [
      "contains",
      { properties: { a: { contains: { const: 1 } } } },
      { a: [2, 1] },
      { a: [2, 3] },
      ['a: an element that matches "contains", an array of 2'],
    ],
    [
      "minContains",
      { properties: { a: { contains: { const: 1 }, minContains: 2 } } },
      { a: [1, 2, 1] },
      { a: [1, 2, 3] },
      ['a: at least 2 elements matching "contains", an array of 3'],
    ],
    [
      "maxContains",
      { properties: { a: { contains: { const: 1 }, maxContains: 1 } } },
      { a: [1, 2] },
      { a: [1, 1] },
      ['a: at most 1 element matching "contains", an array of 2'],
    ],
    [
      "minItems",
      { properties: { a: { minItems: 2 } } },
      { a: [1, 2] },
      { a: [1] },
      ["a: at least 2 elements, an array of 1"],
    ],
    [
      "maxItems",
      { properties: { a: { maxItems: 1 } } },
      { a: [1] },
      { a: [1, 2] },
      ["a: at most 1 element, an array of 2"],
    ],
    [
      "uniqueItems",
      { properties: { a: { uniqueItems: true } } },
      { a: [{ b: 1 }, { b: 2 }] },
      { a: [{ b: 1 }, { b: 1 }] },
      ["a: elements that all differ, an array of 2"],
    ],
    [
      "unevaluatedItems",
      { properties: { a: { prefixItems: [{}], unevaluatedItems: false } } },
      { a: [1] },
      { a: [1, 2] },
      ["a[1]: no such element, number 2"],
    ],
    [
      "minLength",
      { properties: { a: { minLength: 2 } } },
      { a: "ab" },
      { a: "😀" },
      ['a: at least 2 characters, "😀"'],
    ],
    ["maxLength", { properties: { a: { maxLength: 1 } } }, { a: "😀" }, { a: "ab" }, ['a: at most 1 character, "ab"']],
    [
      "pattern",
      { properties: { a: { pattern: "^[a-z]+$" } } },
      { a: "b" },
      { a: "B" },
      ['a: text that matches ^[a-z]+$, "B"'],
    ],
    [
      "format",
      { properties: { a: { format: "date-time" } } },
      { a: "2025-01-15T10:30:00Z" },
      { a: "x" },
      ['a: a date-time such as 2025-01-15T10:30:00Z, "x"'],
    ],
    [
      "another format",
      { properties: { a: { format: "ipv4" } } },
      { a: "127.0.0.1" },
      { a: "x" },
      ['a: text in the format ipv4, "x"'],
    ],
    ["minimum", { properties: { a: { minimum: 1 } } }, { a: 1 }, { a: 0 }, ["a: at least 1, number 0"]],
    ["maximum", { properties: { a: { maximum: 1 } } }, { a: 1 }, { a: 2 }, ["a: at most 1, number 2"]],
    [
      "exclusiveMinimum",
      { properties: { a: { exclusiveMinimum: 1 } } },
      { a: 2 },
      { a: 1 },
      ["a: more than 1, number 1"],
    ],
    [
      "exclusiveMaximum",
      { properties: { a: { exclusiveMaximum: 1 } } },
      { a: 0 },
      { a: 1 },
      ["a: less than 1, number 1"],
    ],
    [
      "exclusiveMaximum of draft 4",
      { $schema: DRAFT_4, properties: { a: { maximum: 1, exclusiveMaximum: true } } },
      { a: 0 },
      { a: 1 },
      ["a: less than 1, number 1"],
    ],
    [
      "multipleOf",
      { properties: { a: { multipleOf: 0.01 } } },
      { a: 19.99 },
      { a: 0.005 },
      ["a: a multiple of 0.01, number 0.005"],
    ],
    ["allOf", { allOf: [{ required: ["a"] }, { required: ["b"] }] }, { a: 1, b: 1 }, { a: 1 }, ["b: a value, nothing"]],
    [
      "anyOf",
      { properties: { a: { anyOf: [{ type: "string" }, { minimum: 5 }] } } },
      { a: 5 },
      { a: 4 },
      ["a: string or at least 5, number 4"],
    ],
    [
      "anyOf, of alternatives without other fields",
      {
        anyOf: [
          { properties: { k: { const: "a" } }, additionalProperties: false },
          { properties: { k: { const: "b" }, n: {} }, additionalProperties: false },
        ],
      },
      { k: "b", n: 1 },
      { k: "b", n: 1, m: 2 },
      ["m: no such field, number 2"],
    ],
    [
      "oneOf",
      { properties: { a: { oneOf: [{ type: "string" }, { type: "null" }] } } },
      { a: null },
      { a: 1 },
      ["a: string or null, number 1"],
    ],
    [
      "oneOf, of which several match",
      { properties: { a: { oneOf: [{}, { minimum: 5 }, { minimum: 9 }] } } },
      { a: 1 },
      { a: 7 },
      ["a: exactly one of the alternatives, number 7"],
    ],
    [
      "not",
      { properties: { a: { not: { type: "string" } } } },
      { a: 1 },
      { a: "x" },
      ['a: a value that "not" does not match, "x"'],
    ],
    [
      "if, then, else",
      // biome-ignore lint/suspicious/noThenProperty: it is a rule of JSON Schema
      { if: { required: ["a"] }, then: { required: ["b"] }, else: { required: ["c"] } },
      { c: 1 },
      { a: 1 },
      ["b: a value, nothing"],
    ],
    ["false", { properties: { a: false } }, { z: 1 }, { a: 1 }, ["a: no such field, number 1"]],
    [
      "$anchor",
      { properties: { a: { $ref: "#text" } }, $defs: { t: { $anchor: "text", type: "string" } } },
      { a: "" },
      { a: 1 },
      ["a: string, number 1"],
    ],
    [
      "$id",
      {
        $id: "https://a.example/order.json",
        properties: { a: { $ref: "text.json" } },
        $defs: { t: { $id: "text.json", type: "string" } },
      },
      { a: "" },
      { a: 1 },
      ["a: string, number 1"],
    ],
    [
      "items of draft 4",
      { $schema: DRAFT_4, properties: { a: { items: [{ type: "number" }], additionalItems: false } } },
      { a: [1] },
      { a: [1, 2] },
      ["a[1]: no such element, number 2"],
    ],
    [
      "dependencies of draft 6",
      { $schema: DRAFT_6, dependencies: { a: ["b"], c: { required: ["d"] } } },
      { b: 1 },
      { a: 1, c: 1 },
      ["b: a value, nothing", "d: a value, nothing"],
    ],
    [
      "$ref of draft 7, which stands alone",
      {
        $schema: DRAFT_7,
        definitions: { s: { type: "string" } },
        properties: { a: { $ref: "#/definitions/s", maxLength: 1 } },
      },
      { a: "abc" },
      { a: 1 },
      ["a: string, number 1"],
    ],
    [
      "$recursiveRef of 2019-09",
      { $schema: DRAFT_2019, type: "object", additionalProperties: { $recursiveRef: "#" } },
      { a: {} },
      { a: { b: 1 } },
      ["a.b: object, number 1"],
    ],
    [
      "$ref of 2020-12 beside other rules",
      { $schema: DRAFT_2020, $defs: { s: { type: "string" } }, properties: { a: { $ref: "#/$defs/s", maxLength: 1 } } },
      { a: "a" },
      { a: "ab" },
      ['a: at most 1 character, "ab"'],
    ],
  ])("%s", async (_, schema, right, wrong, issues) => {
    expect(await schemaIssues(schema, right)).toEqual([]);
    expect(await schemaIssues(schema, wrong)).toEqual(issues);
  });
});

describe("a number of more than 15 digits", () => {
  it.each<[string, object]>([
    ["an integer", { type: "integer" }],
    ["an integer or text", { oneOf: [{ type: "string" }, { type: "integer" }] }],
    ["an integer or null", { anyOf: [{ type: "null" }, { type: "integer", minimum: 1 }] }],
    ["the same integer", { type: "integer", const: `LONG${ID}` }],
    ["one of some integers", { type: "integer", enum: [1, `LONG${ID}`] }],
    ["an integer of 64 bits", { type: "integer", maximum: "LONG9223372036854775807" }],
  ])("is %s", async (_, id) => {
    expect(await schemaIssues({ properties: { ids: { items: id } } }, { ids: [`LONG${ID}`] })).toEqual([]);
  });

  it("is an integer that no other rule has to evaluate", async () => {
    const schema = { properties: { id: { type: ["integer", "null"] } }, unevaluatedProperties: false };
    expect(await schemaIssues(schema, { id: `LONG${ID}` })).toEqual([]);
  });

  it.each<[string, object, string]>([
    [
      "one that is too small",
      { type: "integer", minimum: "LONG9000000000000000000" },
      "id: at least 9000000000000000000",
    ],
    ["another integer", { type: "integer", const: "LONG4150868000000002180" }, 'id: "4150868000000002180"'],
    ["a boolean", { type: "boolean" }, "id: boolean"],
  ])("is not %s", async (_, id, expected) => {
    const [issue] = await schemaIssues({ properties: { id } }, { id: `LONG${ID}` });
    expect(issue).toContain(expected);
  });
});

it("shows no value that is secret by its name", async () => {
  const secret = { type: "integer", maximum: 1 };
  const schema = {
    properties: { token: secret, password: { const: "x" }, a: { properties: { api_key: { pattern: "x" } } } },
  };
  const issues = await schemaIssues(schema, { token: 123456, password: "s3cret", a: { api_key: "s3cret" } });
  expect(issues).toEqual([
    "token: at most 1, a number",
    "password: another value, a string",
    "a.api_key: text that matches x, a string",
  ]);
});

describe("a body that would take very long", () => {
  it("of a hundred thousand errors is still an issue", async () => {
    const issues = await schemaIssues(
      { properties: { a: { items: { type: "string" } } } },
      { a: Array(100_000).fill(1) },
    );
    // A busy machine takes longer for it than the 250 ms of a check.
    expect(issues[0]).toMatch(/^a\[0\]: string, number 1$|: it was stopped after 250 ms: /);
  });

  it("of elements to compare is not checked", async () => {
    const [issue] = await schemaIssues({ properties: { a: { uniqueItems: true } } }, { a: Array(100_000).fill(1) });
    expect(issue).toContain("uniqueItems is limited to lists of 2000 in all");
  });
});

describe("a schema that refers to another file", () => {
  const ORDER = "webhooks/shop/schemas/order.created.json";
  const refer = (ref: string) => ({ [ORDER]: JSON.stringify({ properties: { order: { $ref: ref } } }) });
  const order = { type: "object", properties: { total: { $ref: "schemas/shared/money.json#/$defs/money" } } };
  const money = {
    $defs: { money: { $anchor: "money", type: "number", exclusiveMinimum: 0 }, back: { $ref: "../../order.json" } },
  };
  const shared = {
    "webhooks/shop/order.json": JSON.stringify(order),
    "webhooks/shop/schemas/shared/money.json": JSON.stringify(money),
  };
  const body = JSON.stringify({ meta: { type: "order.created" }, order: { id: "1", total: 0 } });

  it.each([
    ["beside it", shared],
    [
      "with an $id, referred to in two ways",
      {
        [ORDER]: JSON.stringify({
          properties: { order: { $ref: "../order.json" }, total: { $ref: "shared/money.json#money" } },
        }),
        "webhooks/shop/order.json": JSON.stringify({ $id: "https://a.example/shop/order.json", ...order }),
        "webhooks/shop/schemas/shared/money.json": JSON.stringify({
          $id: "https://a.example/shop/schemas/shared/money.json",
          ...money,
        }),
      },
    ],
    [
      "with the $id of each on the web",
      {
        ...shared,
        [ORDER]: JSON.stringify({
          $id: "https://a.example/shop/schemas/created.json",
          properties: { order: { $ref: "../order.json" } },
        }),
        "webhooks/shop/order.json": JSON.stringify({ $id: "https://a.example/shop/order.json", ...order }),
      },
    ],
  ])("of the product is checked with it: %s", async (_, files) => {
    const cwd = shopProject({ ...refer("../order.json"), ...files });
    const { exitCode, out } = await run(["verify", "--product", "shop"], { cwd, stdin: body });
    expect(out).toContain("order.total: expected more than 0, got number 0");
    expect(exitCode).toBe(4);
    expect((await run(["types", "shop"], { cwd })).out).toContain("total?: number;");
  });

  it.each<[string, string, readonly string[]]>([
    ["outside of the product", "../../../package.json", ['"../../../package.json" is outside of', "copy the file"]],
    ["outside of the product, where there is none", "../../../none.json", ["is outside of"]],
    ["outside of the product, by its URL", "file:///etc/hostname", ['"file:///etc/hostname" is']],
    ["on another computer", "file://host/share/a.json", ['"file://host/share/a.json" is']],
    ["on the web", "https://a.example/order.json", ["is not a file", "nothing is fetched"]],
    ["that a link leads to", "../link.json", ['"../link.json" is outside of']],
    ["in a folder that a link leads to", "../linked/secret.json", ["is outside of"]],
    ["that does not exist", "../none.json", ["there is no file", "none.json"]],
    ["without what is referred to", "../order.json#/$defs/none", ['"../order.json#/$defs/none" refers to nothing']],
  ])("%s is a usage error", async (_, ref, messages) => {
    const cwd = shopProject({ ...refer(ref), ...shared, "package.json": "{}" });
    const elsewhere = folderWith({ "secret.json": "{}" });
    const isLinked = ref.includes("link");
    if (ref === "../link.json") symlinkSync(join(elsewhere, "secret.json"), join(cwd, "webhooks/shop/link.json"));
    else if (isLinked) symlinkSync(elsewhere, join(cwd, "webhooks/shop/linked"), "junction");
    const { exitCode, err } = await run(["products"], { cwd });
    expect(exitCode).toBe(2);
    const where = isLinked ? [] : ["order.created.json:1:", "properties.order.$ref"];
    for (const message of [...messages, ...where]) expect(err).toContain(message);
  });

  it("names the file that is wrong", async () => {
    const cwd = shopProject({ ...refer("../order.json"), "webhooks/shop/order.json": '{\n "type": "objekt" }' });
    expect((await run(["products"], { cwd })).err).toContain('order.json:2:10: type: expected "object" or "array"');
  });

  it("beside a schema that the settings name", async () => {
    const cwd = folderWith({
      "zoho-hooks.config.json": '{"products":{"flow":{"schema":"schemas/flow.json"}}}',
      "schemas/flow.json": '{"properties":{"n":{"$ref":"n.json"}}}',
      "schemas/n.json": '{"type":"number"}',
      "n.json": "{}",
    });
    expect((await run(["verify", "--product", "flow"], { cwd, stdin: '{"n":"x"}' })).out).toContain(
      "n: expected a number",
    );
  });
});

describe("a schema that cannot be checked as the standard says is a usage error:", () => {
  it.each<[string, object, readonly string[]]>([
    ["a dynamic reference", { items: { $dynamicRef: "#a" } }, ["items.$dynamicRef", "is not supported here"]],
    [
      "an unknown version",
      { $schema: "http://json-schema.org/draft-03/schema#" },
      ["$schema", "draft 4, 6, 7, 2019-09 or 2020-12"],
    ],
    [
      "a part of another version",
      { $defs: { a: { $schema: DRAFT_7 } } },
      ["$defs.a.$schema", "must have the same version"],
    ],
    [
      "a limit of another version",
      { properties: { a: { exclusiveMinimum: true } } },
      ["properties.a.exclusiveMinimum", "expected number"],
    ],
    [
      "an $id without effect",
      { $schema: DRAFT_7, items: { $id: "a", $ref: "#" } },
      ["items.$id", "no effect beside $ref"],
    ],
    [
      "a name that two schemas have",
      { $defs: { a: { $anchor: "x" }, b: { $anchor: "x" } } },
      ["$defs.b.$anchor", "has this name"],
    ],
    [
      "a pattern that is none",
      { patternProperties: { "(": {} } },
      ["patternProperties.(", "is not a regular expression: Unterminated group"],
    ],
    ["a count that is none", { items: { minLength: -1 } }, ["items.minLength", "expected at least 0"]],
    ["no schema", { allOf: [5] }, ["allOf.0", "expected object or boolean, got number 5"]],
  ])("%s", async (_, schema, messages) => {
    const cwd = shopProject({ ...SHOP, "webhooks/shop/schemas/order.created.json": JSON.stringify(schema) });
    const { exitCode, err } = await run(["products"], { cwd });
    expect(exitCode).toBe(2);
    for (const message of ["order.created.json:1:", ...messages]) expect(err).toContain(message);
  });
});
