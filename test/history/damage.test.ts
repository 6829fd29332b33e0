import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { loadEngine } from "../../src/log/sqlite/engine.ts";
import { openLog } from "../../src/log/sqlite/log.ts";
import { damagePages } from "../support/damage-pages.ts";
import { newEntry } from "../support/log-entry.ts";
import { run, tempFolder } from "../support/run.ts";

const cwd = tempFolder();
const path = join(cwd, ".zoho-hooks", "events.db");
const DAMAGED = [2, 4, 5];
const LEFT = [1, 3, 6, 7];

/** #2 has headers that are no JSON; the pages with the bodies of #4 and #5 are overwritten. */
beforeAll(async () => {
  const log = await openLog({ path, now: () => new Date() });
  for (let n = 1; n <= 7; n++) {
    const body = `{"n":${n},"text":"${[4, 5].includes(n) ? "hurt".repeat(5000) : "well"}"}`;
    const forward = { targets: ["http://127.0.0.1:9/"] };
    await log.append(newEntry({ body, forward }));
  }
  await log.close();
  const database = (await loadEngine()).open(path);
  database.exec("UPDATE contents SET headers = '[[' WHERE n = 2");
  database.close();
  damagePages(path, "hurt".repeat(1000));
});

const says = (...spans: string[]): unknown =>
  expect.stringContaining(`skipped: ${spans.join(", ")}, which are damaged`);

describe("a log with damaged deliveries", () => {
  it.each([
    [["list", "--json"], [...LEFT].reverse(), ["#4 to #5", "#2"]],
    [["list", "--json", "--where", "text=well"], [...LEFT].reverse(), ["#4 to #5", "#2"]],
  ])("is shown by events %j without them, and names them", async (argv, left, spans) => {
    const { exitCode, lines } = await run(["events", ...argv], { cwd });
    const told = lines();
    expect(told.filter(({ type }) => type === "event").map(({ n }) => n)).toEqual(left);
    expect(told.filter(({ type }) => type === "warning").map(({ message }) => message)).toEqual([says(...spans)]);
    expect(exitCode).toBe(2);
  });

  it("is reported on stderr", async () => {
    const { exitCode, out, err } = await run(["events", "list", "--all"], { cwd });
    expect([exitCode, out.split("\n")]).toEqual([2, expect.objectContaining({ length: LEFT.length + 1 })]);
    expect(err).toEqual(says("#4 to #5", "#2"));
    expect(err).toContain("events list --all --json --show-secrets > deliveries.ndjson, then move the file away");
  });

  it("is followed by events list --follow", async () => {
    const interrupt = new AbortController();
    const { exitCode, out, err } = await run(["events", "list", "--follow", "--limit", "6"], {
      cwd,
      signal: interrupt.signal,
      onErr: (text) => text.includes("following") && interrupt.abort(),
    });
    expect([...out.matchAll(/ #(\d+) /g)].map(([, n]) => Number(n))).toEqual([3, 6, 7]);
    expect(err).toEqual(says("#2", "#4 to #5"));
    expect(exitCode).toBe(2);
  });

  it("is replayed as far as it can be read", async () => {
    const { exitCode, out, err } = await run(["replay", "--since", "1h", "--dry-run", "--json"], { cwd });
    const lines = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines.filter(({ type }) => type === "sent").map(({ n }) => n)).toEqual(LEFT);
    expect([exitCode, err]).toEqual([2, ""]);
  });

  it("is compared with the schemas as far as it can be read", async () => {
    const { exitCode, err } = await run(["events", "drift"], { cwd });
    expect([exitCode, err]).toEqual([2, says("#2", "#4 to #5")]);
  });

  it("reports a single damaged one, and no other", async () => {
    for (const n of DAMAGED) {
      const { exitCode, err } = await run(["events", "show", String(n)], { cwd });
      expect([exitCode, err]).toEqual([2, expect.stringContaining(`#${n} is damaged in the event log`)]);
    }
    expect((await run(["events", "show", "3"], { cwd })).exitCode).toBe(0);
  });

  it("reports a number that does not exist, also where the last one is damaged", async () => {
    const folder = tempFolder();
    const store = join(folder, "events.db");
    const log = await openLog({ path: store, now: () => new Date() });
    await log.append(newEntry());
    await log.close();
    const database = (await loadEngine()).open(store);
    database.exec("UPDATE contents SET headers = '[['");
    database.close();
    const { exitCode, err } = await run(["events", "show", "99"], { cwd: folder, env: { ZOHO_HOOKS_STORE: store } });
    expect([exitCode, err]).toEqual([2, expect.stringContaining("the last one is #1")]);
  });
});

describe("damage that no code of SQLite names", () => {
  const damage = async (change: (store: string) => void | Promise<void>): Promise<string> => {
    const store = join(tempFolder(), "events.db");
    const log = await openLog({ path: store, now: () => new Date() });
    for (let n = 1; n <= 3; n++) await log.append(newEntry());
    await log.close();
    await change(store);
    return store;
  };
  const alter = (sql: string) => async (store: string) => {
    const database = (await loadEngine()).open(store);
    database.exec(sql);
    database.close();
  };

  it("skips a delivery with a time that no date can have", async () => {
    const store = await damage(alter("UPDATE deliveries SET received_at = 9e15 WHERE n = 2"));
    const { exitCode, lines } = await run(["events", "list", "--json"], { env: { ZOHO_HOOKS_STORE: store } });
    const numbers = lines().flatMap(({ type, n }) => (type === "event" ? [n] : []));
    expect([exitCode, numbers.toSorted()]).toEqual([2, [1, 3]]);
  });

  it("counts such a delivery in no hour of events stats", async () => {
    const store = await damage(alter("UPDATE deliveries SET received_at = 9e15 WHERE n = 2"));
    const { exitCode, lines } = await run(["events", "stats", "--json"], { env: { ZOHO_HOOKS_STORE: store } });
    const hours = [expect.objectContaining({ received: 2 })];
    expect([exitCode, lines()]).toEqual([0, [expect.objectContaining({ received: 3, hours })]]);
  });

  it("names a delivery once that comes damaged while events list --follow runs, and shows those around it", async () => {
    const store = await damage(() => {});
    const interrupt = new AbortController();
    const come =
      "UPDATE contents SET n = n + 10; UPDATE deliveries SET n = n + 10; UPDATE deliveries SET records = '[0]' WHERE n = 12";
    const { exitCode, out, err } = await run(["events", "list", "--follow", "--limit", "0"], {
      env: { ZOHO_HOOKS_STORE: store },
      signal: interrupt.signal,
      onErr(text) {
        if (text.includes("following")) void alter(`PRAGMA foreign_keys = OFF; BEGIN; ${come}; COMMIT`)(store);
        else if (text.includes("skipped")) interrupt.abort();
      },
    });
    expect([...out.matchAll(/ #(\d+) /g)].map(([, n]) => Number(n))).toEqual([11, 13]);
    expect(err).toContain("skipped: #12, which is damaged");
    expect(exitCode).toBe(2);
  });

  it.each([
    ["issues", "[0]"],
    ["verdicts", "[0]"],
    ["verdicts", '[{"id":"token","proves":"sender","verdict":"valid","reason":"r"}]'],
    ["records", "[0]"],
  ])("skips a delivery whose %s are of another kind: %s", async (column, list) => {
    const store = await damage(alter(`UPDATE deliveries SET ${column} = '${list}' WHERE n = 2`));
    expect((await run(["events", "list"], { env: { ZOHO_HOOKS_STORE: store } })).exitCode).toBe(2);
    const { exitCode, lines } = await run(["events", "list", "--json"], { env: { ZOHO_HOOKS_STORE: store } });
    const numbers = lines().flatMap(({ type, n }) => (type === "event" ? [n] : []));
    expect([exitCode, numbers.toSorted()]).toEqual([2, [1, 3]]);
  });

  it("reports a schema format that SQLite does not know as a damaged log", async () => {
    const store = await damage((path) => {
      const whole = readFileSync(path);
      whole[44] = whole[47] = 9;
      writeFileSync(path, whole);
    });
    const { exitCode, err } = await run(["events", "stats"], { env: { ZOHO_HOOKS_STORE: store } });
    expect([exitCode, err]).toEqual([2, expect.stringContaining(`the event log ${store} is damaged`)]);
  });
});
