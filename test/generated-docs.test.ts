import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { products } from "../src/products/index.ts";
import { llmsText } from "./support/agent-files.ts";
import { eventTable } from "./support/event-table.ts";
import { formattedJson, generateLineSchema } from "./support/line-schema.ts";
import { openApi } from "./support/openapi.ts";

const ROOT = join(import.meta.dirname, "..");
const DOCS = join(ROOT, "docs");
const SKILL = join(ROOT, "skills/zoho-hooks");
const BLOCK = /(<!-- events:start -->\n)[\s\S]*?(<!-- events:end -->)/g;

describe("docs/events.md", () => {
  it("shows the events that there are; `npm run docs` writes them", async () => {
    const path = join(DOCS, "events.md");
    const page = readFileSync(path, "utf8").replaceAll("\r\n", "\n");
    expect(page.match(BLOCK) ?? [], "one block between <!-- events:start --> and <!-- events:end -->").toHaveLength(1);
    const current = page.replace(BLOCK, (_, start: string, end: string) => `${start}\n${eventTable(products)}\n${end}`);
    await expect(current).toMatchFileSnapshot(path);
  });
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

it("docs/json-schema.json has the schema of every line of --json", async () => {
  const text = `${formattedJson(generateLineSchema())}\n`;
  await expect(text).toMatchFileSnapshot(join(DOCS, "json-schema.json"));
});

describe("docs/json.md", () => {
  it("describes every type of JSON line", () => {
    const page = readFileSync(join(DOCS, "json.md"), "utf8");
    const table = readFileSync(join(import.meta.dirname, "../src/reports/json.ts"), "utf8");
    // The other kinds have no line, or one of another type.
    const others = ["notice", "decisions", "text", "table", "event-details", "request", "log-stats"];
    const types = [...table.matchAll(/^ {2}"?([a-z-]+)"?: /gm)]
      .flatMap(([, kind = ""]) => (others.includes(kind) ? [] : kind.replaceAll("-", "_")))
      .concat("stats");
    expect(types).toContain("ready");
    expect(
      types.filter((type) => !page.includes(`\`${type}\``)),
      "types that the page does not have",
    ).toEqual([]);
  });
});
