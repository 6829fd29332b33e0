import { Damage } from "../damage.ts";
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
import { maybeNumber, numberOf, readClaim, readWaiting, type SqlRow } from "../rows.ts";
import { DELIVERED, FAILED, giveUp, WAITING, waitingCounts } from "../states.ts";
import { type Appender, claimRef } from "./append.ts";
import type { NativeDatabase } from "./engine.ts";
import { orDamage } from "./fault.ts";

/** Milliseconds, without the first. */
type Range = readonly [after: number, to: number];

/**
 * The deliveries that wait for a target. `complete`, `postpone` and `giveUp` must run inside a transaction. Claims are in memory, since
 * only the owner of the lock may claim.
 */
export class ForwardTable {
  readonly #appender: Appender;
  readonly #sql: ReturnType<typeof statements>;
  readonly #claimed = new Set<number>();

  constructor(database: NativeDatabase, appender: Appender) {
    this.#appender = appender;
    this.#sql = statements(database);
  }

  claim(id: number): void {
    this.#claimed.add(id);
  }

  release(id: number): void {
    this.#claimed.delete(id);
  }

  claimDue(request: ClaimRequest): Claimed {
    const batch = new ClaimBatch(request);
    const ranges = dueNow(request);
    for (const range of ranges) this.#collect(batch, request.target, range);
    const { claims, unreadable } = batch;
    for (const { id } of [...claims, ...unreadable]) this.claim(id);
    if (batch.wanted === 0) return { claims, unreadable, hasMore: true, nextAt: undefined };
    const [[, now], [late]] = ranges;
    const next = maybeNumber(this.#sql.next.get(request.target, now, late) ?? {}, "at");
    return {
      claims,
      unreadable,
      hasMore: ranges.some((range) => this.#due(request.target, range, 1).length > 0),
      nextAt: next === undefined ? undefined : new Date(next),
    };
  }

  /** The delivery is due then. */
  postpone(id: number, dueAt: Date): void {
    this.#sql.postpone.run(dueAt.getTime(), id);
  }

  complete({ id, n }: ClaimRef, attempt: NewAttempt, outcome: ForwardOutcome): Completed {
    this.#appender.addAttempt(n, attempt);
    // These change nothing where a replay has settled it meanwhile.
    if (outcome.state === "retry") this.#sql.retry.run(outcome.at.getTime(), id);
    else this.#sql.finish.run(outcome.state === "delivered" ? DELIVERED : FAILED, id);
    return "done";
  }

  giveUp(target: string): number {
    return Number(this.#sql.giveUp.run(target).changes);
  }

  waiting(): readonly WaitingCount[] {
    return this.#sql.counts.all().map(readWaiting);
  }

  #collect(batch: ClaimBatch, target: string, range: Range): void {
    for (const id of this.#due(target, range, batch.wanted)) {
      const loaded = orDamage(() => readLoaded(this.#sql.load.get(batch.room, id)));
      if (!(loaded instanceof Damage)) {
        if (!batch.add(loaded)) return;
        continue;
      }
      const forward = this.#sql.numberOfForward.get(id);
      // Another process may have removed it meanwhile.
      if (forward !== undefined)
        batch.unreadable.push({ ...claimRef(id, numberOf(forward, "n")), reason: loaded.reason });
    }
  }

  /** The ids of those that are due in a range of time and not claimed, the longest due first. */
  #due(target: string, range: Range, limit: number): readonly number[] {
    if (limit === 0) return [];
    const ids = this.#sql.due.all(target, ...range, limit + this.#claimed.size).map((row) => numberOf(row, "id"));
    return ids.filter((id) => !this.#claimed.has(id)).slice(0, limit);
  }
}

/** Claims up to a count and a size of all bodies together. The first one fits whatever its size. */
export class ClaimBatch {
  readonly claims: Claim[] = [];
  readonly unreadable: Unreadable[] = [];
  readonly #limit: number;
  readonly #maxBytes: number;
  #bytes = 0;

  constructor({ limit, maxBytes = Number.POSITIVE_INFINITY }: Pick<ClaimRequest, "limit" | "maxBytes">) {
    this.#limit = limit;
    this.#maxBytes = maxBytes;
  }

  /** How many more may be added. */
  get wanted(): number {
    return this.#limit - this.claims.length - this.unreadable.length;
  }

  /** The size that the next body may have. */
  get room(): number {
    return this.claims.length === 0 ? Number.MAX_SAFE_INTEGER : Math.max(0, this.#maxBytes - this.#bytes);
  }

  /** False where it does not fit. Then none is added after it, or a later one would come first. */
  add({ claim, bytes }: LoadedClaim): boolean {
    this.#bytes += bytes;
    if (this.claims.length > 0 && this.#bytes > this.#maxBytes) return false;
    this.claims.push(claim);
    return true;
  }
}

interface LoadedClaim {
  readonly claim: Claim;
  /** Length of the body. */
  readonly bytes: number;
}

function readLoaded(row: SqlRow | undefined): LoadedClaim {
  if (row === undefined) throw new Error("part of it is missing");
  const ref = claimRef(numberOf(row, "id"), numberOf(row, "n"));
  return { claim: readClaim(row, ref), bytes: numberOf(row, "bytes") };
}

/** The times that are due: all until now, and those further ahead than any pause, for the clock was set back. */
function dueNow({ now, maxPauseMs }: Pick<ClaimRequest, "now" | "maxPauseMs">): readonly [Range, Range] {
  const at = now.getTime();
  return [
    [Number.MIN_SAFE_INTEGER, at],
    [at + maxPauseMs, Number.MAX_SAFE_INTEGER],
  ];
}

function statements(database: NativeDatabase) {
  return {
    due: database.prepare(
      `SELECT id FROM forwards WHERE target = ? AND state = ${WAITING} AND due_at > ? AND due_at <= ?
       ORDER BY due_at, id LIMIT ?`,
    ),
    // The length of a BLOB is known without reading it (https://www.sqlite.org/lang_corefunc.html#length).
    load: database.prepare(
      `SELECT id, n, target, attempts, received_at, remote, duplicate_of, product, format, event, reconstructed, method, url, headers,
         length(body) AS bytes, iif(length(body) <= ?, body, x'') AS body
       FROM forwards JOIN deliveries USING (n) JOIN contents USING (n) WHERE id = ?`,
    ),
    numberOfForward: database.prepare("SELECT n FROM forwards WHERE id = ?"),
    next: database.prepare(
      `SELECT min(due_at) AS at FROM forwards WHERE target = ? AND state = ${WAITING} AND due_at > ? AND due_at <= ?`,
    ),
    finish: database.prepare(
      `UPDATE forwards SET state = ?, attempts = attempts + 1 WHERE id = ? AND state = ${WAITING}`,
    ),
    retry: database.prepare(
      `UPDATE forwards SET attempts = attempts + 1, due_at = ? WHERE id = ? AND state = ${WAITING}`,
    ),
    postpone: database.prepare(`UPDATE forwards SET due_at = ? WHERE id = ? AND state = ${WAITING}`),
    giveUp: database.prepare(giveUp("?")),
    counts: database.prepare(waitingCounts("min(due_at)")),
  };
}
