import type { Reply } from "../contract/product.ts";
import { MAX_IN_FLIGHT_BYTES } from "../delivery/delivery.ts";
import { plainReply } from "../recognition/reply.ts";

const MAX_IN_FLIGHT_REQUESTS = 2_000;
/** A body that takes longer to arrive makes room for other requests when there is none left. */
const SLOW_BODY_MS = 2_000;
const RETRY_AFTER_SECONDS = 1;

/** The answer to a request for which there is no room. */
export const overloadedReply: Reply = {
  ...plainReply(503, "too many requests are in flight; send it again later"),
  headers: [["retry-after", String(RETRY_AFTER_SECONDS)]],
};

/** Room for one request, from its headers to its answer. */
export interface Admission {
  /** Reserves bytes for the body; false when there are none left. */
  reserve(bytes: number): boolean;
  /** The body is complete: from now on the request keeps its room. */
  bodyArrived(): void;
  /** Called when the request has lost its room to others, since its body was slow. */
  onEvicted: () => void;
  /** Frees the room, however often it is called. */
  release(): void;
}

interface SlowCandidate extends Admission {
  readonly startedAtMs: number;
}

/**
 * Limits the requests that are not answered yet, by number and by the bytes of their bodies, whatever keeps them: slow
 * senders, a flood, or a slow database. `onFull` is called for the first request without room, and again only after half of
 * the room was free.
 */
export function createInFlight(onFull: () => void = () => {}) {
  /** The oldest first. */
  const arriving = new Set<SlowCandidate>();
  let requests = 0;
  let bytes = 0;
  let isFull = false;

  /** Frees the room of the body that has been arriving the longest; false when none is slow. */
  function evictSlowest(): boolean {
    const slowest: SlowCandidate | undefined = arriving.values().next().value;
    if (slowest !== undefined && performance.now() - slowest.startedAtMs >= SLOW_BODY_MS) {
      slowest.release();
      slowest.onEvicted();
      return true;
    }
    if (!isFull) onFull();
    isFull = true;
    return false;
  }

  return {
    /** Undefined when there is no room. */
    admit(): Admission | undefined {
      if (requests >= MAX_IN_FLIGHT_REQUESTS && !evictSlowest()) return undefined;
      let reserved = 0;
      let isReleased = false;
      const admission: SlowCandidate = {
        startedAtMs: performance.now(),
        reserve(count) {
          while (!isReleased && bytes + count > MAX_IN_FLIGHT_BYTES) if (!evictSlowest()) return false;
          if (isReleased) return false;
          bytes += count;
          reserved += count;
          return true;
        },
        bodyArrived: () => void arriving.delete(admission),
        onEvicted() {},
        release() {
          if (isReleased) return;
          isReleased = true;
          arriving.delete(admission);
          requests--;
          bytes -= reserved;
          if (requests < MAX_IN_FLIGHT_REQUESTS / 2 && bytes < MAX_IN_FLIGHT_BYTES / 2) isFull = false;
        },
      };
      requests++;
      arriving.add(admission);
      return admission;
    },
  };
}

export type InFlight = ReturnType<typeof createInFlight>;
