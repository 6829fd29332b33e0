import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runBin } from "../support/bin.ts";
import { projectWithZod, SHOP } from "../support/own-product.ts";

const IMPORT = 'import { z } from "zod";\n';

/** What the shop says of a total that is text. */
const BODY = '{"meta":{"type":"order.paid"},"order":{"id":"1","total":"x"}}';

describe("the built program", () => {
  it("reads a JSON Schema and runs a zod schema of the project", async () => {
    const cwd = projectWithZod({
      ...SHOP,
      "webhooks/shop/schemas/order.paid.mjs": `${IMPORT}export default z.looseObject({ order: z.looseObject({ total: z.number() }) });`,
    });
    const told = (stdin: string) => runBin(["verify", "--product", "shop"], { cwd, stdin });
    const byZod = await told(BODY);
    expect([byZod.status, byZod.stdout]).toEqual([4, expect.stringContaining("order.total: expected a number")]);
    const byJson = await told(BODY.replace("paid", "created"));
    expect([byJson.status, byJson.stdout]).toEqual([4, expect.stringMatching(/order\.total: expected .*"number"/)]);
    const types = await runBin(["types", "shop"], { cwd });
    expect(types.stdout.match(/total: number;/g)).toHaveLength(2);
  });

  it("runs TypeScript where Node does, and says so where it does not", async () => {
    const module = `${IMPORT}const total: z.ZodType = z.number();\nexport default z.object({ order: z.object({ total }) });`;
    const cwd = projectWithZod({ ...SHOP, "webhooks/shop/schemas/order.paid.ts": module });
    const { status, stdout, stderr } = await runBin(["verify", "--product", "shop"], { cwd, stdin: BODY });
    if ("typescript" in process.features && process.features.typescript) {
      expect([status, stdout]).toEqual([4, expect.stringContaining("order.total: expected a number")]);
    } else {
      expect([status, stderr]).toEqual([
        2,
        expect.stringContaining("order.paid.ts: this version of Node cannot run TypeScript"),
      ]);
    }
  });

  it("says which module is broken, and what to install for one that wants zod", async () => {
    const cwd = projectWithZod({ ...SHOP, "webhooks/shop/schemas/order.paid.mjs": "export default {" });
    const broken = await runBin(["products"], { cwd });
    expect([broken.status, broken.stderr]).toEqual([
      2,
      expect.stringMatching(/order\.paid\.mjs cannot be loaded: Unexpected/),
    ]);
    writeFileSync(join(cwd, "webhooks/shop/schemas/order.paid.mjs"), 'import "zod-of-nobody";');
    const without = await runBin(["products"], { cwd });
    expect([without.status, without.stderr]).toEqual([2, expect.stringContaining("zod-of-nobody")]);
  });

  it("is no success where a module never comes to an end", async () => {
    const module = `${IMPORT}await new Promise(() => {});\nexport default z.object({});`;
    const cwd = projectWithZod({ ...SHOP, "webhooks/shop/schemas/order.paid.mjs": module });
    const { status, stderr } = await runBin(["verify", "--product", "shop"], { cwd, stdin: BODY });
    expect([status, stderr]).toEqual([
      1,
      expect.stringMatching(/^error: stopped without a result.*\n {2}a custom schema/),
    ]);
  });

  it("loads the code for user-defined products and for JSON Schema only where there are some", () => {
    const folder = join(import.meta.dirname, "../../dist");
    const files = ["cli.cjs", ...readdirSync(join(folder, "chunks")).map((name) => `chunks/${name}`)];
    const chunks = files.map((name) => ({ name, text: readFileSync(join(folder, name), "utf8") }));
    const validating = chunks.filter(({ text }) => text.includes("unevaluatedProperties"));
    // The SDK that `mcp` uses bundles another JSON Schema validator.
    expect(validating.map(({ name }) => name).filter((name) => !name.includes("/mcp-"))).toEqual([
      expect.stringMatching(/^chunks\/json-schema-/),
    ]);
    for (const lazy of ["custom-products", "json-schema", "mcp"]) {
      // Only within a function: a require at the start of a chunk runs with it.
      const atStart = new RegExp(`(?:^|[;,])(?:const|let|var) \\w+ ?= ?require\\(["'\`]\\./(?:chunks/)?${lazy}-`, "m");
      expect(chunks.filter(({ text }) => atStart.test(text))).toEqual([]);
      const inFunction = new RegExp(`=>\\s*require\\(["'\`]\\./(?:chunks/)?${lazy}-`);
      expect(chunks.some(({ text }) => inFunction.test(text))).toBe(true);
    }
  });
});
