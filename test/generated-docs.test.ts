import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { products } from "../src/products/index.ts";
import { llmsText } from "./support/agent-files.ts";
import { eventTable } from "./support/event-table.ts";
import { lineMembers } from "./support/line-members.ts";
import { formattedJson, generateLineSchema } from "./support/line-schema.ts";
import { openApi } from "./support/openapi.ts";
import { exitCodeTable, keyTable } from "./support/reference-tables.ts";

const ROOT = join(import.meta.dirname, "..");
const DOCS = join(ROOT, "docs");
const SKILL = join(ROOT, "skills/zoho-hooks");

/** Compares what stands between `<!-- NAME:start -->` and `<!-- NAME:end -->` in a page. */
async function expectBlocks(page: string, blocks: Readonly<Record<string, string>>): Promise<void> {
  const path = join(DOCS, page);
  let expected = readFileSync(path, "utf8").replaceAll("\r\n", "\n");
  for (const [name, text] of Object.entries(blocks)) expected = withBlock(expected, name, text);
  await expect(expected).toMatchFileSnapshot(path);
}

function withBlock(page: string, name: string, text: string): string {
  const [start, end] = [`<!-- ${name}:start -->\n`, `<!-- ${name}:end -->`];
  const parts = page.split(new RegExp(`${start}|${end}`));
  expect(parts, `one block between ${start.trim()} and ${end}`).toHaveLength(3);
  const [before = "", , after = ""] = parts;
  return `${before}${start}\n${text}\n${end}${after}`;
}

it("docs/events.md shows the events that there are; `npm run docs` writes them", async () => {
  await expectBlocks("events.md", { events: eventTable(products) });
});

it("docs/receiving.md shows the keys of listen", async () => {
  await expectBlocks("receiving.md", { keys: keyTable() });
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

  it("have their members in docs/json.md, beside the exit codes", async () => {
    await expectBlocks("json.md", { "exit-codes": exitCodeTable(), types: lineMembers(schema) });
  });
});
