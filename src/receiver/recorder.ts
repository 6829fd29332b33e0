import { DUPLICATE_WINDOW_MS } from "../body/delivery.ts";
import type { Reply } from "../core/product.ts";
import type { Receipt } from "../core/receive.ts";
import type { Decision } from "../core/reply.ts";
import type { Arrival } from "./evaluate.ts";

export interface Entry {
  readonly arrival: Arrival;
  readonly receipt: Receipt;
  readonly decision: Decision;
}

export interface Recorded {
  /** Counts from 1, in order of arrival. */
  readonly n: number;
  readonly duplicateOf: number | undefined;
  /** The answer that the developer's app gives in place of ours. */
  answer?(): Promise<Reply>;
  /** What follows once the event is shown and the sender answered, unless `answer` does that: what follows waits for no app. */
  after?(): void;
}

/** Where deliveries are kept. An accepted one is answered only after `keep` has resolved. */
export interface Recorder {
  record(entry: Entry): Promise<Recorded>;
}

const MOST_IDENTITIES = 200_000;

/** Numbers deliveries and knows duplicates for as long as the process lives; holds no bodies. */
export function memoryRecorder(): Recorder {
  const seen = new Map<string, { readonly n: number; readonly atMs: number }>();
  let count = 0;
  const forget = (nowMs: number): void => {
    // A map keeps the order of insertion, so the oldest stand first.
    for (const [identity, { atMs }] of seen) {
      if (atMs >= nowMs - DUPLICATE_WINDOW_MS && seen.size <= MOST_IDENTITIES) break;
      seen.delete(identity);
    }
  };
  return {
    async record({ arrival, receipt, decision }) {
      const n = ++count;
      const atMs = arrival.at.getTime();
      forget(atMs);
      const { identity } = receipt;
      if (identity === undefined || !decision.accepted) return { n, duplicateOf: undefined };
      const earlier = seen.get(identity);
      if (earlier === undefined) seen.set(identity, { n, atMs });
      return { n, duplicateOf: earlier?.n };
    },
  };
}
