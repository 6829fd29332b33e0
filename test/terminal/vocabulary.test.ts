import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startHumanListener } from "../support/human-listener.ts";
import { startListener } from "../support/listener.ts";
import { type RunResult, run, tempFolder } from "../support/run.ts";
import { startTarget, type Target } from "../support/target.ts";

const env = { NO_COLOR: "1", ZOHO_WEBHOOK_TOKEN: "t0ken" };
const NOTIFICATION = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../fixtures/crm/wire/Leads.create.json"), "utf8"),
) as object;

function notification(changes: object = {}): string {
  return JSON.stringify({ ...NOTIFICATION, token: "t0ken", ...changes });
}

/** One delivery of each kind, in this order. */
const DELIVERIES = [
  ["crm", notification()],
  ["crm", notification({ token: "wrong" })],
  ["crm", notification({ server_time: "soon" })],
  ["books", '{"my":"body"}'],
  ["crm", notification()],
  ["crm", notification({ ids: ["4150868000000999999"] })],
] as const;

const REJECTED = 2;
const INVALID = 3;
const FAILED = 6;

let app: Target;
beforeAll(async () => {
  app = await startTarget((response, { body }) => {
    response.statusCode = body.includes("4150868000000999999") ? 400 : 200;
    response.end();
  });
});
afterAll(() => app.close());

async function postAll(url: string): Promise<void> {
  for (const [product, body] of DELIVERIES)
    await fetch(`${url}/webhooks/zoho/${product}`, {
      method: "POST",
      body,
      headers: { "content-type": "application/json" },
    });
}

async function listed(cwd: string, ...flags: string[]): Promise<unknown[]> {
  return (await run(["events", "list", "--json", ...flags], { cwd, env })).lines().map(({ n }) => n);
}

function eventLines({ out }: RunResult): string[] {
  return out.split("\n").filter((line) => /^(?:\S+ )?\S+ #\d +(?:crm|books) /.test(line));
}

it("a person reads the same words in the lines of listen, the list, details and counts of the log, and the summary", async () => {
  const cwd = tempFolder();
  const human = await startHumanListener([app.url], { cwd, env });
  await postAll(human.url);
  for (const line of [/#1 +→ 200/, /#3 +→ 200/, /#4 +→ 200/, /#5 +→ 200/, /#6 +→ 400/]) await human.shown(line);
  const ended = await human.stop();
  const lines = eventLines(ended);
  expect(lines).toEqual([
    expect.stringMatching(/✓ verified {2}✓ valid /),
    expect.stringMatching(/✗ wrong token {2}✓ valid /),
    expect.stringMatching(/✓ verified {2}✗ invalid: 1 issue /),
    expect.stringMatching(/– unsigned {2}– custom: no schema to check /),
    expect.stringMatching(/✓ verified {2}✓ valid .* duplicate of #1$/),
    expect.stringMatching(/✓ verified {2}✓ valid /),
  ]);
  expect(ended.out).toMatch(/#6 +→ 400 .* failed$/m);
  expect(ended.err).toMatch(/ received +valid +custom +invalid +rejected +\(duplicates\)\n/);
  expect(ended.err).toMatch(/\ntotal +6 +3 +1 +1 +1 +\(1\)\n/);
  // Forwarding counts the repeat, too.
  expect(ended.err).toContain("\nForwarded: 4 delivered, 1 failed\n");

  const list = await run(["events", "list"], { cwd, env });
  expect(eventLines(list).reverse()).toEqual([
    `${lines[0]}  → delivered`,
    lines[1],
    `${lines[2]}  → delivered`,
    `${lines[3]}  → delivered`,
    expect.stringContaining("duplicate of #1"),
    `${lines[5]}  → failed after 1 attempt`,
  ]);
  const { out: stats } = await run(["events", "stats"], { cwd, env });
  expect(stats).toMatch(/^product +received +delivered +waiting +failed +duplicates +rejected +custom$/m);
  expect(stats).toMatch(/^all +6 +3 +0 +1 +1 +1 +1$/m);
  const shown = await run(["events", "show", String(FAILED)], { cwd, env });
  expect(shown.out).toMatch(/✓ verified \(token\): .*\n {2}✓ valid\n/);
  expect(shown.out).toMatch(/: failed\n/);
});

it("a script reads the same words and counts", async () => {
  const cwd = tempFolder();
  const listener = await startListener([app.url], { cwd, env });
  await postAll(listener.url);
  expect(await listener.line("forward", { n: FAILED })).toMatchObject({ state: "failed", status: 400 });
  for (const n of [1, 3, 4, 5]) expect(await listener.line("forward", { n })).toMatchObject({ state: "delivered" });
  const results: unknown[] = [];
  for (const [i] of DELIVERIES.entries()) {
    const { signatures, schema, custom } = await listener.event(i + 1);
    const [first] = signatures as { result: string }[];
    results.push([first?.result, (schema as { ok: boolean } | null)?.ok, custom]);
  }
  expect(results).toEqual([
    ["verified", true, false],
    ["wrong_signature", true, false],
    ["verified", false, false],
    ["unsigned", undefined, true],
    ["verified", true, false],
    ["verified", true, false],
  ]);
  const summary = (await listener.stop()).lines().at(-1);
  expect(summary).toMatchObject({
    ...{ received: 6, valid: 3, custom: 1, invalid: 1, rejected: 1, duplicates: 1, hidden: 0 },
    ...{ wrong_signature: 0, missing_signature: 0 },
    forwards: { delivered: 4, failed: 1, waiting: 0 },
  });
  expect(summary?.received).toBe(
    ["valid", "custom", "invalid", "wrong_signature", "missing_signature", "rejected"].reduce(
      (sum, key) => sum + Number(summary?.[key]),
      0,
    ),
  );
  const entries = (await run(["events", "list", "--json"], { cwd, env })).lines();
  expect(entries.map(({ state }) => state).reverse()).toEqual([
    "delivered",
    "rejected",
    "delivered",
    "delivered",
    "duplicate",
    "failed",
  ]);
  expect(await listed(cwd, "--only", "failed")).toEqual([FAILED]);
  expect(await listed(cwd, "--only", "rejected")).toEqual([REJECTED]);
  expect(await listed(cwd, "--only", "invalid")).toEqual([INVALID]);
  const [stats] = (await run(["events", "stats", "--json"], { cwd, env })).lines();
  expect(stats).toMatchObject({
    ...{ received: 6, delivered: 3, waiting: 0, failed: 1, duplicates: 1, rejected: 1, custom: 1 },
  });
});
