import { DUPLICATE_WINDOW_MS } from "../../delivery/delivery.ts";
import type { Pruned, Retention } from "../log.ts";
import {
  BATCH_ROWS,
  BYTES,
  NOT_WAITING,
  PRUNING_ORDER,
  REJECTED,
  REJECTED_SHARE,
  ROW_BYTES,
  TARGET_SHARE,
} from "../retention.ts";
import { maybeNumber, numberOf, type SqlRow } from "../rows.ts";
import type { Database } from "./connect.ts";
import { identityKey } from "./schema.ts";

interface PruneOptions {
  readonly limits: Retention;
  now(): Date;
  /** Ends pruning after the current batch. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Removes deliveries beyond the limits in batches. Their space is used again, but not returned to the disk: so a log that is
 * too large by its files is measured by what is in it.
 */
export async function prune(database: Database, { limits, now, signal }: PruneOptions): Promise<Pruned> {
  const { keepMs, after = 0, maxBytes } = limits;
  const write = (sql: string, values: readonly number[] = []) => database.query("work", sql, values);
  let removed = 0;

  /** Removes the rows of the table expression `chosen`, and returns a row of the sums over it that are asked for. */
  async function remove(tables: string, sums: string, values: readonly number[]): Promise<SqlRow> {
    const [row = {}] = await write(
      `WITH ${tables},
       gone AS (DELETE FROM deliveries USING chosen WHERE deliveries.n = chosen.n RETURNING deliveries.n, identity),
       i AS (DELETE FROM identities USING gone WHERE identities.identity = ${identityKey("gone.identity")} AND identities.n = gone.n),
       c AS (DELETE FROM contents USING gone WHERE contents.n = gone.n),
       a AS (DELETE FROM attempts USING gone WHERE attempts.n = gone.n),
       f AS (DELETE FROM forwards USING gone WHERE forwards.n = gone.n)
       SELECT (SELECT count(*) FROM gone) AS removed, ${sums}`,
      values,
    );
    removed += numberOf(row, "removed");
    return row;
  }

  async function removeExpired(before: number): Promise<void> {
    let from: readonly number[] | undefined = [Number.MIN_SAFE_INTEGER, 0];
    do {
      const row: SqlRow = await remove(
        `chosen AS MATERIALIZED (SELECT n, received_at FROM deliveries
           WHERE received_at < ? AND (received_at, n) > (?::bigint, ?::bigint) AND n > ?::bigint AND ${NOT_WAITING}
           ORDER BY received_at, n LIMIT ${BATCH_ROWS}),
         last AS (SELECT * FROM chosen ORDER BY received_at DESC, n DESC LIMIT 1)`,
        "(SELECT received_at FROM last) AS received_at, (SELECT n FROM last) AS n",
        [before, ...from, after],
      );
      from = row.n === null ? undefined : [numberOf(row, "received_at"), numberOf(row, "n")];
    } while (from !== undefined && signal?.aborted !== true);
  }

  /** Resolves to how many of the bytes are still too many. */
  async function removeOldest({ among, chosen }: (typeof PRUNING_ORDER)[number], surplus: number): Promise<number> {
    let left = surplus;
    for (let after: number | undefined = 0; after !== undefined && left > 0 && signal?.aborted !== true; ) {
      const row: SqlRow = await remove(
        // Reads a bounded number of rows, however many of them stay.
        `scanned AS MATERIALIZED (SELECT n, CASE WHEN ${chosen} THEN ${BYTES} END AS bytes FROM deliveries
           WHERE n > ? AND ${among} ORDER BY n LIMIT ${BATCH_ROWS}),
         chosen AS MATERIALIZED (SELECT n, bytes FROM
           (SELECT n, bytes, sum(bytes) OVER (ORDER BY n) - bytes AS before FROM scanned WHERE bytes IS NOT NULL) AS summed
           WHERE before < ?)`,
        "(SELECT coalesce(sum(bytes), 0)::bigint FROM chosen) AS bytes, (SELECT max(n) FROM scanned) AS last",
        [after, left],
      );
      left -= numberOf(row, "bytes");
      after = maybeNumber(row, "last");
    }
    return left;
  }

  if (keepMs !== undefined) await removeExpired(now().getTime() - keepMs);
  let bytes = await fileBytes(database);
  if (maxBytes !== undefined && signal?.aborted !== true) {
    const rejected = (await rejectedBytes(database)) - maxBytes * REJECTED_SHARE;
    await removeOldest(PRUNING_ORDER[0], Math.ceil(rejected));
    if (bytes > maxBytes) {
      bytes = await usedBytes(database);
      const surplus = bytes > maxBytes ? Math.ceil(bytes - maxBytes * TARGET_SHARE) : 0;
      let left = surplus;
      for (const each of PRUNING_ORDER) left = await removeOldest(each, left);
      bytes -= surplus - left;
    }
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
      `SELECT coalesce((SELECT sum(${ROW_BYTES} + octet_length(url) + coalesce(octet_length(records), 0)) FROM deliveries)
         + (SELECT sum(octet_length(headers) + octet_length(body)::bigint) FROM contents), 0)::bigint AS bytes`,
    ),
  );
}

async function rejectedBytes({ read }: Database): Promise<number> {
  return bytesOf(await read(`SELECT coalesce(sum(${BYTES}), 0)::bigint AS bytes FROM deliveries WHERE ${REJECTED}`));
}

function bytesOf([row]: readonly SqlRow[]): number {
  return row === undefined ? 0 : numberOf(row, "bytes");
}
