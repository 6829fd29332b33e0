import { DUPLICATE_WINDOW_MS } from "../../delivery/delivery.ts";
import type { Appended, ClaimRef, NewAttempt, NewEntry } from "../log.ts";
import { keptBody } from "../retention.ts";
import { deliveryRow, numberOf } from "../rows.ts";
import { DELIVERED, failDelivered, WAITING } from "../states.ts";
import type { NativeDatabase } from "./engine.ts";

/** A delivery that takes as much room as a small real one. */
const PROBE = `
  SAVEPOINT probe;
  INSERT INTO deliveries (received_at, method, url, known, accepted, invalid, status, verdicts)
    VALUES (${Number.MAX_SAFE_INTEGER}, '', '', 0, 0, 0, 200, hex(zeroblob(500)));
  INSERT INTO contents (n, headers, body) VALUES (last_insert_rowid(), '[]', zeroblob(1000));
  ROLLBACK TO probe;
  RELEASE probe`;

/** The writes for new deliveries and attempts. They must run inside a transaction. */
export class Appender {
  readonly #database: NativeDatabase;
  readonly #sql: ReturnType<typeof statements>;

  constructor(database: NativeDatabase) {
    this.#database = database;
    this.#sql = statements(database);
  }

  append(entry: NewEntry): Appended {
    const { delivery, forward } = entry;
    const row = deliveryRow(entry);
    const { received_at: at, identity } = row;
    const original = identity === null ? undefined : this.#sql.findOriginal.get(identity, at - DUPLICATE_WINDOW_MS);
    const duplicateOf = original === undefined ? undefined : numberOf(original, "n");
    const added = this.#sql.addDelivery.run(
      at,
      row.method,
      row.url,
      row.remote,
      row.product,
      row.format,
      row.event,
      row.known,
      row.accepted,
      row.invalid,
      row.status,
      row.refusal,
      identity,
      duplicateOf ?? null,
      row.records,
      row.verdicts,
      row.issues,
      row.reconstructed,
    );
    const n = Number(added.lastInsertRowid);
    this.#sql.addContent.run(n, JSON.stringify(delivery.headers), keptBody(entry));
    const { targets = [], claim = [] } = forward ?? {};
    const forwards = targets.map((target) => {
      const { lastInsertRowid } = this.#sql.addForward.run(n, target, WAITING, at);
      return { target, claim: claim.includes(target) ? claimRef(Number(lastInsertRowid), n) : undefined };
    });
    return { n, duplicateOf, forwards };
  }

  /**
   * Adds a delivery and undoes that. SQLite writes the pages that it has touched to its journal all the same, so this fails
   * where an append would.
   */
  probe(): void {
    this.#database.exec(PROBE);
  }

  /** Rejects a delivery that was committed, but whose sync failed: its sender got a 503. */
  refuse(n: number): void {
    this.#sql.refuse.run("it could not be written to the disk", n);
    this.#sql.dropForwards.run(n);
  }

  setAnswer(n: number, status: number, refusal: string | undefined): void {
    this.#sql.setAnswer.run(status, refusal ?? null, n);
  }

  endUnanswered(): number {
    return Number(this.#sql.endUnanswered.run("listen ended before the app had answered").changes);
  }

  addAttempt(n: number, made: NewAttempt): void {
    const { target, at, status = null, latencyMs, error = null, reply = null, replay = null } = made;
    this.#sql.addAttempt.run(n, target, at.getTime(), status, latencyMs, error, reply, replay, n, target);
  }

  /** Adds an attempt outside of the queue. Returns its number among those of the delivery for the target. */
  recordAttempt(n: number, made: NewAttempt): number {
    this.addAttempt(n, made);
    if (made.settles === "delivered") this.#sql.mend.run(n, made.target);
    if (made.settles === "failed") this.#sql.fail.run(n, made.target);
    return numberOf(this.#sql.lastAttempt.get(n, made.target) ?? {}, "attempt");
  }
}

/** Only this process claims, so that its claims do not end before it. */
export function claimRef(id: number, n: number): ClaimRef {
  return { id, n, isValid };
}

const isValid = (): boolean => true;

function statements(database: NativeDatabase) {
  return {
    findOriginal: database.prepare(
      `SELECT n FROM deliveries
       WHERE identity = ? AND accepted = 1 AND duplicate_of IS NULL AND received_at >= ?
         AND (status IS NULL OR status < 300) ORDER BY n LIMIT 1`,
    ),
    addDelivery: database.prepare(
      `INSERT INTO deliveries (received_at, method, url, remote, product, format, event, known, accepted, invalid, status,
         refusal, identity, duplicate_of, records, verdicts, issues, reconstructed)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    // node:sqlite of Node 22 may bind an empty body as null.
    addContent: database.prepare("INSERT INTO contents (n, headers, body) VALUES (?, ?, coalesce(?, x''))"),
    addForward: database.prepare("INSERT INTO forwards (n, target, state, due_at) VALUES (?, ?, ?, ?)"),
    setAnswer: database.prepare("UPDATE deliveries SET status = ?, refusal = ? WHERE n = ?"),
    endUnanswered: database.prepare(
      "UPDATE deliveries SET status = 502, refusal = ? WHERE status IS NULL AND accepted = 1",
    ),
    lastAttempt: database.prepare("SELECT max(attempt) AS attempt FROM attempts WHERE n = ? AND target = ?"),
    mend: database.prepare(
      `UPDATE forwards SET state = ${DELIVERED} WHERE n = ? AND target = ? AND state <> ${DELIVERED}`,
    ),
    fail: database.prepare(failDelivered("?", "?")),
    refuse: database.prepare("UPDATE deliveries SET accepted = 0, status = 503, refusal = ? WHERE n = ?"),
    dropForwards: database.prepare("DELETE FROM forwards WHERE n = ?"),
    addAttempt: database.prepare(
      `INSERT INTO attempts (n, target, at, status, latency_ms, error, reply, replay, attempt) VALUES (?, ?, ?, ?, ?, ?, ?, ?,
         (SELECT coalesce(max(attempt), 0) + 1 FROM attempts WHERE n = ? AND target = ?))`,
    ),
  };
}
