import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openLog } from "../../src/log/sqlite/log.ts";
import { products } from "../../src/products/index.ts";
import { atTerminal, runBin } from "../support/bin.ts";
import { newEntry } from "../support/log-entry.ts";
import { lacks } from "../support/needs.ts";
import { tempFolder } from "../support/run.ts";
import { startTarget } from "../support/target.ts";

/** Where each piece of the lines stands that have it: one place where the columns are aligned. */
function places(text: string, lines: RegExp, piece: RegExp): readonly number[] {
  const found = text.split("\n").filter((line) => lines.test(line));
  return [...new Set(found.map((line) => line.search(piece)).filter((at) => at !== -1))];
}

const env = { NO_COLOR: "1" };
const unknownPath = "/webhooks/zoho/books/with/a/path/that/is/longer/than/any/name";

/** A whole notification of an operation that CRM does not have. */
const UNKNOWN_EVENT = JSON.stringify({
  server_time: 1736937000000,
  query_params: {},
  module: "Leads",
  resource_uri: "https://www.zohoapis.com/crm/v8/Leads",
  ids: ["4876876060599267494"],
  operation: "archived",
  channel_id: "1000000068001",
  token: null,
});

describe.skipIf(lacks("script of util-linux"))("the columns at a terminal", { timeout: 60_000 }, () => {
  it.each([100, 160])("of %i are in line in what send says of names of every length", async (columns) => {
    const app = await startTarget((response) => {
      response.end("OK");
    });
    const argv = ["send", "salesiq", "--all", "--to", `${app.port}`];
    const { text, status } = await atTerminal(argv, { env, columns }).ended;
    await app.close();
    expect(status).toBe(0);
    expect(text).toMatch(/conversation\.participants\.deleted +wire +\d/);
    expect(places(text, /^✓ 200/, / m?s +\d/)).toHaveLength(1);
    expect(places(text, /^✓ 200/, / k?B/)).toHaveLength(1);
  });

  it.each([80, 100, 160])("of %i have one line for each event of listen, whatever its name", async (columns) => {
    const screen = atTerminal(["listen", "--port", "0", "--no-store"], { env, columns });
    const [, port = ""] = await screen.shown(/127\.0\.0\.1:(\d+)/);
    const post = (path: string, body: string) =>
      fetch(`http://127.0.0.1:${port}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body,
      });
    await runBin(["send", "salesiq", "--all", "--to", port]);
    await post(unknownPath, "{}");
    await post("/webhooks/zoho/crm", UNKNOWN_EVENT);
    await runBin(["send", "crm", "Leads.create", "--to", port]);
    await screen.shown(/Leads\.create(?! --to)/);
    screen.type("\u0003");
    const { text } = await screen.ended;
    const first = /^\d\d:\d\d:\d\d #/;
    expect(text).toContain("conversation.participants.deleted");
    expect(text).toContain("POST /webhooks/zoho/books/with/a/path");
    expect(text.includes(unknownPath)).toBe(columns > 80);
    expect(text).toContain("? unknown event");
    const events = text.split(/\r?\n/).filter((line) => first.test(line) || line.startsWith(" ".repeat(9)));
    expect(Math.max(...events.map((line) => line.length))).toBeLessThanOrEqual(columns);
    // What a line has no room for is not put below it.
    expect(events.filter((line) => /^ {9}(?:\d{15,}|[–?✓])/.test(line))).toEqual([]);
    if (columns < 160) return;
    expect(places(text, first, /(?<= )\d{15,}/)).toHaveLength(1);
    expect(places(text, first, /– unsigned|\? no key/)).toHaveLength(1);
  });

  it.each([80, 160])("of %i hold the counts of many products", async (columns) => {
    const cwd = tempFolder();
    const path = join(cwd, ".zoho-hooks/events.db");
    const log = await openLog({ path, now: () => new Date() });
    for (const [i, { id }] of products.entries()) {
      for (let n = 0; n <= i % 5; n++) await log.append(newEntry({ product: id, identity: `${id}:${n}` }));
    }
    await log.close();
    const { text, status } = await atTerminal(["events", "stats"], { env, columns, cwd }).ended;
    expect(status).toBe(0);
    const narrow = await atTerminal(["events", "stats"], { env, columns: 60, cwd }).ended;
    expect(narrow.text).toContain("\ncrm: 1 received");
    const piped = await runBin(["events", "stats"], { env, cwd });
    for (const [each, width] of [
      [narrow.text, 60],
      [piped.stdout, 120],
    ] as const)
      expect(Math.max(...each.split(/\r?\n/).map((line) => line.length))).toBeLessThanOrEqual(width);
    const lines = text.split(/\r?\n/);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(columns);
    const [head = "", counts = ""] = lines.slice(lines.findIndex((line) => line.startsWith("hour")));
    expect(head).toMatch(/received {2}.+ {2}others$/);
    // What is not shown by itself is counted all the same.
    const [received = 0, ...each] = [...counts.slice(16).matchAll(/\d+/g)].map(Number);
    expect(each.reduce((sum, count) => sum + count, 0)).toBe(received);
  });

  it("have room for every name that is known", () => {
    const names = products.flatMap(({ formats }) => formats.flatMap(({ events }) => events.map(({ name }) => name)));
    expect(Math.max(...names.map((name) => name.length))).toBeLessThanOrEqual(34);
  });
});
