import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { run } from "../support/run.ts";
import { closeAfterEach, target } from "../support/send.ts";

closeAfterEach();

const SKILL = join(import.meta.dirname, "../../skills/zoho-hooks");
const references = readdirSync(join(SKILL, "references"));

it("skill prints the skill, and with a product what it says of that", async () => {
  expect((await run(["skill"])).out).toBe(readFileSync(join(SKILL, "SKILL.md"), "utf8"));
  expect((await run(["skill", "Sign"])).out).toBe(readFileSync(join(SKILL, "references/sign.md"), "utf8"));
  const { exitCode, err } = await run(["skill", "crn"]);
  expect([exitCode, err]).toEqual([2, expect.stringContaining('there is no product "crn"')]);
});

describe("the examples of the skill's reference", () => {
  it.each(references)("%s work", async (name) => {
    const text = readFileSync(join(SKILL, "references", name), "utf8");
    const lines = [...text.matchAll(/`zoho-hooks ([^`]+)`/g)].map(([, line = ""]) => line);
    expect(lines).toHaveLength(2);
    const app = await target();
    for (const line of lines) {
      const { exitCode, err } = await run(line.replace("3000", String(app.port)).split(" "));
      expect([exitCode, err]).toEqual([0, expect.any(String)]);
    }
    expect(app.seen.length).toBe(1);
  });
});
