import { DUPLICATE_WITHIN_MS } from "../core/delivery.ts";
import type { NativeDatabase, SqlValue } from "./engine.ts";
import type { NewAttempt } from "./forward.ts";
import type { Appended, NewEntry } from "./log.ts";
import { listText, numberOf } from "./row.ts";
import { DELIVERED, FAILED, hasEarlier, WAITING } from "./schema.ts";

/** Prepares the writes of arriving deliveries and attempts. What they return runs inside a transaction. */
export function appender(database: NativeDatabase) {
  const findOriginal = database.prepare(
    `SELECT n FROM deliveries
     WHERE identity = ? AND accepted = 1 AND duplicate_of IS NULL AND received_at >= ?
       AND (status IS NULL OR status < 300) ORDER BY n LIMIT 1`,
  );
  const addDelivery = database.prepare(
    `INSERT INTO deliveries (received_at, method, url, remote, product, format, event, known, accepted, invalid, status,
       refusal, identity, duplicate_of, records, verdicts, issues)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const addContent = database.prepare("INSERT INTO contents (n, headers, body) VALUES (?, ?, ?)");
  const addForward = database.prepare(
    `INSERT INTO forwards (n, target, state, due_at, order_key) VALUES (?, ?, ${WAITING}, ?, ?)`,
  );
  const findEarlier = database.prepare(
    `WITH this (target, order_key) AS (VALUES (?, ?)) SELECT 1 FROM this WHERE ${hasEarlier("")}`,
  );
  const setAnswer = database.prepare("UPDATE deliveries SET status = ?, refusal = ? WHERE n = ?");
  const endUnanswered = database.prepare(
    "UPDATE deliveries SET status = 502, refusal = ? WHERE status IS NULL AND accepted = 1",
  );
  const lastAttempt = database.prepare(
    "SELECT coalesce(max(attempt), 0) AS attempt FROM attempts WHERE n = ? AND target = ?",
  );
  const mend = database.prepare(
    `UPDATE forwards SET state = ${DELIVERED} WHERE n = ? AND target = ? AND state IN (${WAITING}, ${FAILED})`,
  );
  const refuse = database.prepare("UPDATE deliveries SET accepted = 0, status = 503, refusal = ? WHERE n = ?");
  const dropForwards = database.prepare("DELETE FROM forwards WHERE n = ?");
  const addAttempt = database.prepare(
    "INSERT INTO attempts (n, attempt, target, at, status, latency_ms, error, reply) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
  );

  function forward(n: number, entry: NewEntry, target: string): Appended["forwards"][number] {
    const { orderKey = null, claim } = entry.forward ?? {};
    const claimed = claim === true && (orderKey === null || findEarlier.get(target, orderKey) === undefined);
    const added = addForward.run(n, target, entry.receivedAt.getTime(), orderKey);
    return { id: Number(added.lastInsertRowid), n, target, claimed };
  }

  return {
    append(values: EntryValues): Appended {
      const { entry, receivedAt, identity } = values;
      const original = identity === null ? undefined : findOriginal.get(identity, receivedAt - DUPLICATE_WITHIN_MS);
      const duplicateOf = original === undefined ? undefined : numberOf(original, "n");
      const added = addDelivery.run(receivedAt, ...values.before, identity, duplicateOf ?? null, ...values.after);
      const n = Number(added.lastInsertRowid);
      addContent.run(n, values.headers, entry.delivery.body);
      const targets = entry.forward?.targets ?? [];
      return { n, duplicateOf, forwards: targets.map((target) => forward(n, entry, target)) };
    },
    /** Of a delivery that was committed, and whose sender was told that it was not kept. */
    refuse(n: number): void {
      refuse.run("it could not be brought to the disk", n);
      dropForwards.run(n);
    },
    setAnswer(n: number, status: number, refusal: string | undefined): void {
      setAnswer.run(status, refusal ?? null, n);
    },
    endUnanswered(): number {
      return Number(endUnanswered.run("listen ended before the app had answered").changes);
    },
    recordAttempt(n: number, made: NewAttempt): number {
      const row = lastAttempt.get(n, made.target);
      const attempt = (row === undefined ? 0 : numberOf(row, "attempt")) + 1;
      const { status = null, error = null, reply = null } = made;
      addAttempt.run(n, attempt, made.target, made.at.getTime(), status, made.latencyMs, error, reply);
      if (made.mends === true) mend.run(n, made.target);
      return attempt;
    },
  };
}

/** A delivery as column values, made once and outside of the transaction, which may run twice. */
export interface EntryValues {
  readonly entry: NewEntry;
  readonly receivedAt: number;
  readonly identity: string | null;
  readonly headers: string;
  /** The columns from `method` to `refusal`, and from `records` to `issues`. */
  readonly before: readonly SqlValue[];
  readonly after: readonly SqlValue[];
}

export function entryValues(entry: NewEntry): EntryValues {
  const { delivery, receipt } = entry;
  const issues = receipt.schema?.issues ?? [];
  const invalid =
    receipt.problem !== undefined || issues.length > 0 || receipt.verdicts.some(({ verdict }) => verdict === "failed");
  return {
    entry,
    receivedAt: entry.receivedAt.getTime(),
    identity: receipt.identity ?? null,
    headers: JSON.stringify(delivery.headers),
    before: [
      delivery.method,
      delivery.url,
      entry.remote ?? null,
      receipt.product ?? null,
      receipt.format ?? null,
      receipt.event ?? null,
      receipt.known ? 1 : 0,
      entry.accepted ? 1 : 0,
      invalid ? 1 : 0,
      entry.status ?? null,
      entry.refusal ?? null,
    ],
    // Null stands for "not checked" here, so that no view claims a schema that was never looked at.
    after: [
      listText(receipt.records),
      listText(receipt.verdicts),
      receipt.schema === undefined ? null : JSON.stringify(issues),
    ],
  };
}
