import { DUPLICATE_WINDOW_MS } from "../delivery/delivery.ts";
import type { Reply } from "../model/product.ts";
import type { Receipt } from "../model/receipt.ts";
import type { Decision } from "../recognition/reply.ts";
import type { Arrival } from "./evaluate.ts";

export interface RecordRequest {
  readonly arrival: Arrival;
  readonly receipt: Receipt;
  readonly decision: Decision;
}

export interface Recorded {
  /** Counts from 1, in order of arrival. */
  readonly n: number;
  readonly duplicateOf: number | undefined;
  /** The developer's app answers the sender in place of us. */
  mirror?(): Promise<Reply>;
  /** Starts forwarding. Called after the event is reported and the sender has its answer, unless that comes from `mirror`. */
  forward?(): void;
}

/** Stores deliveries. An accepted one is answered 2xx only after `record` has resolved. */
export interface Recorder {
  record(request: RecordRequest): Promise<Recorded>;
}

const MAX_IDENTITIES = 200_000;

/** Numbers deliveries and detects duplicates while the process lives; stores no bodies. */
export function memoryRecorder(): Recorder {
  const seen = new Map<string, { readonly n: number; readonly atMs: number }>();
  let count = 0;
  const removeExpired = (nowMs: number): void => {
    // A map iterates in order of insertion, so the oldest come first.
    for (const [identity, { atMs }] of seen) {
      if (atMs >= nowMs - DUPLICATE_WINDOW_MS && seen.size <= MAX_IDENTITIES) break;
      seen.delete(identity);
    }
  };
  return {
    async record({ arrival, receipt, decision }) {
      const n = ++count;
      const atMs = arrival.at.getTime();
      removeExpired(atMs);
      const { identity } = receipt;
      if (identity === undefined || !decision.accepted) return { n, duplicateOf: undefined };
      const original = seen.get(identity);
      if (original === undefined) seen.set(identity, { n, atMs });
      return { n, duplicateOf: original?.n };
    },
  };
}
