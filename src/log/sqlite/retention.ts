import { setImmediate } from "node:timers/promises";
import type { Pruned, Retention } from "../log.ts";
import { BATCH_ROWS, BYTES, NOT_WAITING, PRUNING_ORDER, REJECTED, REJECTED_SHARE, TARGET_SHARE } from "../retention.ts";
import { maybeNumber, numberOf } from "../rows.ts";
import { pragma } from "./database.ts";
import type { NativeDatabase } from "./engine.ts";
import type { GroupCommit } from "./group-commit.ts";

const VACUUM_PAGES = 500;

interface PruneOptions {
  readonly database: NativeDatabase;
  readonly commits: GroupCommit;
  readonly limits: Retention;
  now(): Date;
  /** Ends pruning after the current batch. */
  readonly signal?: AbortSignal | undefined;
}

interface Batch<T> {
  readonly removed: number;
  /** Start of the next one, so that deliveries that stay are not read again and again; undefined after the last. */
  readonly next: T | undefined;
}

/** Removes deliveries beyond the limits in batches, with other writes between them, and returns their space to the disk. */
export async function prune({ database, commits, limits, now, signal }: PruneOptions): Promise<Pruned> {
  const { keepMs, after = 0, maxBytes } = limits;
  const expired = database.prepare(
    `SELECT n, received_at FROM deliveries
     WHERE received_at < ? AND (received_at, n) > (?, ?) AND n > ? AND ${NOT_WAITING} ORDER BY received_at, n LIMIT ${BATCH_ROWS}`,
  );
  // An attempt that ended after its delivery was removed would count in the statistics.
  const orphans = database.prepare(
    `DELETE FROM attempts WHERE id IN (SELECT id FROM attempts
     WHERE n < coalesce((SELECT min(n) FROM deliveries), ${Number.MAX_SAFE_INTEGER}) LIMIT ${BATCH_ROWS})`,
  );
  const deletions = ["contents", "attempts", "forwards", "deliveries"].map((table) =>
    database.prepare(`DELETE FROM ${table} WHERE n = ?`),
  );
  const isAborted = (): boolean => signal?.aborted === true;
  let removed = 0;

  function remove(n: number): void {
    for (const deletion of deletions) deletion.run(n);
  }

  async function repeat<T>(start: T, removeBatch: (from: T) => Batch<T>): Promise<void> {
    let from: T | undefined = start;
    while (from !== undefined) {
      const at: T = from;
      const batch = await commits.write(() => removeBatch(at));
      removed += batch.removed;
      from = isAborted() ? undefined : batch.next;
    }
  }

  function removeExpired(before: number): Promise<void> {
    return repeat({ at: Number.MIN_SAFE_INTEGER, n: 0 }, ({ at, n }) => {
      const rows = expired.all(before, at, n, after);
      for (const row of rows) remove(numberOf(row, "n"));
      const last = rows.at(-1);
      const next = last && { at: numberOf(last, "received_at"), n: numberOf(last, "n") };
      return { removed: rows.length, next };
    });
  }

  /** `surplus`: how many bytes are still to go after some have gone. */
  function removeOldest(
    { among, chosen }: (typeof PRUNING_ORDER)[number],
    surplus: (gone: number) => number,
  ): Promise<void> {
    // Reads a bounded number of rows, however many of them stay.
    const oldest = database.prepare(
      `SELECT n, CASE WHEN ${chosen} THEN ${BYTES} END AS bytes FROM deliveries
       WHERE n > ? AND ${among} ORDER BY n LIMIT ${BATCH_ROWS}`,
    );
    return repeat({ n: 0, gone: 0 }, ({ n, gone }) => {
      let left = surplus(gone);
      const rows = left > 0 ? oldest.all(n) : [];
      let last = n;
      let count = 0;
      for (const row of rows) {
        if (left <= 0) break;
        last = numberOf(row, "n");
        const bytes = maybeNumber(row, "bytes");
        if (bytes === undefined) continue;
        remove(last);
        count++;
        left -= bytes;
        gone += bytes;
      }
      return { removed: count, next: rows.length === 0 ? undefined : { n: last, gone } };
    });
  }

  /** The size of all rejected deliveries, read in parts. */
  async function rejectedBytes(): Promise<number> {
    const part = database.prepare(
      `SELECT max(n) AS last, total(bytes) AS bytes FROM
         (SELECT n, ${BYTES} AS bytes FROM deliveries WHERE n > ? AND ${REJECTED} ORDER BY n LIMIT ${BATCH_ROWS})`,
    );
    let sum = 0;
    for (let n: number | undefined = 0; n !== undefined; await setImmediate()) {
      const row = part.get(n) ?? {};
      sum += numberOf(row, "bytes");
      n = maybeNumber(row, "last");
    }
    return sum;
  }

  if (keepMs !== undefined) await removeExpired(now().getTime() - keepMs);
  if (maxBytes !== undefined && !isAborted()) {
    const surplus = (await rejectedBytes()) - maxBytes * REJECTED_SHARE;
    await removeOldest(PRUNING_ORDER[0], (gone) => surplus - gone);
    if (usedBytes(database) > maxBytes)
      for (const each of PRUNING_ORDER)
        if (!isAborted()) await removeOldest(each, () => usedBytes(database) - maxBytes * TARGET_SHARE);
  }
  if (!isAborted()) await repeat(true, () => ({ removed: 0, next: Number(orphans.run().changes) > 0 || undefined }));
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
