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
import { DELIVERED, FAILED, failDelivered, WAITING, waitingCounts } from "../states.ts";
import { toJson } from "./append.ts";
import type { Database } from "./connect.ts";
import { Flush } from "./flush.ts";
import type { Leases } from "./leases.ts";
import { CLOCK_SHIFT } from "./schema.ts";

interface Settlement {
  readonly claim: ClaimRef;
  readonly attempt: NewAttempt;
  readonly outcome: ForwardOutcome;
}

const CLAIM = `
  WITH now AS MATERIALIZED (SELECT ?::bigint + ${CLOCK_SHIFT} AS ms),
  due AS MATERIALIZED (
    SELECT id, n, due_at, attempts, target FROM forwards
    WHERE target = ? AND state = ${WAITING} AND due_at <= (SELECT ms FROM now) ORDER BY due_at, id LIMIT ?
    FOR UPDATE SKIP LOCKED),
  sized AS MATERIALIZED (
    SELECT due.*, sum(length(body)) OVER arrival AS bytes, row_number() OVER arrival AS rank
    FROM due LEFT JOIN contents USING (n) WINDOW arrival AS (ORDER BY due_at, id)),
  claimed AS (
    UPDATE forwards SET due_at = (SELECT ms FROM now) + ?, lease = ? FROM sized
    WHERE forwards.id = sized.id AND (rank = 1 OR coalesce(bytes, 0) <= ?)
    RETURNING sized.*)
  SELECT id, n, target, attempts, claimed.due_at - ${CLOCK_SHIFT} AS was_due_at, received_at, remote, duplicate_of,
    product, format, event, reconstructed, method, url, headers, body
  FROM claimed LEFT JOIN deliveries USING (n) LEFT JOIN contents USING (n) ORDER BY claimed.due_at, id`;

interface QueueOptions {
  now(): Date;
  readonly leases: Leases;
}

/** The deliveries that wait for targets. */
export class PostgresQueue {
  readonly #database: Database;
  readonly #now: () => Date;
  readonly #leases: Leases;
  readonly #settling = new Flush<Settlement, Completed>({ write: (items) => this.#settle(items) });

  constructor(database: Database, { now, leases }: QueueOptions) {
    this.#database = database;
    this.#now = now;
    this.#leases = leases;
  }

  async claim(request: ClaimRequest): Promise<Claimed> {
    const { target, limit, maxBytes = Number.MAX_SAFE_INTEGER } = request;
    const [sent, lease] = [this.#nowMs(), randomUUID()];
    const values = [request.now.getTime(), sent, target, limit, this.#leases.ms, lease, maxBytes, sent];
    const sentAtMs = performance.now();
    const claims: Claim[] = [];
    const unreadable: Unreadable[] = [];
    for (const row of await this.#database.query("work", CLAIM, values)) {
      const ref = this.#leases.hold(
        { id: numberOf(row, "id"), n: numberOf(row, "n"), lease },
        { sentAtMs, dueAtMs: numberOf(row, "was_due_at") },
      );
      try {
        claims.push(readWhole(row, ref));
      } catch (error) {
        unreadable.push({ ...ref, reason: errorText(error) });
      }
    }
    const found = [...claims, ...unreadable];
    if (found.length === limit) return { claims, unreadable, hasMore: true, nextAt: undefined };
    try {
      return { claims, unreadable, ...(await this.#nextDue(request)) };
    } catch (error) {
      // The caller does not know of them, so their leases have to end.
      for (const ref of found) this.#leases.forget(ref);
      throw error;
    }
  }

  async complete(claim: ClaimRef, attempt: NewAttempt, outcome: ForwardOutcome): Promise<Completed> {
    const completed = await this.#settling.write({ claim, attempt, outcome });
    this.#leases.forget(claim);
    return completed;
  }

  /** Resolves to its number among the attempts of the delivery for the target. */
  async recordAttempt(n: number, attempt: NewAttempt): Promise<number> {
    const mends = attempt.settles === "delivered";
    const given = toJson([{ ...attemptRow(0, n, attempt), mends }]);
    const [row] = await this.#database.query("durable", SETTLE, [given, this.#nowMs()]);
    if (attempt.settles === "failed")
      await this.#database.query("durable", failDelivered("?", "?"), [n, attempt.target]);
    return row === undefined ? 0 : numberOf(row, "attempt");
  }

  async giveUp(target: string): Promise<number> {
    const [row] = await this.#database.query("durable", "SELECT give_up(?) AS count", [target]);
    return row === undefined ? 0 : numberOf(row, "count");
  }

  async waiting(): Promise<readonly WaitingCount[]> {
    const sql = waitingCounts(`min(due_at) - ${CLOCK_SHIFT}`);
    return (await this.#database.read(sql, [this.#nowMs()])).map(readWaiting);
  }

  /** Lets what is under way end. */
  close(): Promise<void> {
    return this.#settling.close();
  }

  #nowMs(): number {
    return this.#now().getTime();
  }

  async #nextDue({ target, now }: ClaimRequest): Promise<Pick<Claimed, "hasMore" | "nextAt">> {
    const [row] = await this.#database.query(
      "work",
      `WITH now AS MATERIALIZED (SELECT ${CLOCK_SHIFT} AS shift)
       SELECT EXISTS (SELECT 1 FROM forwards WHERE target = ? AND state = ${WAITING}
           AND due_at <= ?::bigint + (SELECT shift FROM now)) AS is_left,
         (SELECT min(due_at) FROM forwards WHERE target = ? AND state = ${WAITING}
           AND due_at > ?::bigint + (SELECT shift FROM now)) - (SELECT shift FROM now) AS at`,
      [this.#nowMs(), target, now.getTime(), target, now.getTime()],
    );
    const at = row && maybeNumber(row, "at");
    return { hasMore: row?.is_left === 1, nextAt: at === undefined ? undefined : new Date(at) };
  }

  async #settle(items: readonly Settlement[]): Promise<readonly Completed[]> {
    const given = items.map(({ claim, attempt, outcome }, i) => ({
      ...attemptRow(i, claim.n, attempt),
      id: claim.id,
      lease: claim.lease,
      state: outcome.state === "retry" ? WAITING : outcome.state === "delivered" ? DELIVERED : FAILED,
      due_at: outcome.state === "retry" ? outcome.at.getTime() : null,
    }));
    const rows = await this.#database.query("work", SETTLE, [toJson(given), this.#nowMs()]);
    return rows.map((row) => (row.result === "done" ? "done" : "lost"));
  }
}

const SETTLE = "SELECT * FROM settle(?, ?)";

function attemptRow(i: number, n: number, made: NewAttempt) {
  const { target, at, status = null, latencyMs, error = null, reply = null, replay = null } = made;
  return { i, n, target, at: at.getTime(), status, latency_ms: latencyMs, error, reply, replay };
}

function readWhole(row: SqlRow, ref: ClaimRef): Claim {
  if (row.received_at === null || row.headers === null) throw new Error("part of it is missing");
  textOf(row, "headers");
  return readClaim(row, ref);
}
