import { randomUUID } from "node:crypto";
import { errorText } from "../../util/errors.ts";
import type {
  Claim,
  Claimed,
  ClaimRef,
  ClaimRequest,
  Completed,
  ForwardOutcome,
  NewAttempt,
  Unreadable,
  WaitingCount,
} from "../log.ts";
import { maybeNumber, numberOf, readClaim, readWaiting, type SqlRow, textOf } from "../rows.ts";
import { DELIVERED, FAILED, WAITING, waitingCounts } from "../states.ts";
import { type ClaimGiven, cleanText, toJson } from "./append.ts";
import type { Database } from "./connect.ts";
import { Flush } from "./flush.ts";
import { CLOCK_SHIFT, identityKey } from "./schema.ts";

/** A claim that is neither completed nor released yet. */
interface InHand {
  readonly ref: ClaimRef;
  readonly dueAtMs: number;
  readonly isOrdered: boolean;
  /** When its lease ends at the soonest, by `performance.now()`. */
  endsAtMs: number;
}

interface Settlement {
  readonly claim: ClaimRef;
  readonly attempt: NewAttempt;
  readonly outcome: ForwardOutcome;
  readonly isOrdered: boolean;
}

/** In the time of a lease: so many that one of them comes in time after the server was away for ten seconds. */
const RENEWALS = 5;

const CLAIM = `
  WITH now AS MATERIALIZED (SELECT ?::bigint + ${CLOCK_SHIFT} AS ms),
  due AS MATERIALIZED (
    SELECT id, n, due_at, attempts, target, order_key FROM forwards
    WHERE target = ? AND state = ${WAITING} AND due_at <= (SELECT ms FROM now) ORDER BY due_at, id LIMIT ?
    FOR UPDATE SKIP LOCKED),
  sized AS MATERIALIZED (
    SELECT due.*, sum(length(body)) OVER arrival AS bytes, row_number() OVER arrival AS rank
    FROM due LEFT JOIN contents USING (n) WINDOW arrival AS (ORDER BY due_at, id)),
  claimed AS (
    UPDATE forwards SET due_at = (SELECT ms FROM now) + ?, lease = ? FROM sized
    WHERE forwards.id = sized.id AND (rank = 1 OR coalesce(bytes, 0) <= ?)
    RETURNING sized.*)
  SELECT id, n, target, attempts, claimed.due_at - ${CLOCK_SHIFT} AS was_due_at, order_key IS NOT NULL AS in_order, received_at, remote,
    duplicate_of, product, format, event, reconstructed, method, url, headers, body
  FROM claimed LEFT JOIN deliveries USING (n) LEFT JOIN contents USING (n) ORDER BY claimed.due_at, id`;

/** Deliveries that wait for a target. A claim is a lease, which is renewed as long as it is in hand. */
export function createQueue(database: Database, { now, leaseMs }: { now(): Date; readonly leaseMs: number }) {
  const nowMs = (): number => now().getTime();
  const inHand = new Map<string, InHand>();
  const settling = new Flush({ write: settle });
  const timer = setInterval(() => void renew().catch(() => {}), leaseMs / RENEWALS);
  let renewing: Promise<void> | undefined;
  timer.unref();

  /** Renews the lease from now on. */
  function hold(claim: Omit<ClaimRef, "isValid">, { sentAtMs, dueAtMs, isOrdered }: ClaimGiven): ClaimRef {
    const key = keyOf(claim);
    const ref = { ...claim, isValid: () => performance.now() < (inHand.get(key)?.endsAtMs ?? 0) };
    inHand.set(key, { ref, dueAtMs, isOrdered, endsAtMs: sentAtMs + leaseMs });
    return ref;
  }

  async function settle(items: readonly Settlement[]): Promise<readonly Completed[]> {
    const given = items.map(({ claim, attempt, outcome }, i) => ({
      ...attemptRow(i, claim.n, attempt),
      id: claim.id,
      lease: claim.lease,
      state: outcome.state === "retry" ? WAITING : outcome.state === "delivered" ? DELIVERED : FAILED,
      due_at: outcome.state === "retry" ? outcome.at.getTime() : null,
    }));
    const inOrder = items.some(({ isOrdered }) => isOrdered);
    const rows = await database.query("work", SETTLE, [toJson(given), nowMs(), inOrder]);
    return rows.map((row) => COMPLETED.find((each) => each === row.result) ?? "lost");
  }

  /**
   * Extends the leases that are in hand. A lease that is not extended may have expired, and another process may have the row.
   * Locked rows are being settled and are skipped: waiting for them could deadlock, since settling locks in another order.
   */
  async function renew(): Promise<void> {
    if (inHand.size === 0 || renewing !== undefined) return;
    const claims = [...inHand.values()];
    const refs = claims.map(({ ref }) => ref);
    const sentAtMs = performance.now();
    renewing = database
      .query(
        "work",
        `WITH held AS MATERIALIZED (
           SELECT forwards.id FROM unnest(?::bigint[], ?::uuid[]) AS ours (id, lease) JOIN forwards USING (id, lease)
           WHERE state = ${WAITING} FOR UPDATE OF forwards SKIP LOCKED)
         UPDATE forwards SET due_at = ?::bigint + ${CLOCK_SHIFT} + ? FROM held WHERE forwards.id = held.id
         RETURNING forwards.id`,
        [refs.map(({ id }) => id), refs.map(({ lease = "" }) => lease), nowMs(), nowMs(), leaseMs],
      )
      .then((rows) => {
        const renewed = new Set(rows.map((row) => numberOf(row, "id")));
        for (const claim of claims) if (renewed.has(claim.ref.id)) claim.endsAtMs = sentAtMs + leaseMs;
      })
      .finally(() => {
        renewing = undefined;
      });
    await renewing;
  }

  async function release(claims: readonly ClaimRef[], dueAt?: Date): Promise<void> {
    const held = claims.flatMap((ref) => inHand.get(keyOf(ref)) ?? []);
    if (held.length === 0) return;
    await database.query(
      "work",
      `UPDATE forwards SET due_at = held.due_at + ${CLOCK_SHIFT}, lease = NULL
       FROM unnest(?::bigint[], ?::uuid[], ?::bigint[]) AS held (id, lease, due_at)
       WHERE forwards.id = held.id AND forwards.lease = held.lease AND state = ${WAITING}`,
      [
        nowMs(),
        held.map(({ ref }) => ref.id),
        held.map(({ ref: { lease = "" } }) => lease),
        held.map(({ dueAtMs }) => dueAt?.getTime() ?? dueAtMs),
      ],
    );
    for (const { ref } of held) inHand.delete(keyOf(ref));
  }

  async function nextDue({ target, now }: ClaimRequest): Promise<Pick<Claimed, "hasMore" | "nextAt">> {
    const [row] = await database.query(
      "work",
      `WITH now AS MATERIALIZED (SELECT ${CLOCK_SHIFT} AS shift)
       SELECT EXISTS (SELECT 1 FROM forwards WHERE target = ? AND state = ${WAITING}
           AND due_at <= ?::bigint + (SELECT shift FROM now)) AS is_left,
         (SELECT min(due_at) FROM forwards WHERE target = ? AND state = ${WAITING}
           AND due_at > ?::bigint + (SELECT shift FROM now)) - (SELECT shift FROM now) AS at`,
      [nowMs(), target, now.getTime(), target, now.getTime()],
    );
    const at = row && maybeNumber(row, "at");
    return { hasMore: row?.is_left === 1, nextAt: at === undefined ? undefined : new Date(at) };
  }

  return {
    hold,
    release,
    async claim(request: ClaimRequest): Promise<Claimed> {
      const { target, limit, maxBytes = Number.MAX_SAFE_INTEGER } = request;
      const [sent, lease] = [nowMs(), randomUUID()];
      const values = [request.now.getTime(), sent, target, limit, leaseMs, lease, maxBytes, sent];
      const sentAtMs = performance.now();
      const claims: Claim[] = [];
      const unreadable: Unreadable[] = [];
      for (const row of await database.query("work", CLAIM, values)) {
        const ref = hold(
          { id: numberOf(row, "id"), n: numberOf(row, "n"), lease },
          { sentAtMs, dueAtMs: numberOf(row, "was_due_at"), isOrdered: row.in_order === 1 },
        );
        try {
          claims.push(readWhole(row, ref));
        } catch (error) {
          unreadable.push({ ...ref, reason: errorText(error) });
        }
      }
      if (claims.length + unreadable.length === limit) return { claims, unreadable, hasMore: true, nextAt: undefined };
      try {
        return { claims, unreadable, ...(await nextDue(request)) };
      } catch (error) {
        // The caller does not know of them, so their leases have to end.
        for (const ref of [...claims, ...unreadable]) inHand.delete(keyOf(ref));
        throw error;
      }
    },
    async complete(claim: ClaimRef, attempt: NewAttempt, outcome: ForwardOutcome): Promise<Completed> {
      const isOrdered = inHand.get(keyOf(claim))?.isOrdered ?? true;
      const completed = await settling.write({ claim, attempt, outcome, isOrdered });
      inHand.delete(keyOf(claim));
      return completed;
    },
    /** Its number among the attempts of the delivery for the target. */
    async recordAttempt(n: number, attempt: NewAttempt): Promise<number> {
      const { resolvesFailure: mends = false } = attempt;
      const given = toJson([{ ...attemptRow(0, n, attempt), mends }]);
      const [row] = await database.query("durable", SETTLE, [given, nowMs(), mends]);
      return row === undefined ? 0 : numberOf(row, "attempt");
    },
    /** Records the answer to a sender. One that failed is no original: its sender repeats it. */
    async setAnswer(n: number, { status, refusal }: { status: number; refusal: string | undefined }): Promise<void> {
      await database.query(
        "durable",
        `WITH answered AS (UPDATE deliveries SET status = ?::integer, refusal = ? WHERE n = ? RETURNING n, identity, status)
         DELETE FROM identities USING answered
         WHERE answered.status >= 300 AND identities.identity = ${identityKey("answered.identity")} AND identities.n = answered.n`,
        [status, refusal === undefined ? null : cleanText(refusal), n],
      );
    },
    async giveUp(target: string): Promise<number> {
      const [row] = await database.query("durable", "SELECT give_up(?) AS count", [target]);
      return row === undefined ? 0 : numberOf(row, "count");
    },
    async waiting(): Promise<readonly WaitingCount[]> {
      return (await database.read(waitingCounts(`min(due_at) - ${CLOCK_SHIFT}`), [nowMs()])).map(readWaiting);
    },
    /** Lets what is under way end, and gives back what is in hand. */
    async close(): Promise<void> {
      clearInterval(timer);
      await settling.close();
      await renewing?.catch(() => {});
      // Without a server the leases end by themselves.
      await release([...inHand.values()].map(({ ref }) => ref)).catch(() => {});
    },
  };
}

const SETTLE = "SELECT * FROM settle(?, ?, ?)";
const COMPLETED: readonly Completed[] = ["done", "due", "lost"];

function keyOf({ id, lease = "" }: Pick<ClaimRef, "id" | "lease">): string {
  return `${id} ${lease}`;
}

function attemptRow(i: number, n: number, made: NewAttempt) {
  const { target, at, status = null, latencyMs, error = null, reply = null, replay = null } = made;
  return { i, n, target, at: at.getTime(), status, latency_ms: latencyMs, error, reply, replay };
}

function readWhole(row: SqlRow, ref: ClaimRef): Claim {
  if (row.received_at === null || row.headers === null) throw new Error("part of it is missing");
  textOf(row, "headers");
  return readClaim(row, ref);
}
