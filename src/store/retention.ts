import type { NativeDatabase } from "./engine.ts";
import type { GroupCommit } from "./group-commit.ts";
import type { Pruned, Retention } from "./log.ts";
import { numberOf } from "./read.ts";
import { DELIVERED } from "./schema.ts";

/** Few enough that a receiver hardly notices the transaction. */
const BATCH_ROWS = 500;
/** A full log is brought this far below its limit, so that pruning is not needed again at once. */
const LEAVE_SHARE = 0.9;
const VACUUM_PAGES = 500;
/** What a delivery takes beside its body and headers: verdicts, indexes, an attempt. */
export const ROW_BYTES = 1000;

interface Batch {
  readonly removed: number;
  /** What the next one begins behind, so that what stays is not looked at again and again. */
  readonly after: readonly number[];
}

/**
 * Removes the oldest deliveries, batch by batch with others' writes between, and gives their room back to the disk. Once
 * `signal` aborts it ends with the batch that is under way.
 */
export async function prune(
  database: NativeDatabase,
  commits: GroupCommit,
  { keepMs, maxBytes }: Retention,
  now: () => Date,
  signal?: AbortSignal,
): Promise<Pruned> {
  const settled = `NOT EXISTS (SELECT 1 FROM forwards WHERE forwards.n = deliveries.n AND state < ${DELIVERED})`;
  const oldest = database.prepare(
    // The length of a BLOB is known without reading it.
    `SELECT n, coalesce(length(body) + length(headers), 0) AS bytes FROM deliveries LEFT JOIN contents USING (n)
     WHERE n > ? AND ${settled} ORDER BY n LIMIT ?`,
  );
  const expired = database.prepare(
    `SELECT n, received_at FROM deliveries
     WHERE received_at < ? AND (received_at, n) > (?, ?) AND ${settled} ORDER BY received_at, n LIMIT ?`,
  );
  const removals = ["contents", "attempts", "forwards", "deliveries"].map((table) =>
    database.prepare(`DELETE FROM ${table} WHERE n = ?`),
  );
  const remove = (n: number): void => {
    for (const removal of removals) removal.run(n);
  };
  const removeExpired = (before: number, [at = Number.MIN_SAFE_INTEGER, n = 0]: readonly number[]): Batch => {
    const rows = expired.all(before, at, n, BATCH_ROWS);
    for (const row of rows) remove(numberOf(row, "n"));
    const last = rows.at(-1);
    return {
      removed: rows.length,
      after: last === undefined ? [] : [numberOf(last, "received_at"), numberOf(last, "n")],
    };
  };
  const removeOldest = (goalBytes: number, [after = 0]: readonly number[]): Batch => {
    let surplus = usedBytes(database) - goalBytes;
    let removed = 0;
    let last = after;
    for (const row of surplus > 0 ? oldest.all(after, BATCH_ROWS) : []) {
      if (surplus <= 0) break;
      last = numberOf(row, "n");
      remove(last);
      removed++;
      surplus -= numberOf(row, "bytes") + ROW_BYTES;
    }
    return { removed, after: [last] };
  };

  // One that was still under way when its delivery was removed is recorded behind it, and counts in statistics.
  const strays = database.prepare(
    `DELETE FROM attempts WHERE id IN (SELECT id FROM attempts
     WHERE n < coalesce((SELECT min(n) FROM deliveries), ${Number.MAX_SAFE_INTEGER}) LIMIT ${BATCH_ROWS})`,
  );
  const removeStrays = (): Batch => ({ removed: Number(strays.run().changes), after: [] });

  const repeat = async (next: (after: readonly number[]) => Batch): Promise<number> => {
    let removed = 0;
    let batch: Batch = { removed: 0, after: [] };
    do {
      const { after } = batch;
      batch = await commits.write(() => next(after));
      removed += batch.removed;
    } while (batch.removed > 0 && signal?.aborted !== true);
    return removed;
  };
  let removed = 0;
  if (keepMs !== undefined) {
    const before = now().getTime() - keepMs;
    removed += await repeat((after) => removeExpired(before, after));
  }
  if (maxBytes !== undefined && usedBytes(database) > maxBytes && signal?.aborted !== true) {
    removed += await repeat((after) => removeOldest(maxBytes * LEAVE_SHARE, after));
  }
  if (signal?.aborted !== true) await repeat(removeStrays);
  await shrink(database, commits, signal);
  return { removed, bytes: usedBytes(database) };
}

/** Also what an earlier run was not let finish. A file that was made to keep its free pages keeps them. */
async function shrink(database: NativeDatabase, commits: GroupCommit, signal?: AbortSignal): Promise<void> {
  let before = Number.POSITIVE_INFINITY;
  for (;;) {
    const free = pragma(database, "freelist_count");
    if (free === 0 || free >= before || signal?.aborted === true) return;
    before = free;
    await commits.write(() => database.exec(`PRAGMA incremental_vacuum(${VACUUM_PAGES})`));
  }
}

function usedBytes(database: NativeDatabase): number {
  return (pragma(database, "page_count") - pragma(database, "freelist_count")) * pragma(database, "page_size");
}

function pragma(database: NativeDatabase, name: "page_count" | "page_size" | "freelist_count"): number {
  return numberOf(database.prepare(`PRAGMA ${name}`).get() ?? {}, name);
}
