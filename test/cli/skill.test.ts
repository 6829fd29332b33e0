import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { products } from "../../src/products/index.ts";
import { run } from "../support/run.ts";
import { closeAfterEach, target } from "../support/send.ts";

closeAfterEach();

it("skill prints the skill, and refuses an unknown product", async () => {
  const file = join(import.meta.dirname, "../../skills/zoho-hooks/SKILL.md");
  expect((await run(["skill"])).out).toBe(readFileSync(file, "utf8"));
  const { exitCode, err } = await run(["skill", "crn"]);
  expect([exitCode, err]).toEqual([2, expect.stringContaining('there is no product "crn"')]);
});

it("skill <product> prints what products <product> prints, as Markdown", async () => {
  const { out } = await run(["skill", "Sign"]);
  expect(out).toMatch(/^# Zoho Sign \(`sign`\)\n/);
  expect(out).toContain(`\n\`\`\`text\n${(await run(["products", "sign"])).out}\`\`\`\n`);
});

describe("the samples that the skill names", () => {
  it.each(products.map(({ id }) => id))("of %s are shown and sent", async (id) => {
    const { out } = await run(["skill", id]);
    const lines = [...out.matchAll(/`zoho-hooks ([^`]+)`/g)].map(([, line = ""]) => line);
    expect(lines).toHaveLength(2);
    const app = await target();
    for (const line of lines) {
      const { exitCode, err } = await run(line.replace("3000", String(app.port)).split(" "));
      expect([exitCode, err]).toEqual([0, expect.any(String)]);
    }
    expect(app.seen.length).toBe(1);
  });
});
