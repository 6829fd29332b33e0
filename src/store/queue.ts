import type { appender } from "./append.ts";
import { Damage, orDamage } from "./damage.ts";
import type { NativeDatabase, SqlRow } from "./engine.ts";
import type {
  Claim,
  Claimed,
  ClaimRef,
  ClaimRequest,
  NewAttempt,
  NextDue,
  Outcome,
  Unreadable,
  WaitingCount,
} from "./forward.ts";
import { readDelivery } from "./record.ts";
import { maybeNumber, maybeText, numberOf, textOf } from "./row.ts";
import { DELIVERED, FAILED, hasEarlier, WAITING } from "./schema.ts";

/** Times in milliseconds, of which the first is not among them. */
type Range = readonly [after: number, to: number];

/**
 * Prepares the statements of the deliveries that wait for a target. `settle` runs inside a transaction; `take` and `giveBack`
 * keep what this process has claimed, which nobody else may: only the holder of the log claims.
 */
export function queue(database: NativeDatabase, append: ReturnType<typeof appender>) {
  const due = database.prepare(
    `SELECT id FROM forwards AS this
     WHERE target = ? AND state = ${WAITING} AND due_at > ? AND due_at <= ?
       AND (order_key IS NULL OR NOT (${hasEarlier("AND earlier.id < this.id")}))
     ORDER BY due_at, id LIMIT ?`,
  );
  // The length of a BLOB is known without reading it (https://www.sqlite.org/lang_corefunc.html#length).
  const load = database.prepare(
    `SELECT id, n, target, attempts, received_at, remote, duplicate_of, product, format, event, method, url, headers,
       length(body) AS bytes, iif(length(body) <= ?, body, x'') AS body
     FROM forwards JOIN deliveries USING (n) JOIN contents USING (n) WHERE id = ?`,
  );
  const numberOfForward = database.prepare("SELECT n FROM forwards WHERE id = ?");
  const first = database.prepare(
    `SELECT id FROM forwards WHERE target = ? AND state = ${WAITING} AND due_at > ? AND due_at <= ?
     ORDER BY due_at, id LIMIT ?`,
  );
  const next = database.prepare(
    `SELECT min(due_at) AS at FROM forwards WHERE target = ? AND state = ${WAITING} AND due_at > ? AND due_at <= ?`,
  );
  const finish = database.prepare(
    `UPDATE forwards SET state = ?, attempts = attempts + 1 WHERE id = ? AND state = ${WAITING}`,
  );
  const retry = database.prepare(
    `UPDATE forwards SET attempts = attempts + 1, due_at = ? WHERE id = ? AND state = ${WAITING}`,
  );
  const giveUp = database.prepare(`UPDATE forwards SET state = ${FAILED} WHERE target = ? AND state = ${WAITING}`);
  const counts = database.prepare(
    `SELECT target, count(*) AS count, min(due_at) AS next FROM forwards WHERE state = ${WAITING} GROUP BY target`,
  );
  const taken = new Set<number>();

  return {
    take(id: number): void {
      taken.add(id);
    },
    giveBack(id: number): void {
      taken.delete(id);
    },
    claimWaiting({ target, limit, maxBytes = Number.POSITIVE_INFINITY, ...times }: ClaimRequest): Claimed {
      const claims: Claim[] = [];
      const unreadable: Unreadable[] = [];
      const wanted = (): number => limit - claims.length - unreadable.length;
      let bytes = 0;
      const claimDue = ([after, to]: Range): void => {
        for (const row of due.all(target, after, to, wanted() + taken.size)) {
          const id = numberOf(row, "id");
          if (taken.has(id)) continue;
          if (wanted() === 0) return;
          const room = claims.length === 0 ? Number.MAX_SAFE_INTEGER : Math.max(0, maxBytes - bytes);
          const loaded = orDamage(() => readLoaded(load.get(room, id)));
          if (loaded instanceof Damage) {
            const forward = numberOfForward.get(id);
            // Another process may have removed it since it was found.
            if (forward !== undefined) unreadable.push({ id, n: numberOf(forward, "n"), reason: loaded.reason });
            continue;
          }
          bytes += loaded.bytes;
          if (claims.length > 0 && bytes > maxBytes) return;
          claims.push(loaded.claim);
        }
      };
      for (const range of dueNow(times)) claimDue(range);
      for (const { id } of [...claims, ...unreadable]) taken.add(id);
      return { claims, unreadable };
    },
    nextDue({ target, ...times }: Pick<ClaimRequest, "target" | "now" | "longestPauseMs">): NextDue {
      const [[, now], [late]] = dueNow(times);
      const at = maybeNumber(next.get(target, now, late) ?? {}, "at");
      return {
        left: dueNow(times).some((range) =>
          first.all(target, ...range, taken.size + 1).some((row) => !taken.has(numberOf(row, "id"))),
        ),
        at: at === undefined ? undefined : new Date(at),
      };
    },
    settle({ id, n }: ClaimRef, attempt: NewAttempt, outcome: Outcome): void {
      append.recordAttempt(n, attempt);
      if (outcome.state === "retry") retry.run(outcome.at.getTime(), id);
      else finish.run(outcome.state === "delivered" ? DELIVERED : FAILED, id);
    },
    giveUp: (target: string): number => Number(giveUp.run(target).changes),
    waiting(): readonly WaitingCount[] {
      return counts.all().map((row) => {
        const nextAt = new Date(numberOf(row, "next"));
        return { target: textOf(row, "target"), waiting: numberOf(row, "count"), nextAt };
      });
    },
  };
}

/** What is due, and what can only seem not to be: no pause is that long, so the clock was set back meanwhile. */
function dueNow({ now, longestPauseMs }: Pick<ClaimRequest, "now" | "longestPauseMs">): readonly [Range, Range] {
  const at = now.getTime();
  return [
    [Number.MIN_SAFE_INTEGER, at],
    [at + longestPauseMs, Number.MAX_SAFE_INTEGER],
  ];
}

function readLoaded(row: SqlRow | undefined): { readonly claim: Claim; readonly bytes: number } {
  if (row === undefined) throw new Error("a part of it is not there");
  return { claim: readClaim(row), bytes: numberOf(row, "bytes") };
}

function readClaim(row: SqlRow): Claim {
  return {
    id: numberOf(row, "id"),
    n: numberOf(row, "n"),
    target: textOf(row, "target"),
    attempts: maybeNumber(row, "attempts") ?? 0,
    receivedAt: new Date(numberOf(row, "received_at")),
    remote: maybeText(row, "remote"),
    duplicateOf: maybeNumber(row, "duplicate_of"),
    product: maybeText(row, "product"),
    format: maybeText(row, "format"),
    event: maybeText(row, "event"),
    delivery: readDelivery(row),
  };
}
