import type { NativeDatabase } from "./engine.ts";
import type { GroupCommit } from "./group-commit.ts";
import type { Pruned, Retention } from "./log.ts";
import { numberOf } from "./row.ts";
import { DELIVERED } from "./schema.ts";

/** Few enough that a receiver hardly notices the transaction. */
const BATCH_ROWS = 500;
/** A full log is brought this far below its limit, so that pruning is not needed again at once. */
const LEAVE_SHARE = 0.9;
const VACUUM_PAGES = 500;

/** Removes the oldest deliveries, batch by batch with others' writes between, and gives their room back to the disk. */
export async function prune(
  database: NativeDatabase,
  commits: GroupCommit,
  limits: Retention,
  now: () => Date,
): Promise<Pruned> {
  const settled = `NOT EXISTS (SELECT 1 FROM forwards WHERE forwards.n = deliveries.n AND state < ${DELIVERED})`;
  const oldest = database.prepare(`SELECT n FROM deliveries WHERE ${settled} ORDER BY n LIMIT ?`);
  const expired = database.prepare(
    `SELECT n FROM deliveries WHERE received_at < ? AND ${settled} ORDER BY received_at LIMIT ?`,
  );
  const span = database.prepare(
    // Two subqueries, for of `max` and `min` in one SQLite would read the whole table.
    "SELECT coalesce((SELECT max(n) FROM deliveries) - (SELECT min(n) FROM deliveries) + 1, 0) AS count",
  );
  const removals = ["contents", "attempts", "forwards", "deliveries"].map((table) =>
    database.prepare(`DELETE FROM ${table} WHERE n = ?`),
  );
  const removeAll = (numbers: readonly number[]): number => {
    for (const n of numbers) for (const removal of removals) removal.run(n);
    return numbers.length;
  };
  const removeExpired = (before: number): number =>
    removeAll(expired.all(before, BATCH_ROWS).map((row) => numberOf(row, "n")));
  const removeOldest = (goalBytes: number): number => {
    const bytes = usedBytes(database);
    if (bytes <= goalBytes) return 0;
    const count = numberOf(span.get() ?? { count: 0 }, "count");
    // The share of the deliveries that is too much, by the mean of their sizes.
    const surplus = Math.ceil(count * (1 - goalBytes / bytes));
    return removeAll(oldest.all(Math.min(BATCH_ROWS, surplus)).map((row) => numberOf(row, "n")));
  };

  let removed = 0;
  const repeat = async (batch: () => number): Promise<void> => {
    for (;;) {
      const count = await commits.write(batch);
      removed += count;
      if (count === 0) return;
    }
  };
  const { keepMs, maxBytes } = limits;
  if (keepMs !== undefined) await repeat(() => removeExpired(now().getTime() - keepMs));
  if (maxBytes !== undefined && usedBytes(database) > maxBytes) {
    await repeat(() => removeOldest(maxBytes * LEAVE_SHARE));
  }
  if (removed > 0) await shrink(database, commits);
  return { removed, bytes: usedBytes(database) };
}

async function shrink(database: NativeDatabase, commits: GroupCommit): Promise<void> {
  while (pragma(database, "freelist_count") > 0) {
    await commits.write(() => database.exec(`PRAGMA incremental_vacuum(${VACUUM_PAGES})`));
  }
}

function usedBytes(database: NativeDatabase): number {
  return (pragma(database, "page_count") - pragma(database, "freelist_count")) * pragma(database, "page_size");
}

function pragma(database: NativeDatabase, name: "page_count" | "page_size" | "freelist_count"): number {
  return numberOf(database.prepare(`PRAGMA ${name}`).get() ?? {}, name);
}
