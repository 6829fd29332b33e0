import type { appender } from "./append.ts";
import type { NativeDatabase, SqlRow } from "./engine.ts";
import type { Claim, ClaimRef, ClaimRequest, NewAttempt, NextDue, Outcome, WaitingCount } from "./forward.ts";
import { readDelivery } from "./record.ts";
import { maybeNumber, maybeText, numberOf, textOf } from "./row.ts";
import { DELIVERED, FAILED, hasEarlier, IN_FLIGHT, WAITING } from "./schema.ts";

/** Prepares the statements of the deliveries that wait for a target. All but `waiting` and `nextDue` run inside a transaction. */
export function queue(database: NativeDatabase, append: ReturnType<typeof appender>) {
  const expire = database.prepare(
    `UPDATE forwards SET state = ${WAITING}, lease_until = NULL WHERE state = ${IN_FLIGHT} AND lease_until <= ?`,
  );
  // The length of a BLOB is known without reading it (https://www.sqlite.org/lang_corefunc.html#length).
  const due = database.prepare(
    `SELECT id, length(body) AS bytes FROM forwards AS this JOIN contents USING (n)
     WHERE target = ? AND state = ${WAITING} AND due_at <= ?
       AND (order_key IS NULL OR NOT (${hasEarlier("AND earlier.id < this.id")}))
     ORDER BY due_at, id LIMIT ?`,
  );
  const load = database.prepare(
    `SELECT id, n, target, attempts, received_at, remote, duplicate_of, product, format, event, method, url, headers, body
     FROM forwards JOIN deliveries USING (n) JOIN contents USING (n) WHERE id = ?`,
  );
  const next = database.prepare(
    `SELECT EXISTS (SELECT 1 FROM forwards WHERE target = ? AND state = ${WAITING} AND due_at <= ?) AS held,
       (SELECT min(due_at) FROM forwards WHERE target = ? AND state = ${WAITING} AND due_at > ?) AS at`,
  );
  const claim = database.prepare(`UPDATE forwards SET state = ${IN_FLIGHT}, lease_until = ? WHERE id = ?`);
  // A claim that was lost to another receiver and settled there stays as it was settled.
  const finish = database.prepare(
    `UPDATE forwards SET state = ?, attempts = attempts + 1, lease_until = NULL WHERE id = ? AND state < ${DELIVERED}`,
  );
  const retry = database.prepare(
    `UPDATE forwards SET state = ${WAITING}, attempts = attempts + 1, due_at = ?, lease_until = NULL
     WHERE id = ? AND state = ${IN_FLIGHT}`,
  );
  const release = database.prepare(
    `UPDATE forwards SET state = ${WAITING}, lease_until = NULL WHERE id = ? AND state = ${IN_FLIGHT}`,
  );
  const recover = database.prepare(
    `UPDATE forwards SET state = ${WAITING}, lease_until = NULL WHERE state = ${IN_FLIGHT}`,
  );
  // Some seconds of a pause matter less than a clock that was set back by hours.
  const hasten = database.prepare(`UPDATE forwards SET due_at = ? WHERE state = ${WAITING} AND due_at > ?`);
  const inFlight = database.prepare(
    `SELECT target, count(*) AS count FROM forwards WHERE state = ${IN_FLIGHT} GROUP BY target`,
  );
  const counts = database.prepare(
    `SELECT target, count(*) AS count, min(due_at) AS next FROM forwards WHERE state = ${WAITING} GROUP BY target`,
  );

  return {
    claimWaiting({ target, limit, maxBytes = Number.POSITIVE_INFINITY, ...request }: ClaimRequest): readonly Claim[] {
      const { now, leaseMs, rewound = false } = request;
      expire.run(now.getTime());
      if (rewound) hasten.run(now.getTime(), now.getTime());
      const claims: Claim[] = [];
      let bytes = 0;
      for (const row of due.all(target, now.getTime(), limit)) {
        bytes += numberOf(row, "bytes");
        if (claims.length > 0 && bytes > maxBytes) break;
        const id = numberOf(row, "id");
        const whole = load.get(id);
        if (whole === undefined) continue;
        claim.run(now.getTime() + leaseMs, id);
        claims.push(readClaim(whole));
      }
      return claims;
    },
    nextDue(target: string, now: Date): NextDue {
      const row = next.get(target, now.getTime(), target, now.getTime()) ?? {};
      const at = maybeNumber(row, "at");
      return { held: row.held === 1, at: at === undefined ? undefined : new Date(at) };
    },
    settle({ id, n }: ClaimRef, attempt: NewAttempt, outcome: Outcome): void {
      append.recordAttempt(n, attempt);
      if (outcome.state === "retry") retry.run(outcome.at.getTime(), id);
      else finish.run(outcome.state === "delivered" ? DELIVERED : FAILED, id);
    },
    release(claims: readonly ClaimRef[]): void {
      for (const { id } of claims) release.run(id);
    },
    recoverClaims(now: Date): number {
      hasten.run(now.getTime(), now.getTime());
      return Number(recover.run().changes);
    },
    waiting(): readonly WaitingCount[] {
      const flying = new Map(inFlight.all().map((row) => [textOf(row, "target"), numberOf(row, "count")]));
      const found: WaitingCount[] = counts.all().map((row) => {
        const target = textOf(row, "target");
        const nextAt = new Date(numberOf(row, "next"));
        return { target, waiting: numberOf(row, "count"), inFlight: flying.get(target) ?? 0, nextAt };
      });
      for (const [target, count] of flying) {
        if (found.some((each) => each.target === target)) continue;
        found.push({ target, waiting: 0, inFlight: count, nextAt: undefined });
      }
      return found;
    },
  };
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
