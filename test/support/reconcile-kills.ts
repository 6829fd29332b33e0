import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect, onTestFinished } from "vitest";
import { openLog } from "../../src/log/sqlite/log.ts";
import { startBin } from "./bin.ts";
import { DEFAULT_LOG } from "./faults.ts";
import { app } from "./forward-run.ts";
import { tempFolder } from "./run.ts";
import { freePort, valuesOf } from "./target.ts";
import { collect } from "./temp-log.ts";
import { ALL_SCOPES } from "./zoho-client.ts";
import { changeRecords } from "./zoho-records.ts";
import { startZohoServer } from "./zoho-server.ts";

const MODULES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  Leads: { Last_Name: "Doe", Company: "Acme" },
  Contacts: { Last_Name: "Doe" },
  Accounts: { Account_Name: "Acme" },
  Deals: { Deal_Name: "A", Stage: "Qualification" },
  Tasks: { Subject: "Call" },
};
/** Within which a second edit hides behind a seen one, and the second that Zoho's times leave out. */
const HIDDEN_MS = 3_000;

interface Kills {
  readonly changes: number;
  readonly ofListen: number;
  readonly ofReconcile: number;
}

type Operation = "insert" | "update" | "delete";

/** The last change of a record, by the clock of the emulator, which is the test's. */
interface Change {
  readonly operation: Operation;
  readonly atMs: number;
}

interface Told extends Change {
  readonly n: number;
  readonly reconstructed: boolean;
}

/**
 * Records change at random while `listen` and `reconcile --deliver` are killed. Afterwards the app has been told of the last change of
 * each, and of none that was not made. Returns what happened, for the notes of a run.
 */
export async function surviveKills({ changes, ofListen, ofReconcile }: Kills): Promise<string> {
  const cwd = tempFolder();
  const zoho = await startZohoServer();
  onTestFinished(() => zoho.close());
  const target = await app();
  const port = await freePort();
  const env = {
    ...{ HOME: cwd, XDG_CONFIG_HOME: join(cwd, ".config") },
    ZOHO_CLIENT_ID: zoho.accounts.clientId,
    ZOHO_CLIENT_SECRET: zoho.accounts.clientSecret,
    ZOHO_REFRESH_TOKEN: zoho.accounts.makeRefreshToken(ALL_SCOPES),
    ZOHO_ACCOUNTS_URL: zoho.url,
    ZOHO_API_URL: zoho.url,
    // Known to reconcile before the first notification has come.
    ZOHO_HOOKS_FORWARD_TO: target.url,
  };
  const channel = [
    "--channel",
    Object.keys(MODULES)
      .map((module) => `${module}.all`)
      .join(),
  ];
  const listen = () => startBin(["listen", "--port", String(port), ...channel], { cwd, env });
  const reconcile = (...argv: readonly string[]) => startBin(["reconcile", "--json", ...argv], { cwd, env });

  let listener = listen();
  await listener.said(/Ready\./);
  const made = changeRandomly(changeRecords(zoho), changes);
  /** A killed listener may not have noted that the app has these. */
  const inHand = new Set<number>();
  let reconcileKills = 0;
  for (let round = 0; round < ofListen; round++) {
    await listener.said(/Ready\./);
    await pause(Math.random() * 400);
    listener.kill("SIGKILL");
    await listener.ended;
    for (const { n, state } of await logged(cwd)) if (state === "waiting") inHand.add(n);
    await pause(Math.random() * 400);
    listener = listen();
    if (reconcileKills < ofReconcile && round % Math.floor(ofListen / ofReconcile) === 0) {
      reconcileKills++;
      const running = reconcile("--deliver");
      await pause(200 + Math.random() * 1_500);
      running.kill("SIGKILL");
      await running.ended;
    }
  }
  await listener.said(/Ready\./);
  const history = await made;
  // The notifications of the last changes are on their way.
  await expect
    .poll(() => zoho.deliveries.sent.items.every(({ status, error }) => (status ?? error) !== undefined))
    .toBe(true);
  const both = [reconcile("--deliver"), reconcile("--deliver")];
  for (const each of both) expect(await each.ended).toMatchObject({ status: 0 });
  const last = await reconcile().ended;
  expect(last).toMatchObject({ status: 0 });
  await expect
    .poll(async () => (await logged(cwd)).filter(({ state }) => state !== "delivered" && state !== "duplicate"))
    .toEqual([]);
  listener.kill("SIGINT");
  await listener.ended;

  const told = new Map<string, Told[]>();
  const numbers: number[] = [];
  for (const seen of target.seen) {
    const body = JSON.parse(seen.body.toString()) as { ids: string[]; operation: Operation; server_time: number };
    const n = Number(valuesOf(seen, "x-zoho-hooks-event")[0]);
    const reconstructed = valuesOf(seen, "x-zoho-hooks-reconstructed").length > 0;
    const isRepeat = numbers.includes(n);
    numbers.push(n);
    if (isRepeat) continue;
    for (const id of body.ids)
      told.set(id, [...(told.get(id) ?? []), { operation: body.operation, atMs: body.server_time, n, reconstructed }]);
  }
  let hidden = 0;
  let doubled = 0;
  let reconstructed = 0;
  for (const [id, all] of history) {
    const end = all.at(-1);
    if (end === undefined) continue;
    const times = (told.get(id) ?? [])
      .filter(({ operation }) => end.operation !== "delete" || operation === "delete")
      .map(({ atMs }) => atMs);
    const latest = Math.max(0, ...times);
    // Nothing missed: the app was told from the last change on, or, counted, of one shortly before.
    expect([id, end, latest + HIDDEN_MS >= end.atMs]).toEqual([id, end, true]);
    if (Math.floor(latest / 1_000) < Math.floor(end.atMs / 1_000)) hidden++;
  }
  for (const [id, of] of told) {
    const all = history.get(id) ?? [];
    for (const each of of.filter((one) => one.reconstructed)) {
      reconstructed++;
      // Nothing invented: a change of this kind was made.
      expect([
        id,
        each,
        all.some(
          ({ operation, atMs }) => operation === each.operation && Math.floor(atMs / 1_000) * 1_000 <= each.atMs,
        ),
      ]).toEqual([id, each, true]);
      const before = of.filter(
        ({ n, atMs }) =>
          n < each.n && atMs >= Math.max(...all.filter((one) => one.atMs <= each.atMs + 1_000).map((one) => one.atMs)),
      );
      if (before.length > 0) doubled++;
    }
  }
  expect(doubled).toBe(0);
  const repeats = numbers.filter((n, i) => numbers.indexOf(n) !== i);
  expect(repeats.filter((n) => !inHand.has(n))).toEqual([]);
  return (
    `${changes} changes of ${history.size} records, ${ofListen} kills of listen, ${reconcileKills} of reconcile: ` +
    `${reconstructed} reconstructed, ${hidden} second edits hidden, ${repeats.length} forwarded twice, ${inHand.size} in hand\n`
  );
}

/** Creates, edits and deletes records of all modules, with pauses between. Resolves to the changes of each record. */
async function changeRandomly(
  crm: ReturnType<typeof changeRecords>,
  count: number,
): Promise<ReadonlyMap<string, readonly Change[]>> {
  const history = new Map<string, Change[]>();
  const live: { readonly module: string; readonly id: string }[] = [];
  const note = (id: string, operation: Operation, atMs: number): void =>
    void history.set(id, [...(history.get(id) ?? []), { operation, atMs }]);
  const names = Object.keys(MODULES);
  for (let i = 0; i < count; i++) {
    await pause(Math.random() * 250);
    const chance = Math.random();
    const at = Math.floor(Math.random() * live.length);
    const record = live[at];
    const startedAtMs = Date.now();
    if (record === undefined || chance < 0.5) {
      const module = names[i % names.length] ?? "Leads";
      const id = await crm.create(module, MODULES[module] ?? {});
      live.push({ module, id });
      note(id, "insert", startedAtMs);
    } else if (chance < 0.85) {
      await crm.change(record.module, record.id, { Description: String(i) });
      note(record.id, "update", startedAtMs);
    } else {
      await crm.remove(record.module, record.id);
      live.splice(at, 1);
      note(record.id, "delete", startedAtMs);
    }
  }
  return history;
}

async function logged(cwd: string) {
  const path = join(cwd, DEFAULT_LOG);
  if (!existsSync(path)) return [];
  const log = await openLog({ path, now: () => new Date(), create: false });
  const records = await collect(log.rows());
  await log.close();
  return records;
}
