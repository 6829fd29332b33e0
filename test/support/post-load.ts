import { Pool } from "undici";
import { CRM, lead } from "./forward-run.ts";

export interface PostLoad {
  /** Posts leads from this number on, one after the other on each connection, until `stop` or a refused connection. */
  readonly answered: readonly number[];
  readonly refused: readonly number[];
  /** Resolves once so many have been answered 200, or the load has ended. */
  until(count: number): Promise<void>;
  readonly ended: Promise<void>;
}

export interface PostLoadOptions {
  readonly url: string;
  readonly from: number;
  readonly count: number;
  readonly connections: number;
}

/** Posts as fast as it is answered; ends when all are posted or the receiver is gone. */
export function postLoad({ url, from, count, connections }: PostLoadOptions): PostLoad {
  const pool = new Pool(url, { connections, pipelining: 1 });
  const answered: number[] = [];
  const refused: number[] = [];
  const waiters = new Set<() => void>();
  let next = from;
  const worker = async (): Promise<void> => {
    while (next < from + count) {
      const i = next++;
      try {
        const { statusCode, body } = await pool.request({
          path: CRM,
          method: "POST",
          headers: { "content-type": "application/json" },
          body: lead(i),
        });
        await body.dump();
        (statusCode === 200 ? answered : refused).push(i);
      } catch {
        // It is gone, and what was under way was not answered.
        return;
      }
      for (const wake of waiters) wake();
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
