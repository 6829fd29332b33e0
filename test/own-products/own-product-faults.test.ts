import { describe, expect, it } from "vitest";
import { projectWithZod, SHOP, shopProject } from "../support/own-product.ts";
import { run } from "../support/run.ts";

const CONFIG = "zoho-hooks.config.json";
const PRODUCT = "webhooks/shop/product.json";
const SCHEMA = "webhooks/shop/schemas/order.created.json";

function withPath(id: string, path: string): Record<string, string> {
  return { [CONFIG]: JSON.stringify({ products: { [id]: { path } } }) };
}

/** What a command says of a mistake in the files of the user's own product. */
async function fault(files: Readonly<Record<string, string>>, argv: readonly string[] = ["products"]): Promise<string> {
  const { exitCode, err, out } = await run(argv, { cwd: shopProject(files) });
  expect([exitCode, out]).toEqual([2, ""]);
  return err;
}

describe("a mistake in a user-defined product is a usage error that names file and cause:", () => {
  it.each<[string, Record<string, string>, readonly string[]]>([
    [
      "a folder that is not there",
      withPath("shop", "webhooks/shp"),
      ["products.shop.path", "webhooks/shp", "does not exist"],
    ],
    ["a file in place of the folder", withPath("shop", PRODUCT), ["product.json is a file"]],
    [
      "a folder without an event",
      { ...withPath("shop", "empty"), "empty/readme.md": "" },
      ["there is no event in", "empty"],
    ],
    [
      "the name of a product that is known",
      withPath("crm", "webhooks/shop"),
      ["products.crm.path", "is a built-in product"],
    ],
    ["a name that no URL can hold", withPath("My Shop", "webhooks/shop"), ['"My Shop" cannot be part of a URL']],
    ["no path", { [CONFIG]: '{"products":{"shop":{}}}' }, ["products.shop", '"path": "webhooks/shop"']],
    ["broken JSON", { [PRODUCT]: '{\n "title": }' }, ["product.json:2:11", "not valid JSON"]],
    [
      "a setting that there is not",
      { [PRODUCT]: '{"event":"meta.type",\n"titel":"x"}' },
      ["product.json:2:", "titel", "possible settings: "],
    ],
    ["a wrong setting", { [PRODUCT]: '{"event":"meta.type","encoding":"xml"}' }, ["product.json:1:", "encoding"]],
    [
      "an event's place that is none",
      { [PRODUCT]: '{"event":{"cookie":"x"}}' },
      ["product.json:1:", "event", "header"],
    ],
    [
      "a signature that there is not",
      { [PRODUCT]: '{"event":"meta.type","signature":"rot13"}' },
      ["signature", '"guide"'],
    ],
    ...["../../../../x", "a//b", "a\\b", ".hidden", "..", "a\u0007b", ""].map(
      (name): [string, Record<string, string>, readonly string[]] => [
        `the event ${JSON.stringify(name)}, which would be written elsewhere`,
        { [PRODUCT]: JSON.stringify({ event: "meta.type", events: { [name]: "x" } }) },
        ["product.json:1:", `events.`, "an event's name is also a file name: it cannot contain"],
      ],
    ),
    [
      "nothing to tell events apart by",
      { [PRODUCT]: "{}" },
      ["order.created and order.paid cannot be told apart", '"event"'],
    ],
    ["a schema with broken JSON", { [SCHEMA]: "{" }, ["order.created.json:1:2", "not valid JSON"]],
    [
      "an unknown type in a schema",
      { [SCHEMA]: '{"type":\n"objekt"}' },
      ["order.created.json:2:1", "type", '["object","array",'],
    ],
    ["required that is no list", { [SCHEMA]: '{"properties":{"a":{"required":"x"}}}' }, ["properties.a.required"]],
    ["a pattern that is none", { [SCHEMA]: '{"properties":{"a":{"pattern":"("}}}' }, ["properties.a.pattern"]],
    [
      "a schema elsewhere",
      { [SCHEMA]: '{"properties":{"a":{"$ref":"https://x.example/a.json"}}}' },
      ["$ref", "is not a file", "nothing is fetched"],
    ],
    [
      "a reference to nothing",
      { [SCHEMA]: '{"properties":{"a":{"$ref":"#/$defs/a"}}}' },
      ["order.created.json", "#/$defs/a"],
    ],
    [
      "a rule that cannot be checked",
      { [SCHEMA]: '{"properties":{"a":{"$dynamicRef":"#a"}}}' },
      ["properties.a.$dynamicRef", "is not supported here"],
    ],
    [
      "two schemas of one event",
      { "webhooks/shop/schemas/order.created.mjs": "" },
      ["order.created already has a schema"],
    ],
    [
      "a module that cannot be run",
      { "webhooks/shop/schemas/order.paid.mjs": "throw new Error('no luck')" },
      ["order.paid.mjs cannot be loaded", "no luck"],
    ],
    [
      "a module without a default",
      { "webhooks/shop/schemas/order.paid.mjs": "export const a = 1" },
      ["has no default export"],
    ],
    [
      "a module of something else",
      { "webhooks/shop/schemas/order.paid.mjs": "export default 5" },
      ["its default export is not a zod schema"],
    ],
    [
      "a setting that it has no use for",
      { [CONFIG]: '{"products":{"shop":{"path":"webhooks/shop","audience":"x"}}}' },
      ["products.shop.audience"],
    ],
  ])("%s", async (_, files, told) => {
    const err = await fault(files);
    for (const text of told) expect(err).toContain(text);
  });

  it("a sample with broken JSON, when it is sent", async () => {
    const err = await fault({ "webhooks/shop/fixtures/order.paid.json": '{"a":}' }, ["send", "shop", "order.paid"]);
    expect(err).toContain("order.paid.json:1:6");
  });

  it("a misspelt setting of a product, with the nearest", async () => {
    expect(await fault({ [CONFIG]: '{"products":{"shop":{"pth":"webhooks/shop"}}}' })).toContain("did you mean path?");
  });

  it("an event name that leaves the folder", async () => {
    const schemas = 'import { z } from "zod";\nexport default { "../../x": z.looseObject({}) };';
    const cwd = projectWithZod({ ...SHOP, "webhooks/shop/schemas.mjs": schemas });
    const { exitCode, err } = await run(["products"], { cwd });
    expect([exitCode, err]).toEqual([2, expect.stringMatching(/schemas\.mjs: "\.\.\/\.\.\/x": an event's name is/)]);
  });

  it("a schema of zod 3", async () => {
    const old = "export default { _def: {}, safeParse() {} }";
    expect(await fault({ "webhooks/shop/schemas/order.paid.mjs": old })).toContain("zod/v4");
  });
});

describe("the schema setting of a product with workflow bodies", () => {
  const config = (schema: string): Record<string, string> => ({
    [CONFIG]: JSON.stringify({ products: { flow: { schema } } }),
  });

  it.each<[string, Record<string, string>, string]>([
    ["that is not there", config("none.json"), "none.json: no such file"],
    ["of another kind", { ...config("a.yaml"), "a.yaml": "" }, "is not a schema file"],
    [
      "with the schemas of other events",
      { ...config("a.mjs"), "a.mjs": "import { z } from 'zod';\nexport default { other: z.string() }" },
      "has no schema for webhook",
    ],
  ])("%s is a usage error", async (_, files, message) => {
    const { exitCode, err } = await run(["verify", "--product", "flow"], { cwd: projectWithZod(files), stdin: "{}" });
    expect([exitCode, err]).toEqual([2, expect.stringContaining(message)]);
    expect(err).toContain("products.flow.schema");
  });

  it("does not exist for other products", async () => {
    const files = { [CONFIG]: '{"products":{"books":{"schema":"a.json"}}}', "a.json": "{}" };
    const { exitCode, err } = await run(["products"], { cwd: projectWithZod(files) });
    expect([exitCode, err]).toEqual([2, expect.stringContaining("products.books.schema does not apply")]);
  });
});
