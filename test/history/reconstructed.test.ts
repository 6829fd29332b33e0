import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { verify } from "../../src/library/index.ts";
import { rowOf } from "../../src/log/row-of.ts";
import { openLog } from "../../src/log/sqlite/log.ts";
import { startHumanListener } from "../support/human-listener.ts";
import { startInspector, userEnv } from "../support/inspector.ts";
import { startListener } from "../support/listener.ts";
import { newEntry } from "../support/log-entry.ts";
import { parseOpenMetrics } from "../support/open-metrics.ts";
import { run, tempFolder } from "../support/run.ts";
import { startTarget, valuesOf } from "../support/target.ts";
import { collect, engines, tempLog } from "../support/temp-log.ts";

const MARK = "x-zoho-hooks-reconstructed";
const TARGET = "http://localhost:3000/";
const BODY = `{"server_time":1772355600000,"query_params":{},"module":"Leads","resource_uri":"https://www.zohoapis.com/crm/v8/Leads","ids":["4150868000000002179"],"affected_fields":[],"operation":"insert","channel_id":"1772355600000","token":"t0ken"}`;
const entry = (target: string) =>
  newEntry({
    body: BODY,
    reconstructed: true,
    receipt: { format: "wire", verdicts: [] },
    forward: { targets: [target] },
  });

it.each(engines)("a log on %s marks what was reconstructed, wherever it is read", async (engine) => {
  const log = await tempLog(engine);
  await log.append(entry(TARGET));
  await log.append(newEntry({ forward: { targets: [TARGET] } }));
  const marks = [true, false];
  for (const items of [log.rows({}, { order: "oldest" }), log.entries({}, { order: "oldest" })])
    expect((await collect<{ readonly reconstructed: boolean }>(items)).map((each) => each.reconstructed)).toEqual(
      marks,
    );
  expect((await log.get(1))?.reconstructed).toBe(true);
  expect((await rowOf(log, 1))?.reconstructed).toBe(true);
  const { claims } = await log.queue.claim({ target: TARGET, limit: 9, now: new Date(), maxPauseMs: 60_000 });
  expect(claims.map((each) => each.reconstructed)).toEqual(marks);
  expect(await log.countReconstructed()).toBe(1);
});

it("is shown, counted and forwarded with its mark, which no sender can set", async () => {
  const cwd = tempFolder();
  const app = await startTarget();
  onTestFinished(() => app.close());
  const log = await openLog({ path: join(cwd, ".zoho-hooks/events.db"), now: () => new Date() });
  await log.append(entry(app.url));
  await log.close();
  const listener = await startListener(["--forward-to", app.url, "--admin", "0"], { cwd });
  onTestFinished(async () => void (await listener.stop()));
  await listener.line("forward", { n: 1, state: "delivered" });
  // The event first, as for what it receives.
  expect(
    listener
      .lines()
      .flatMap(({ type, n, reconstructed }) =>
        type === "event" || type === "forward" ? [[type, n, reconstructed]] : [],
      ),
  ).toEqual([
    ["event", 1, true],
    ["forward", 1, undefined],
  ]);
  await listener.post("/webhooks/zoho/crm", BODY, { "content-type": "application/json", [MARK]: "1" });
  await listener.line("forward", { n: 2, state: "delivered" });
  expect(app.seen.map((seen) => valuesOf(seen, MARK))).toEqual([["1"], []]);
  const admin = /http:\S+(?=\/metrics)/.exec(
    JSON.stringify(listener.lines().find(({ type }) => type === "ready")),
  )?.[0];
  const samples = parseOpenMetrics(await (await fetch(`${admin}/metrics`)).text());
  expect(samples).toContainEqual({ name: "zoho_hooks_reconstructed", labels: {}, value: 1 });

  const lines = (await run(["events", "list", "--json"], { cwd })).out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines.map(({ n, reconstructed }) => [n, reconstructed])).toEqual([
    [2, false],
    [1, true],
  ]);
  const [sent, made] = (await run(["events", "list"], { cwd })).out.trim().split("\n");
  expect(made).toMatch(/#1 .* – reconstructed {2}✓ valid/);
  expect(sent).not.toContain("reconstructed");
  expect((await run(["events", "show", "1"], { cwd })).out).toContain(
    "– reconstructed by zoho-hooks reconcile: Zoho did not send it",
  );
  const inspector = await startInspector([], { cwd, env: userEnv() });
  onTestFinished(async () => void (await inspector.stop()));
  const page = (await inspector.get("/api/events")).json() as { events: { n: number; reconstructed: boolean }[] };
  expect(page.events.map(({ n, reconstructed }) => [n, reconstructed])).toEqual([
    [2, false],
    [1, true],
  ]);
  await run(["replay", "1", "--to", app.url], { cwd });
  expect(app.seen.map((seen) => valuesOf(seen, MARK))).toEqual([["1"], [], ["1"]]);
});

it("is shown by listen with its app's answer, once for several apps", async () => {
  const cwd = tempFolder();
  const [app, other] = [await startTarget(), await startTarget()];
  onTestFinished(async () => void (await Promise.all([app.close(), other.close()])));
  const shownBy = async (...targets: readonly string[]): Promise<string> => {
    const log = await openLog({ path: join(cwd, ".zoho-hooks/events.db"), now: () => new Date() });
    await log.append(newEntry({ ...entry(""), forward: { targets } }));
    await log.close();
    const listener = await startHumanListener(
      targets.flatMap((target) => ["--forward-to", target]),
      { cwd },
    );
    await listener.shown(new RegExp(targets.map(() => "→ 200").join("[^→]*")));
    return (await listener.stop()).out;
  };
  expect(await shownBy(app.url)).toMatch(/#1 .*Leads\.create .* – reconstructed[\s\S]*→ 200/);
  const both = await shownBy(app.url, other.url);
  expect(both.match(/– reconstructed/g)).toHaveLength(1);
  expect(both).toMatch(/– reconstructed[\s\S]*→ 200[\s\S]*→ 200/);
});

it("is told by the library, for the app behind listen", () => {
  const request = { headers: { "content-type": "application/json" }, body: BODY };
  expect(verify("crm", request, { token: "t0ken" })).toMatchObject({ genuine: true, reconstructed: false });
  const marked = { ...request, headers: { ...request.headers, [MARK]: "1" } };
  expect(verify("crm", marked, { token: "t0ken" })).toMatchObject({ genuine: true, ok: true, reconstructed: true });
});
