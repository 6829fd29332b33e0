import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { products } from "../src/products/index.ts";
import { llmsText } from "./support/agent-files.ts";
import { eventTable } from "./support/event-table.ts";
import { lineMembers } from "./support/line-members.ts";
import { formattedJson, generateLineSchema } from "./support/line-schema.ts";
import { openApi } from "./support/openapi.ts";

const ROOT = join(import.meta.dirname, "..");
const DOCS = join(ROOT, "docs");
const SKILL = join(ROOT, "skills/zoho-hooks");

/** Compares what stands between `<!-- NAME:start -->` and `<!-- NAME:end -->` in a page. */
async function expectBlock(page: string, name: string, text: string): Promise<void> {
  const path = join(DOCS, page);
  const [start, end] = [`<!-- ${name}:start -->\n`, `<!-- ${name}:end -->`];
  const parts = readFileSync(path, "utf8")
    .replaceAll("\r\n", "\n")
    .split(new RegExp(`${start}|${end}`));
  expect(parts, `one block between ${start.trim()} and ${end}`).toHaveLength(3);
  const [before = "", , after = ""] = parts;
  await expect(`${before}${start}\n${text}\n${end}${after}`).toMatchFileSnapshot(path);
}

it("docs/events.md shows the events that there are; `npm run docs` writes them", async () => {
  await expectBlock("events.md", "events", eventTable(products));
});

describe("the skill", () => {
  // https://agentskills.io/specification
  it("has the frontmatter that agents read, and at most 200 lines", () => {
    const text = readFileSync(join(SKILL, "SKILL.md"), "utf8");
    const [, name, description] = /^---\nname: (.+)\ndescription: (.+)\n---\n\n# /.exec(text) ?? [];
    expect(name).toBe("zoho-hooks");
    expect(description?.length).toBeLessThanOrEqual(1024);
    expect(text.split("\n").length).toBeLessThanOrEqual(200);
    expect(text).toContain(`and ${products.length - 5} more products`);
  });
});

it("docs/openapi.json describes the API for tests", async () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  await expect(openApi(version)).toMatchFileSnapshot(join(DOCS, "openapi.json"));
});

it("llms.txt has the index of the documentation", async () => {
  const { description } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const index = readFileSync(join(DOCS, "README.md"), "utf8").replaceAll("\r\n", "\n");
  await expect(llmsText(index, description)).toMatchFileSnapshot(join(ROOT, "llms.txt"));
});

describe("the lines of --json", () => {
  const schema = generateLineSchema();

  it("have their schema in docs/json-schema.json", async () => {
    await expect(`${formattedJson(schema)}\n`).toMatchFileSnapshot(join(DOCS, "json-schema.json"));
  });

  it("have their members in docs/json.md", async () => {
    await expectBlock("json.md", "types", lineMembers(schema));
  });
});
