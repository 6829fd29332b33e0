import type { Pruned, Retention } from "../log.ts";
import { numberOf } from "../rows.ts";
import { DELIVERED } from "../states.ts";
import { pragma } from "./database.ts";
import type { NativeDatabase } from "./engine.ts";
import type { GroupCommit } from "./group-commit.ts";

/** Few enough that a transaction hardly delays a receiver. */
const BATCH_ROWS = 500;
/** A full log is reduced this far below its limit, so that it is not pruned again at once. */
const TARGET_SHARE = 0.9;
const VACUUM_PAGES = 500;
/** The size of a delivery without body and headers: verdicts, indexes, an attempt. */
export const ROW_BYTES = 1000;

interface PruneOptions {
  readonly database: NativeDatabase;
  readonly commits: GroupCommit;
  readonly limits: Retention;
  now(): Date;
  /** Ends pruning after the current batch. */
  readonly signal?: AbortSignal | undefined;
}

interface Batch {
  readonly removed: number;
  /** Where the next one begins, so that deliveries that stay are not read again and again. */
  readonly after: readonly number[];
}

/** Removes the oldest deliveries in batches, with other writes between them, and returns their space to the disk. */
export async function prune({ database, commits, limits, now, signal }: PruneOptions): Promise<Pruned> {
  const { keepMs, maxBytes } = limits;
  const notWaiting = `NOT EXISTS (SELECT 1 FROM forwards WHERE forwards.n = deliveries.n AND state < ${DELIVERED})`;
  const oldest = database.prepare(
    // The length of a BLOB is known without reading it.
    `SELECT n, coalesce(length(body) + length(headers), 0) AS bytes FROM deliveries LEFT JOIN contents USING (n)
     WHERE n > ? AND ${notWaiting} ORDER BY n LIMIT ?`,
  );
  const expired = database.prepare(
    `SELECT n, received_at FROM deliveries
     WHERE received_at < ? AND (received_at, n) > (?, ?) AND ${notWaiting} ORDER BY received_at, n LIMIT ?`,
  );
  // An attempt that ended after its delivery was removed would count in the statistics.
  const orphans = database.prepare(
    `DELETE FROM attempts WHERE id IN (SELECT id FROM attempts
     WHERE n < coalesce((SELECT min(n) FROM deliveries), ${Number.MAX_SAFE_INTEGER}) LIMIT ${BATCH_ROWS})`,
  );
  const deletions = ["contents", "attempts", "forwards", "deliveries"].map((table) =>
    database.prepare(`DELETE FROM ${table} WHERE n = ?`),
  );

  function remove(n: number): void {
    for (const deletion of deletions) deletion.run(n);
  }

  function removeExpired(before: number, [at = Number.MIN_SAFE_INTEGER, n = 0]: readonly number[]): Batch {
    const rows = expired.all(before, at, n, BATCH_ROWS);
    for (const row of rows) remove(numberOf(row, "n"));
    const last = rows.at(-1);
    const after = last === undefined ? [] : [numberOf(last, "received_at"), numberOf(last, "n")];
    return { removed: rows.length, after };
  }

  function removeOldest(targetBytes: number, [after = 0]: readonly number[]): Batch {
    let surplus = usedBytes(database) - targetBytes;
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
  }

  async function repeat(removeBatch: (after: readonly number[]) => Batch): Promise<number> {
    let removed = 0;
    let batch: Batch = { removed: 0, after: [] };
    do {
      const { after } = batch;
      batch = await commits.write(() => removeBatch(after));
      removed += batch.removed;
    } while (batch.removed > 0 && signal?.aborted !== true);
    return removed;
  }

  let removed = 0;
  if (keepMs !== undefined) {
    const before = now().getTime() - keepMs;
    removed += await repeat((after) => removeExpired(before, after));
  }
  if (maxBytes !== undefined && usedBytes(database) > maxBytes && signal?.aborted !== true) {
    removed += await repeat((after) => removeOldest(maxBytes * TARGET_SHARE, after));
  }
  if (signal?.aborted !== true) await repeat(() => ({ removed: Number(orphans.run().changes), after: [] }));
  await shrink(database, commits, signal);
  return { removed, bytes: usedBytes(database) };
}

/** Frees unused pages, also those of an earlier run. A file that was not created for this keeps them. */
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
