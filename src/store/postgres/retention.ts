import { DUPLICATE_WINDOW_MS } from "../../body/delivery.ts";
import type { Pruned, Retention } from "../log.ts";
import { numberOf, type SqlRow } from "../rows.ts";
import { DELIVERED } from "../states.ts";
import type { Database } from "./connect.ts";
import { identityKey } from "./schema.ts";

/** Few enough that a transaction holds up nobody. */
const BATCH_ROWS = 500;
/** A full log is reduced this far below its limit, so that it is not pruned again at once. */
const TARGET_SHARE = 0.9;
/** The size of a delivery without body and headers: verdicts, indexes, an attempt. */
const ROW_BYTES = 1000;

interface PruneOptions {
  readonly limits: Retention;
  now(): Date;
  /** Ends pruning after the current batch. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Removes the oldest deliveries in batches. Their space is used again, but not returned to the disk: so a log that is too large
 * by its files is measured by what is in it.
 */
export async function prune(database: Database, { limits, now, signal }: PruneOptions): Promise<Pruned> {
  const { keepMs, maxBytes } = limits;
  const notWaiting = `NOT EXISTS (SELECT 1 FROM forwards WHERE forwards.n = deliveries.n AND state < ${DELIVERED})`;
  const write = (sql: string, values: readonly number[] = []) => database.query("work", sql, values);
  let removed = 0;

  /** Removes some that a query chooses. Resolves to where the next batch begins; undefined after the last. */
  async function remove(chosen: string, values: readonly number[]) {
    const rows = await write(
      `WITH chosen AS MATERIALIZED (${chosen}),
       gone AS (DELETE FROM deliveries USING chosen WHERE deliveries.n = chosen.n RETURNING deliveries.n, identity),
       i AS (DELETE FROM identities USING gone WHERE identities.identity = ${identityKey("gone.identity")} AND identities.n = gone.n),
       c AS (DELETE FROM contents USING gone WHERE contents.n = gone.n),
       a AS (DELETE FROM attempts USING gone WHERE attempts.n = gone.n),
       f AS (DELETE FROM forwards USING gone WHERE forwards.n = gone.n)
       SELECT chosen.* FROM chosen JOIN gone USING (n) ORDER BY received_at, n`,
      values,
    );
    removed += rows.length;
    return rows;
  }

  async function removeExpired(before: number): Promise<void> {
    let after: readonly number[] | undefined = [Number.MIN_SAFE_INTEGER, 0];
    do {
      const rows = await remove(
        `SELECT n, received_at FROM deliveries WHERE received_at < ? AND (received_at, n) > (?::bigint, ?::bigint)
         AND ${notWaiting} ORDER BY received_at, n LIMIT ${BATCH_ROWS}`,
        [before, ...after],
      );
      const last = rows.at(-1);
      after = last && [numberOf(last, "received_at"), numberOf(last, "n")];
    } while (after !== undefined && signal?.aborted !== true);
  }

  async function removeOldest(surplus: number): Promise<number> {
    let [left, after] = [surplus, 0];
    while (left > 0) {
      const rows = await remove(
        `SELECT n, received_at, bytes FROM (
           SELECT n, received_at, bytes, sum(bytes) OVER (ORDER BY n) - bytes AS before FROM (
             SELECT n, received_at, coalesce(length(body) + octet_length(headers), 0) + ${ROW_BYTES} AS bytes
             FROM deliveries LEFT JOIN contents USING (n) WHERE n > ? AND ${notWaiting} ORDER BY n LIMIT ${BATCH_ROWS}
           ) AS oldest) AS summed WHERE before < ?`,
        [after, left],
      );
      if (rows.length === 0) break;
      left -= rows.reduce((sum, row) => sum + numberOf(row, "bytes"), 0);
      after = Math.max(...rows.map((row) => numberOf(row, "n")));
      if (signal?.aborted === true) break;
    }
    return left;
  }

  if (keepMs !== undefined) await removeExpired(now().getTime() - keepMs);
  let bytes = await fileBytes(database);
  if (maxBytes !== undefined && bytes > maxBytes && signal?.aborted !== true) {
    bytes = await usedBytes(database);
    const surplus = bytes > maxBytes ? Math.ceil(bytes - maxBytes * TARGET_SHARE) : 0;
    bytes -= surplus - (await removeOldest(surplus));
  }
  if (signal?.aborted !== true) {
    // An attempt that ended after its delivery was removed would count in the statistics.
    await repeat(
      `DELETE FROM attempts WHERE id IN (SELECT id FROM attempts
       WHERE n < coalesce((SELECT min(n) FROM deliveries), ${Number.MAX_SAFE_INTEGER}) LIMIT ${BATCH_ROWS}) RETURNING id`,
    );
    const before = now().getTime() - DUPLICATE_WINDOW_MS;
    await repeat(
      // Twice, for a receiver may have found a new original after the inner query.
      `DELETE FROM identities WHERE received_at < ? AND identity IN (SELECT identity FROM identities
       WHERE received_at < ? LIMIT ${BATCH_ROWS}) RETURNING n`,
      [before, before],
    );
  }
  return { removed, bytes };

  async function repeat(sql: string, values: readonly number[] = []): Promise<void> {
    while ((await write(sql, values)).length > 0 && signal?.aborted !== true);
  }
}

async function fileBytes({ read }: Database): Promise<number> {
  const tables = ["deliveries", "contents", "identities", "forwards", "attempts"];
  const sizes = tables.map((table) => `pg_total_relation_size('${table}')`);
  return bytesOf(await read(`SELECT ${sizes.join(" + ")} AS bytes`));
}

async function usedBytes({ read }: Database): Promise<number> {
  return bytesOf(
    await read(
      `SELECT coalesce(sum(length(body)::bigint + octet_length(headers) + ${ROW_BYTES}), 0)::bigint AS bytes FROM contents`,
    ),
  );
}

function bytesOf([row]: readonly SqlRow[]): number {
  return row === undefined ? 0 : numberOf(row, "bytes");
}
