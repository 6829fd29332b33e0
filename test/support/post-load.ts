import { setTimeout as pause } from "node:timers/promises";
import { Pool } from "undici";
import { CRM, lead } from "./forward-run.ts";

export interface PostLoad {
  /** The leads that were answered 200. */
  readonly answered: readonly number[];
  readonly refused: readonly number[];
  /** How many were posted, with or without an answer. */
  readonly sent: number;
  /** The longest time that an answer has taken. */
  readonly worstMs: number;
  /** Resolves once so many have been answered 200, or the load has ended. */
  until(count: number): Promise<void>;
  /** Posts no more; resolves once all is answered. */
  stop(): Promise<void>;
  readonly ended: Promise<void>;
}

export interface PostLoadOptions {
  readonly url: string;
  readonly from: number;
  readonly count: number;
  readonly connections: number;
  /** Pause of each connection after an answer; none by default. */
  readonly pauseMs?: number;
}

/** Posts as fast as it is answered; ends when all are posted or the receiver is gone. */
export function postLoad({ url, from, count, connections, pauseMs }: PostLoadOptions): PostLoad {
  const pool = new Pool(url, { connections, pipelining: 1 });
  const answered: number[] = [];
  const refused: number[] = [];
  const waiters = new Set<() => void>();
  const end = from + count;
  let next = from;
  let stopped = false;
  let worstMs = 0;
  const worker = async (): Promise<void> => {
    while (next < end && !stopped) {
      const i = next++;
      const startedAt = performance.now();
      try {
        const { statusCode, body } = await pool.request({
          path: CRM,
          method: "POST",
          headers: { "content-type": "application/json" },
          body: lead(i),
        });
        await body.dump();
        worstMs = Math.max(worstMs, performance.now() - startedAt);
        (statusCode === 200 ? answered : refused).push(i);
      } catch {
        // It is gone, and what was under way was not answered.
        return;
      }
      for (const wake of waiters) wake();
      if (pauseMs !== undefined) await pause(pauseMs);
    }
  };
  let over = false;
  const ended = Promise.all(Array.from({ length: connections }, worker)).then(async () => {
    over = true;
    for (const wake of waiters) wake();
    await pool.destroy();
  });
  return {
    answered,
    refused,
    get sent() {
      return next - from;
    },
    get worstMs() {
      return worstMs;
    },
    stop() {
      stopped = true;
      return ended;
    },
    ended,
    until: (wanted) =>
      new Promise((resolve) => {
        const check = (): void => {
          if (answered.length < wanted && !over) return;
          waiters.delete(check);
          resolve();
        };
        waiters.add(check);
        check();
      }),
  };
}
