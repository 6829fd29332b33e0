import type { ClaimRef } from "../log.ts";
import { numberOf } from "../rows.ts";
import { WAITING } from "../states.ts";
import type { Database } from "./connect.ts";
import { CLOCK_SHIFT } from "./schema.ts";

interface LeaseOptions {
  now(): Date;
  /** How long a lease lasts that is not renewed, in milliseconds. */
  readonly ms: number;
}

/** What a claim that was just made tells beside its id. */
export interface ClaimGiven {
  /** When it was asked for, by `performance.now()`: the lease began no sooner. */
  readonly sentAtMs: number;
  /** When the delivery was due before. */
  readonly dueAtMs: number;
}

interface Lease extends Omit<ClaimGiven, "sentAtMs"> {
  readonly ref: ClaimRef;
  /** When it ends at the soonest, by `performance.now()`. */
  endsAtMs: number;
}

type Key = Pick<ClaimRef, "id" | "lease">;

/** In the time of a lease: so many that one of them comes in time after the server was away for ten seconds. */
const RENEWALS = 5;

/** The claims of this process that are neither completed nor released. Each is a lease, which is renewed until then. */
export class Leases {
  readonly ms: number;
  readonly #database: Pick<Database, "query">;
  readonly #now: () => Date;
  readonly #held = new Map<string, Lease>();
  readonly #timer: NodeJS.Timeout;
  #renewing: Promise<void> | undefined;

  constructor(database: Pick<Database, "query">, { now, ms }: LeaseOptions) {
    this.#database = database;
    this.#now = now;
    this.ms = ms;
    this.#timer = setInterval(() => void this.renew().catch(() => {}), ms / RENEWALS).unref();
  }

  /** Renews the lease of a claim from now on. */
  hold(claim: Omit<ClaimRef, "isValid">, { sentAtMs, ...given }: ClaimGiven): ClaimRef {
    const key = keyOf(claim);
    const ref = { ...claim, isValid: () => performance.now() < (this.#held.get(key)?.endsAtMs ?? 0) };
    this.#held.set(key, { ref, ...given, endsAtMs: sentAtMs + this.ms });
    return ref;
  }

  get(claim: Key): Lease | undefined {
    return this.#held.get(keyOf(claim));
  }

  /** The claim is over, or ends with its lease. */
  forget(claim: Key): void {
    this.#held.delete(keyOf(claim));
  }

  /** Makes deliveries due again: at a time, or when they were due before. */
  async release(claims: readonly Key[], dueAt?: Date): Promise<void> {
    const held = claims.flatMap((claim) => this.get(claim) ?? []);
    if (held.length === 0) return;
    await this.#database.query(
      "work",
      `UPDATE forwards SET due_at = held.due_at + ${CLOCK_SHIFT}, lease = NULL
       FROM unnest(?::bigint[], ?::uuid[], ?::bigint[]) AS held (id, lease, due_at)
       WHERE forwards.id = held.id AND forwards.lease = held.lease AND state = ${WAITING}`,
      [
        this.#now().getTime(),
        held.map(({ ref }) => ref.id),
        held.map(({ ref: { lease = "" } }) => lease),
        held.map(({ dueAtMs }) => dueAt?.getTime() ?? dueAtMs),
      ],
    );
    for (const { ref } of held) this.forget(ref);
  }

  /**
   * Extends all leases. One that is not extended may have expired, and another process may have the row. Locked rows are being
   * settled and are skipped: waiting for them could deadlock, since settling locks in another order.
   */
  async renew(): Promise<void> {
    if (this.#held.size === 0 || this.#renewing !== undefined) return;
    const leases = [...this.#held.values()];
    const refs = leases.map(({ ref }) => ref);
    const sentAtMs = performance.now();
    const nowMs = this.#now().getTime();
    this.#renewing = this.#database
      .query(
        "work",
        `WITH held AS MATERIALIZED (
           SELECT forwards.id FROM unnest(?::bigint[], ?::uuid[]) AS ours (id, lease) JOIN forwards USING (id, lease)
           WHERE state = ${WAITING} FOR UPDATE OF forwards SKIP LOCKED)
         UPDATE forwards SET due_at = ?::bigint + ${CLOCK_SHIFT} + ? FROM held WHERE forwards.id = held.id
         RETURNING forwards.id`,
        [refs.map(({ id }) => id), refs.map(({ lease = "" }) => lease), nowMs, nowMs, this.ms],
      )
      .then((rows) => {
        const renewed = new Set(rows.map((row) => numberOf(row, "id")));
        for (const lease of leases) if (renewed.has(lease.ref.id)) lease.endsAtMs = sentAtMs + this.ms;
      })
      .finally(() => {
        this.#renewing = undefined;
      });
    await this.#renewing;
  }

  /** Releases all that is held. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#renewing?.catch(() => {});
    // Without a server the leases end by themselves.
    await this.release([...this.#held.values()].map(({ ref }) => ref)).catch(() => {});
  }
}

function keyOf({ id, lease = "" }: Key): string {
  return `${id} ${lease}`;
}
