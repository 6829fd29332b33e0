import { chosenNames } from "../../core/mask.ts";
import type { Verdict } from "../../core/product.ts";
import type { LogRow } from "../log.ts";
import type { NativeDatabase, SqlRow } from "./engine.ts";
import { Damage, orDamage } from "./fault.ts";
import { dateOf, isText, isVerdict, listOf, maybeNumber, maybeText, numberOf, readState, textOf } from "./read.ts";
import { STATE } from "./schema.ts";

/** Reads lines of a list, without bodies. */
export function createRowReader(database: NativeDatabase) {
  const after = database.prepare(`SELECT ${ROW_COLUMNS} FROM deliveries WHERE n > ? ORDER BY n LIMIT ?`);
  const one = database.prepare(`SELECT ${ROW_COLUMNS} FROM deliveries WHERE n = ?`);
  return {
    /** Undefined where one of them cannot be read: `readAll` then finds out which. */
    after(n: number, limit: number): readonly LogRow[] | undefined {
      const rows = orDamage(() => after.all(n, limit).map(readRow));
      return rows instanceof Damage ? undefined : rows;
    },
    row(n: number): LogRow | undefined {
      const found = one.get(n);
      return found && readRow(found);
    },
  };
}

/**
 * The columns that `readRow` reads. Verdicts are not parsed: within a JSON text quotes are escaped, so these patterns match
 * nothing else.
 */
export const ROW_COLUMNS = `deliveries.n, received_at, method, url, product, format, event, status, duplicate_of, records,
  issues IS NOT NULL AS checked, issues <> '[]' AS flawed,
  CASE WHEN instr(verdicts, '"verdict":"failed"') > 0 THEN 'failed'
    WHEN instr(verdicts, '"verdict":"passed"') > 0 THEN 'passed' ELSE 'none' END AS proof,
  CASE WHEN instr(verdicts, '"secretIn":') > 0 THEN verdicts END AS choosing,
  (SELECT length(body) FROM contents WHERE contents.n = deliveries.n) AS bytes, ${STATE} AS outcome`;

export function readRow(row: SqlRow): LogRow {
  return {
    n: numberOf(row, "n"),
    receivedAt: dateOf(row, "received_at"),
    method: textOf(row, "method"),
    url: textOf(row, "url"),
    product: maybeText(row, "product"),
    format: maybeText(row, "format"),
    event: maybeText(row, "event"),
    records: listOf<string>(row, "records", isText),
    duplicateOf: maybeNumber(row, "duplicate_of"),
    status: maybeNumber(row, "status"),
    state: readState(row),
    proof: row.proof === "failed" || row.proof === "passed" ? row.proof : "none",
    schemaOk: row.checked === 1 ? row.flawed !== 1 : undefined,
    bytes: maybeNumber(row, "bytes") ?? 0,
    chosen: row.choosing === null ? [] : chosenNames(listOf<Verdict>(row, "choosing", isVerdict)),
  };
}
