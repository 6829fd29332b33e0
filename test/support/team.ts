import { execFileSync } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { onTestFinished } from "vitest";
import { CRM, lead, leadNumber } from "./forward-run.ts";
import { type ListenProcess, startListenProcess } from "./listen-process.ts";
import { createServer, runSql, type Server, serverFolder } from "./postgres.ts";
import type { Seen } from "./target.ts";
import { tempFolder } from "./temp-log.ts";

/** What a worker has claimed at most, 16 for each of the 16 deliveries that it sends at once: a kill repeats no more. */
export const MAX_IN_HAND = 256;

/** A PostgreSQL server of the test's own, which writes to the disk; stopped after the test. */
export async function startServer(): Promise<Server> {
  const server = await createServer(serverFolder());
  await server.start();
  onTestFinished(() => server.stop("SIGQUIT").catch(() => {}));
  return server;
}

/** Stops all processes of a server, as if its machine hung. Returns what lets them go on; the end of the test does, too. */
export async function hangServer(store: string): Promise<() => void> {
  const [row] = await runSql(store, "SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1) AS pid");
  const pids = [Number(row?.pid)];
  const signal = (name: NodeJS.Signals): void => {
    for (const pid of pids) {
      try {
        process.kill(pid, name);
      } catch {
        // A process that had just answered has ended.
      }
    }
  };
  signal("SIGSTOP");
  // The parent starts no more of them now.
  const children = execFileSync("pgrep", ["--parent", String(pids[0])], { encoding: "utf8" });
  pids.push(...children.trim().split("\n").map(Number));
  signal("SIGSTOP");
  onTestFinished(() => signal("SIGCONT"));
  return () => signal("SIGCONT");
}

/** A `listen` on a shared log, in a project of its own. */
export function startMember(store: string, argv: readonly string[]): Promise<ListenProcess> {
  const hasPort = !argv.includes("deliver");
  return startListenProcess([...argv, "--store", store], { cwd: tempFolder(), hasPort });
}

/** Numbers from 0 to 1 that a seed repeats: TEAM_SEED. Prints the seed. */
export function seededRandom(): () => number {
  let state = Number(process.env.TEAM_SEED ?? Math.floor(Math.random() * 2 ** 31));
  process.stdout.write(`TEAM_SEED=${state}\n`);
  return () => {
    // https://en.wikipedia.org/wiki/Linear_congruential_generator, with the factor and summand of Numerical Recipes
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

export interface TeamLoad {
  readonly answered: readonly number[];
  /** How often each status came that is not 200; 0 for no answer. */
  readonly refused: ReadonlyMap<number, number>;
  readonly worstMs: number;
  /** Resolves once so many have been answered 200. */
  until(count: number): Promise<void>;
  stop(): Promise<void>;
}

/** Posts leads to receivers that come and go, as a load balancer does: one that is gone is left out. */
export function loadTeam(urls: () => readonly string[], connections = 12): TeamLoad {
  const answered: number[] = [];
  const refused = new Map<number, number>();
  const waiters = new Set<() => void>();
  let next = 0;
  let stopped = false;
  let worstMs = 0;
  const post = async (i: number): Promise<number> => {
    const url = urls()[i % urls().length];
    try {
      const headers = { "content-type": "application/json" };
      const response = await fetch(url + CRM, { method: "POST", body: lead(i), headers });
      await response.text();
      return response.status;
    } catch {
      return 0;
    }
  };
  const connection = async (): Promise<void> => {
    while (!stopped) {
      const i = next++;
      const startedAt = performance.now();
      const status = await post(i);
      worstMs = Math.max(worstMs, performance.now() - startedAt);
      if (status === 200) answered.push(i);
      else {
        refused.set(status, 1 + (refused.get(status) ?? 0));
        // A receiver that is gone refuses at once.
        await delay(20);
      }
      for (const wake of waiters) wake();
    }
  };
  const ended = Promise.all(Array.from({ length: connections }, connection));
  return {
    answered,
    refused,
    get worstMs() {
      return worstMs;
    },
    until: (count) =>
      new Promise((resolve) => {
        const check = (): void => {
          if (answered.length < count) return;
          waiters.delete(check);
          resolve();
        };
        waiters.add(check);
        check();
      }),
    async stop() {
      stopped = true;
      await ended;
    },
  };
}

/** Which leads an app has had, and how many came again. */
export function arrivals(seen: readonly Seen[]): { readonly leads: ReadonlySet<number>; readonly repeats: number } {
  const leads = new Set(seen.map(leadNumber));
  return { leads, repeats: seen.length - leads.size };
}

/** The deliveries of a log by what has become of them, such as `{ delivered: 12 }`. */
export async function statesOf(store: string): Promise<Readonly<Record<string, number>>> {
  const names = "CASE state WHEN 2 THEN 'delivered' WHEN 3 THEN 'failed' ELSE 'waiting' END";
  const rows = await runSql(store, `SELECT ${names} AS state, count(*)::integer AS count FROM forwards GROUP BY 1`);
  return Object.fromEntries(rows.map(({ state, count }) => [String(state), Number(count)]));
}
