import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { folderWith } from "../support/files.ts";
import { SHOP, shopProject } from "../support/own-product.ts";
import { run } from "../support/run.ts";
import { schemaIssues } from "../support/schema-issues.ts";

const DRAFT_7 = "http://json-schema.org/draft-07/schema#";

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

it("is checked part by part, and each mismatch is told in the words of the library", async () => {
  const schema = {
    required: ["id"],
    properties: {
      id: { type: "string" },
      lines: { items: { properties: { count: { minimum: 1 } } } },
      state: { anyOf: [{ const: "paid" }, { properties: { paid: false } }, { type: "null" }] },
    },
    additionalProperties: false,
  };
  const right = { id: "1", lines: [{ count: 1 }], state: "paid" };
  expect(await schemaIssues(schema, right)).toEqual([]);
  expect(await schemaIssues(schema, { lines: [{ count: -5 }], state: { paid: 1 }, other: 1 })).toEqual([
    ': what its schema allows (Instance does not have required property "id"), an object',
    "lines[0].count: what its schema allows (Value is less than 1), number -5",
    "state: what its schema allows (Instance does not match any subschemas), an object",
    "other: what its schema allows (False boolean schema), number 1",
  ]);
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
      "id: what its schema allows (Value is less than 9000000000000000000), ",
    ],
    [
      "another integer",
      { type: "integer", const: "LONG4150868000000002180" },
      '(Instance does not match "4150868000000002180"), ',
    ],
    ["a boolean", { type: "boolean" }, 'Expected "boolean"), '],
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
    "token: another value, a number",
    "password: another value, a string",
    "a.api_key: another value, a string",
  ]);
});

describe("a body that would take very long", () => {
  it("of a hundred thousand errors is still an issue", async () => {
    const issues = await schemaIssues(
      { properties: { a: { items: { type: "string" } } } },
      { a: Array(100_000).fill(1) },
    );
    // A busy machine takes longer for it than the 250 ms of a check.
    expect(issues[0]).toMatch(/^a\[0\]: .*Expected "string"\), number 1$|: it was stopped after 250 ms: /);
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
    expect(out).toContain("order.total: expected what its schema allows (Value is less than 0), got number 0");
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
    expect((await run(["products"], { cwd })).err).toContain(
      "order.json:2:10: type: expected what its schema allows (",
    );
  });

  it("beside a schema that the settings name", async () => {
    const cwd = folderWith({
      "zoho-hooks.config.json": '{"products":{"flow":{"schema":"schemas/flow.json"}}}',
      "schemas/flow.json": '{"properties":{"n":{"$ref":"n.json"}}}',
      "schemas/n.json": '{"type":"number"}',
      "n.json": "{}",
    });
    expect((await run(["verify", "--product", "flow"], { cwd, stdin: '{"n":"x"}' })).out).toContain(
      'n: expected what its schema allows (Instance type "string" is invalid. Expected "number"), got "x"',
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
      ["properties.a.exclusiveMinimum", 'Expected "number"'],
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
    ["a count that is none", { items: { minLength: -1 } }, ["items.minLength", "is less than 0"]],
    ["no schema", { allOf: [5] }, ["allOf.0", 'Expected "object", "boolean"), got number 5']],
  ])("%s", async (_, schema, messages) => {
    const cwd = shopProject({ ...SHOP, "webhooks/shop/schemas/order.created.json": JSON.stringify(schema) });
    const { exitCode, err } = await run(["products"], { cwd });
    expect(exitCode).toBe(2);
    for (const message of ["order.created.json:1:", ...messages]) expect(err).toContain(message);
  });
});
