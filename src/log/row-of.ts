import type { Log, LogRow } from "./log.ts";

/** Reads the row of one delivery; undefined for one that has been pruned or never existed. */
export async function rowOf(log: Pick<Log, "rows">, n: number): Promise<LogRow | undefined> {
  for await (const row of log.rows({ after: n - 1, before: n + 1 }, { limit: 1 })) return row;
  return undefined;
}
