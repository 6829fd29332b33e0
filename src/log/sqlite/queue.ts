import { DUPLICATE_WINDOW_MS } from "../../delivery/delivery.ts";
import { Damage } from "../damage.ts";
import type {
  Appended,
  Claim,
  Claimed,
  ClaimRef,
  ClaimRequest,
  Completed,
  ForwardOutcome,
  NewAttempt,
  NewEntry,
  Unreadable,
  WaitingCount,
} from "../log.ts";
import { keptBody } from "../retention.ts";
import { deliveryRow, maybeNumber, maybeText, numberOf, readClaim, readWaiting, type SqlRow, textOf } from "../rows.ts";
import {
  BLOCKED,
  DELIVERED,
  EVERY_RECORD,
  FAILED,
  giveUp,
  hasEarlier,
  unblockProduct,
  unblockRecord,
  WAITING,
  waitingCounts,
} from "../states.ts";
import type { NativeDatabase } from "./engine.ts";
import { orDamage } from "./fault.ts";

/** Milliseconds, without the first. */
type Range = readonly [after: number, to: number];

/**
 * The deliveries that wait for a target. `complete`, `postpone` and `giveUp` must run inside a transaction. Claims are in memory, since
 * only the owner of the lock may claim.
 */
export function createQueue(database: NativeDatabase, appender: ReturnType<typeof createAppender>) {
  const due = database.prepare(
    `SELECT id FROM forwards WHERE target = ? AND state = ${WAITING} AND due_at > ? AND due_at <= ?
     ORDER BY due_at, id LIMIT ?`,
  );
  // The length of a BLOB is known without reading it (https://www.sqlite.org/lang_corefunc.html#length).
  const load = database.prepare(
    `SELECT id, n, target, attempts, received_at, remote, duplicate_of, product, format, event, reconstructed, method, url, headers,
       length(body) AS bytes, iif(length(body) <= ?, body, x'') AS body
     FROM forwards JOIN deliveries USING (n) JOIN contents USING (n) WHERE id = ?`,
  );
  const numberOfForward = database.prepare("SELECT n FROM forwards WHERE id = ?");
  const next = database.prepare(
    `SELECT min(due_at) AS at FROM forwards WHERE target = ? AND state = ${WAITING} AND due_at > ? AND due_at <= ?`,
  );
  const finish = database.prepare(
    `UPDATE forwards SET state = ?, attempts = attempts + 1 WHERE id = ? AND state = ${WAITING}
     RETURNING target, order_key`,
  );
  const retry = database.prepare(
    `UPDATE forwards SET attempts = attempts + 1, due_at = ? WHERE id = ? AND state = ${WAITING}`,
  );
  const postpone = database.prepare(`UPDATE forwards SET due_at = ? WHERE id = ? AND state = ${WAITING}`);
  const giveUpAll = database.prepare(giveUp("?"));
  const counts = database.prepare(waitingCounts("min(due_at)"));
  const claimed = new Set<number>();

  return {
    /** False if it is claimed already. */
    claim(id: number): boolean {
      const { size } = claimed;
      return claimed.add(id).size > size;
    },
    release(id: number): void {
      claimed.delete(id);
    },
    postpone: (id: number, dueAt: Date) => void postpone.run(dueAt.getTime(), id),
    claimDue({ target, limit, maxBytes = Number.POSITIVE_INFINITY, ...times }: ClaimRequest): Claimed {
      const claims: Claim[] = [];
      const unreadable: Unreadable[] = [];
      const wanted = (): number => limit - claims.length - unreadable.length;
      let bytes = 0;
      const claimDue = ([after, to]: Range): void => {
        for (const row of due.all(target, after, to, wanted() + claimed.size)) {
          const id = numberOf(row, "id");
          if (claimed.has(id)) continue;
          if (wanted() === 0) return;
          const room = claims.length === 0 ? Number.MAX_SAFE_INTEGER : Math.max(0, maxBytes - bytes);
          const loaded = orDamage(() => readLoaded(load.get(room, id)));
          if (loaded instanceof Damage) {
            const forward = numberOfForward.get(id);
            // Another process may have removed it meanwhile.
            if (forward !== undefined)
              unreadable.push({ ...claimRef(id, numberOf(forward, "n")), reason: loaded.reason });
            continue;
          }
          bytes += loaded.bytes;
          if (claims.length > 0 && bytes > maxBytes) return;
          claims.push(loaded.claim);
        }
      };
      for (const range of dueNow(times)) claimDue(range);
      for (const { id } of [...claims, ...unreadable]) claimed.add(id);
      if (wanted() === 0) return { claims, unreadable, hasMore: true, nextAt: undefined };
      const hasMore = dueNow(times).some((range) =>
        due.all(target, ...range, claimed.size + 1).some((row) => !claimed.has(numberOf(row, "id"))),
      );
      const [[, now], [late]] = dueNow(times);
      const at = maybeNumber(next.get(target, now, late) ?? {}, "at");
      return { claims, unreadable, hasMore, nextAt: at === undefined ? undefined : new Date(at) };
    },
    complete({ id, n }: ClaimRef, attempt: NewAttempt, outcome: ForwardOutcome): Completed {
      appender.addAttempt(n, attempt);
      // Where a replay has settled it meanwhile, that made the next one due, and woke nobody.
      if (outcome.state === "retry") return Number(retry.run(outcome.at.getTime(), id).changes) === 0 ? "due" : "done";
      const settled = finish.all(outcome.state === "delivered" ? DELIVERED : FAILED, id);
      return appender.unblock(settled) || settled.length === 0 ? "due" : "done";
    },
    giveUp: (target: string): number => Number(giveUpAll.run(target).changes),
    waiting(): readonly WaitingCount[] {
      return counts.all().map(readWaiting);
    },
  };
}

/** The times that are due: all until now, and those further ahead than any pause, for the clock was set back. */
function dueNow({ now, maxPauseMs }: Pick<ClaimRequest, "now" | "maxPauseMs">): readonly [Range, Range] {
  const at = now.getTime();
  return [
    [Number.MIN_SAFE_INTEGER, at],
    [at + maxPauseMs, Number.MAX_SAFE_INTEGER],
  ];
}

function readLoaded(row: SqlRow | undefined): { readonly claim: Claim; readonly bytes: number } {
  if (row === undefined) throw new Error("part of it is missing");
  const ref = claimRef(numberOf(row, "id"), numberOf(row, "n"));
  return { claim: readClaim(row, ref), bytes: numberOf(row, "bytes") };
}

/** Only this process claims, so that its claims do not end before it. */
function claimRef(id: number, n: number): ClaimRef {
  return { id, n, isValid };
}

const isValid = (): boolean => true;

/** A delivery that takes as much room as a small real one. */
const PROBE = `
  SAVEPOINT probe;
  INSERT INTO deliveries (received_at, method, url, known, accepted, invalid, status, verdicts)
    VALUES (${Number.MAX_SAFE_INTEGER}, '', '', 0, 0, 0, 200, hex(zeroblob(500)));
  INSERT INTO contents (n, headers, body) VALUES (last_insert_rowid(), '[]', zeroblob(1000));
  ROLLBACK TO probe;
  RELEASE probe`;

/** The writes for new deliveries and attempts. They must run inside a transaction. */
export function createAppender(database: NativeDatabase) {
  const findOriginal = database.prepare(
    `SELECT n FROM deliveries
     WHERE identity = ? AND accepted = 1 AND duplicate_of IS NULL AND received_at >= ?
       AND (status IS NULL OR status < 300) ORDER BY n LIMIT 1`,
  );
  const addDelivery = database.prepare(
    `INSERT INTO deliveries (received_at, method, url, remote, product, format, event, known, accepted, invalid, status,
       refusal, identity, duplicate_of, records, verdicts, issues, reconstructed)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  // node:sqlite of Node 22 may bind an empty body as null.
  const addContent = database.prepare("INSERT INTO contents (n, headers, body) VALUES (?, ?, coalesce(?, x''))");
  const addForward = database.prepare(
    "INSERT INTO forwards (n, target, state, due_at, order_key) VALUES (?, ?, ?, ?, ?)",
  );
  const findEarlier = database.prepare(
    `WITH this (target, order_key) AS (VALUES (?, ?)) SELECT 1 FROM this WHERE ${hasEarlier("")}`,
  );
  const unblockRow = database.prepare(unblockRecord("?", "?", "?"));
  const unblockBatch = database.prepare(unblockProduct("?", "?", "?", "?"));
  const setAnswer = database.prepare("UPDATE deliveries SET status = ?, refusal = ? WHERE n = ?");
  const endUnanswered = database.prepare(
    "UPDATE deliveries SET status = 502, refusal = ? WHERE status IS NULL AND accepted = 1",
  );
  const lastAttempt = database.prepare("SELECT max(attempt) AS attempt FROM attempts WHERE n = ? AND target = ?");
  const mend = database.prepare(
    `UPDATE forwards SET state = ${DELIVERED} WHERE n = ? AND target = ? AND state <> ${DELIVERED}
     RETURNING target, order_key`,
  );
  const refuse = database.prepare("UPDATE deliveries SET accepted = 0, status = 503, refusal = ? WHERE n = ?");
  const dropForwards = database.prepare("DELETE FROM forwards WHERE n = ? RETURNING target, order_key");
  const addAttempt = database.prepare(
    `INSERT INTO attempts (n, target, at, status, latency_ms, error, reply, replay, attempt) VALUES (?, ?, ?, ?, ?, ?, ?, ?,
       (SELECT coalesce(max(attempt), 0) + 1 FROM attempts WHERE n = ? AND target = ?))`,
  );
  const add = (n: number, made: NewAttempt): void => {
    const { target, at, status = null, latencyMs, error = null, reply = null, replay = null } = made;
    addAttempt.run(n, target, at.getTime(), status, latencyMs, error, reply, replay, n, target);
  };

  /** Rows have been settled: the first that waited for them become due. Returns whether any did. */
  function unblock(settled: readonly SqlRow[]): boolean {
    let changes = 0;
    for (const row of settled) {
      const key = maybeText(row, "order_key");
      if (key === undefined) continue;
      const target = textOf(row, "target");
      const product = key.slice(0, key.indexOf(":"));
      const every = `${product}:${EVERY_RECORD}`;
      const { changes: made } =
        key === every
          ? // ';' is the character after ':'.
            unblockBatch.run(target, `${product}:`, `${product};`, target, every)
          : unblockRow.run(target, key, target, every);
      changes += Number(made);
    }
    return changes > 0;
  }

  return {
    unblock,
    append(entry: NewEntry): Appended {
      const { delivery, forward } = entry;
      const row = deliveryRow(entry);
      const { received_at: at, identity } = row;
      const original = identity === null ? undefined : findOriginal.get(identity, at - DUPLICATE_WINDOW_MS);
      const duplicateOf = original === undefined ? undefined : numberOf(original, "n");
      const added = addDelivery.run(
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
      addContent.run(n, JSON.stringify(delivery.headers), keptBody(entry));
      const { targets = [], orderKey = null, claim = [] } = forward ?? {};
      const forwards = targets.map((target) => {
        const isBlocked = orderKey !== null && findEarlier.get(target, orderKey) !== undefined;
        const { lastInsertRowid } = addForward.run(n, target, isBlocked ? BLOCKED : WAITING, at, orderKey);
        const isClaimed = !isBlocked && claim.includes(target);
        return { target, claim: isClaimed ? claimRef(Number(lastInsertRowid), n) : undefined };
      });
      return { n, duplicateOf, forwards };
    },
    /**
     * Adds a delivery and undoes that. SQLite writes the pages that it has touched to its journal all the same, so this fails
     * where an append would.
     */
    probe(): void {
      database.exec(PROBE);
    },
    /** Rejects a delivery that was committed, but whose sync failed: its sender got a 503. */
    refuse(n: number): void {
      refuse.run("it could not be written to the disk", n);
      unblock(dropForwards.all(n));
    },
    setAnswer(n: number, status: number, refusal: string | undefined): void {
      setAnswer.run(status, refusal ?? null, n);
    },
    endUnanswered(): number {
      return Number(endUnanswered.run("listen ended before the app had answered").changes);
    },
    addAttempt: add,
    recordAttempt(n: number, made: NewAttempt): number {
      add(n, made);
      if (made.resolvesFailure === true) unblock(mend.all(n, made.target));
      return numberOf(lastAttempt.get(n, made.target) ?? {}, "attempt");
    },
  };
}
