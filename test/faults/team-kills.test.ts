import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { IS_LONG } from "../support/faults.ts";
import { app } from "../support/forward-run.ts";
import type { ListenProcess } from "../support/listen-process.ts";
import { lacks } from "../support/needs.ts";
import { runSql } from "../support/postgres.ts";
import { arrivals, loadTeam, MAX_IN_HAND, seededRandom, startMember, startServer, statesOf } from "../support/team.ts";

const RECEIVERS = IS_LONG ? 4 : 2;
const WORKERS = RECEIVERS;
const KILLS = IS_LONG ? 30 : 4;
const STOPPED_MS = IS_LONG ? 10_000 : 2000;

describe.skipIf(lacks("postgresql"))("receivers and workers on one log in PostgreSQL", () => {
  it(`deliver all that was answered through ${KILLS} kills, of any of them and of a database backend`, async () => {
    const random = seededRandom();
    const server = await startServer();
    const store = server.address("team");
    const target = await app();
    const start = (role: string) => startMember(store, ["--role", role, target.url]);
    const startAll = async (role: string, count: number) => {
      const members: ListenProcess[] = [];
      for (let i = 0; i < count; i++) members.push(await start(role));
      return members;
    };
    const receivers = await startAll("receive", RECEIVERS);
    const workers = await startAll("deliver", WORKERS);
    const load = loadTeam(() => receivers.map(({ url }) => url));
    let workersKilled = 0;

    for (let kill = 0; kill < KILLS; kill++) {
      await load.until(load.answered.length + 20 + Math.floor(random() * (IS_LONG ? 1000 : 100)));
      if (IS_LONG) await delay(random() * 2000);
      if (kill === Math.floor(KILLS / 2)) {
        const sql = "SELECT pid FROM pg_stat_activity WHERE application_name = 'zoho-hooks'";
        const pids = (await runSql(store, sql)).map(({ pid }) => Number(pid));
        process.kill(pids[Math.floor(random() * pids.length)] ?? 0, "SIGKILL");
        // The server ends all its sessions then, and undoes what it had not written: that a delivery was made.
        workersKilled += WORKERS;
        continue;
      }
      const isWorker = random() < 0.5;
      const members = isWorker ? workers : receivers;
      const i = Math.floor(random() * members.length);
      await members[i]?.kill();
      if (isWorker) workersKilled++;
      members[i] = await start(isWorker ? "deliver" : "receive");
    }
    await load.until(load.answered.length + 100);
    await load.stop();
    const { answered, worstMs } = load;
    const missing = () => {
      const { leads } = arrivals(target.seen);
      return answered.filter((i) => !leads.has(i)).length;
    };
    await expect.poll(missing, { interval: 100 }).toBe(0);
    await expect.poll(() => statesOf(store), { interval: 100 }).toEqual({ delivered: expect.any(Number) });
    const { repeats } = arrivals(target.seen);
    process.stdout.write(
      `${KILLS} kills, of a backend as well: ${answered.length} answered 200, 0 lost, ${repeats} repeated, ` +
        `slowest answer ${worstMs.toFixed(0)} ms\n`,
    );
    expect(repeats).toBeLessThanOrEqual(MAX_IN_HAND * workersKilled);
  });

  it(`answer 503 while the database is stopped for ${STOPPED_MS / 1000} s, and go on by themselves`, async () => {
    const server = await startServer();
    const store = server.address("team");
    const target = await app();
    const receivers = [
      await startMember(store, [target.url]),
      await startMember(store, ["--role", "receive", target.url]),
    ];
    const load = loadTeam(() => receivers.map(({ url }) => url));
    await load.until(100);
    await server.stop();
    await delay(STOPPED_MS);
    const before = load.answered.length;
    await server.start();
    await load.until(before + 100);
    await load.stop();
    const { answered, refused } = load;
    const missing = () => {
      const { leads } = arrivals(target.seen);
      return answered.filter((i) => !leads.has(i)).length;
    };
    await expect.poll(missing, { interval: 100 }).toBe(0);
    await expect.poll(() => statesOf(store), { interval: 100 }).toEqual({ delivered: expect.any(Number) });
    process.stdout.write(
      `database stopped for ${STOPPED_MS / 1000} s: ${answered.length} answered 200, 0 lost, ` +
        `${refused.get(503)} answered 503, ${arrivals(target.seen).repeats} repeated\n`,
    );
    expect([...refused.keys()]).toEqual([503]);
    for (const receiver of receivers) expect((await receiver.stop()).exitCode).toBe(0);
  });
});
