import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { eventTable } from "../src/commands/products.ts";
import { products } from "../src/products/index.ts";

const README = join(import.meta.dirname, "../README.md");
const BLOCK = /(<!-- events:start -->\n)[\s\S]*?(<!-- events:end -->)/g;

describe("the README", () => {
  it("shows the events that there are; `npm run docs` writes them", async () => {
    const readme = readFileSync(README, "utf8").replaceAll("\r\n", "\n");
    expect(readme.match(BLOCK) ?? [], "one block between <!-- events:start --> and <!-- events:end -->").toHaveLength(
      1,
    );
    const current = readme.replace(
      BLOCK,
      (_, start: string, end: string) => `${start}\n${eventTable(products)}\n${end}`,
    );
    await expect(current).toMatchFileSnapshot(README);
  });

  it("describes every type of JSON line", () => {
    const readme = readFileSync(README, "utf8");
    const folder = join(import.meta.dirname, "../src/reports");
    const files = readdirSync(folder).filter((name) => name !== "prompts.ts");
    const types = files.flatMap((file) =>
      [...readFileSync(join(folder, file), "utf8").matchAll(/(?<!readonly )\btype: "(\w+)"/g)].map(([, type]) => type),
    );
    expect(types).toContain("ready");
    expect(
      types.filter((type) => !readme.includes(`\`${type}\``)),
      "types that no table of the README has",
    ).toEqual([]);
  });
});
