import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { products } from "../src/products/index.ts";
import { eventTable } from "./support/event-table.ts";

const DOCS = join(import.meta.dirname, "../docs");
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

describe("docs/json.md", () => {
  it("describes every type of JSON line", () => {
    const page = readFileSync(join(DOCS, "json.md"), "utf8");
    const table = readFileSync(join(import.meta.dirname, "../src/terminal/json.ts"), "utf8");
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
