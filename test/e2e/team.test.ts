import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { runBin } from "../support/bin.ts";
import { folderWith } from "../support/files.ts";
import { app, CRM, lead, leadNumber } from "../support/forward-run.ts";
import { type ListenProcess, startListenProcess } from "../support/listen-process.ts";
import { lacks } from "../support/needs.ts";
import { runSql, sharedAddress } from "../support/postgres.ts";
import { hang, yes } from "../support/target-app.ts";

/** Within this, what a process had that was killed goes on. */
const TAKEN_OVER_MS = 30_000;

const member = (store: string, argv: readonly string[], env = {}): Promise<ListenProcess> =>
  startListenProcess([...argv, "--store", store], { cwd: folderWith({}), env, hasPort: !argv.includes("deliver") });

async function post({ url }: ListenProcess, i: number): Promise<number> {
  const headers = { "content-type": "application/json" };
  return (await fetch(url + CRM, { method: "POST", body: lead(i), headers })).status;
}

describe.skipIf(lacks("postgresql"))("processes on one log in PostgreSQL", () => {
  it("go on when one of them is killed: a receiver, or a worker with deliveries in hand", {
    timeout: 90_000,
  }, async () => {
    const store = await sharedAddress(randomUUID());
    const target = await app(hang);
    const [first, second] = [
      await member(store, ["--role", "receive", target.url]),
      await member(store, ["--role", "receive", target.url]),
    ];
    const worker = await member(store, ["--role", "deliver", target.url]);
    for (let i = 0; i < 20; i++) expect(await post(i % 2 === 0 ? first : second, i)).toBe(200);
    await target.came(16);
    await Promise.all([first.kill(), worker.kill()]);
    target.answer(yes);
    const other = await member(store, ["--role", "deliver", target.url]);
    const killedAt = performance.now();
    expect(await post(second, 20)).toBe(200);
    const came = () => new Set(target.seen.slice(16).map(leadNumber));
    await expect.poll(() => came().size, { timeout: TAKEN_OVER_MS }).toBe(21);
    expect(performance.now() - killedAt).toBeLessThan(TAKEN_OVER_MS);
    expect((await other.stop()).summary).toMatchObject({ forwards: { delivered: 21, waiting: 0 } });
    expect((await second.stop()).exitCode).toBe(0);
  });

  it("answers 503 at /readyz after SIGTERM, and still takes what comes until it ends with 0", async () => {
    const store = await sharedAddress(randomUUID());
    const receiver = await member(store, ["--admin", "0"]);
    const admin = /http:\S+(?=\/metrics)/.exec(JSON.stringify(receiver.lines))?.[0] ?? "";
    const readiness = async () =>
      Promise.all([receiver.url, admin].map(async (url) => (await fetch(`${url}/readyz`)).status));
    expect(await readiness()).toEqual([200, 200]);
    process.kill(receiver.pid, "SIGTERM");
    await expect.poll(readiness).toEqual([503, 503]);
    const last = await fetch(receiver.url + CRM, { method: "POST", body: lead(1) });
    expect([last.status, last.headers.get("connection")]).toEqual([200, "close"]);
    expect(await receiver.ended).toBe(0);
  });

  it("gives back what a worker has in hand after SIGTERM, so that another one sends it at once", async () => {
    const store = await sharedAddress(randomUUID());
    const target = await app(hang);
    const receiver = await member(store, ["--role", "receive", target.url]);
    const worker = await member(store, ["--role", "deliver", target.url], { ZOHO_HOOKS_CONCURRENCY: "1" });
    for (let i = 0; i < 5; i++) expect(await post(receiver, i)).toBe(200);
    await target.came(1);
    target.answer(yes);
    const next = await member(store, ["--role", "deliver", target.url]);
    process.kill(worker.pid, "SIGTERM");
    expect(await worker.ended).toBe(0);
    const endedAt = performance.now();
    await expect.poll(() => new Set(target.seen.slice(1).map(leadNumber)).size, { timeout: 10_000 }).toBe(5);
    // Sooner than a lease lasts.
    expect(performance.now() - endedAt).toBeLessThan(5000);
    await next.stop();
  });

  it("need no more rights than docs/team.md gives them", { timeout: 60_000 }, async () => {
    const store = await sharedAddress(randomUUID());
    expect(await runBin(["store", "init"], { env: { ZOHO_HOOKS_STORE: store } })).toMatchObject({ status: 0 });
    const page = readFileSync(new URL("../../docs/team.md", import.meta.url), "utf8");
    const sql = /```sql\n(.*?)```/s.exec(page)?.[1] ?? "";
    const [schema = "", role] = [/schema=(\w+)/.exec(store)?.[1], `hooks_${process.pid}`];
    await runSql(store, sql.replaceAll("zoho_hooks", schema).replaceAll(/\bhooks\b/g, role));
    const own = store.replace("postgres@", `${role}@`);
    const target = await app();
    const both = await member(own, [target.url], { ZOHO_HOOKS_KEEP: "1h" });
    expect(await post(both, 1)).toBe(200);
    await target.came(1);
    expect((await both.stop()).summary).toMatchObject({ forwards: { delivered: 1 } });
    for (const words of [["list"], ["stats"], ["prune", "--keep", "1s"]])
      expect(await runBin(["events", ...words], { env: { ZOHO_HOOKS_STORE: own } })).toMatchObject({ status: 0 });
    await expect(runSql(own, "DROP TABLE deliveries")).rejects.toThrow("must be owner");
    await expect(runSql(own, "CREATE TABLE more ()")).rejects.toThrow("permission denied");
  });
});
