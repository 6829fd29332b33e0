import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { MAX_IN_FLIGHT_BYTES } from "../delivery/delivery.ts";
import { plainReply, type Reply } from "../model/product.ts";

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

/**
 * Limits the requests that are not answered yet, by number and by the bytes of their bodies, whatever keeps them: slow
 * senders, a flood, or a slow database. `onFull` is called for the first request without room, and again only after half of
 * the room was free.
 */
export function createInFlight(onFull: () => void = () => {}) {
  /** Requests whose bodies have not come yet, with the times of their starts: the oldest first. */
  const arriving = new Map<Admission, number>();
  let requests = 0;
  let bytes = 0;
  let isFull = false;

  /** Frees the room of the body that has been arriving the longest; false when none is slow. */
  function evictSlowest(): boolean {
    const [slowest, startedAtMs = 0] = arriving.entries().next().value ?? [];
    if (slowest !== undefined && performance.now() - startedAtMs >= SLOW_BODY_MS) {
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
      const admission: Admission = {
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
      arriving.set(admission, performance.now());
      return admission;
    },
  };
}

export type InFlight = ReturnType<typeof createInFlight>;

/** The exact bytes, or why they were not read: more than the limit, or more than there is room for. */
export type BodyRead = Buffer | "too-large" | "no-room";

/** At least this much is added to a body that comes in parts, which may be single bytes. */
const MIN_GROWTH_BYTES = 4096;
/** A body in more parts than this has to have 64 bytes in each on average: chunks of single bytes take all the time of a process. */
const MAX_SMALL_PARTS = 10_000;
const SMALL_PART_BYTES = 64;
/** For reading and dropping the rest of a rejected body, so that the sender sees the answer and not a reset. */
const DRAIN_TIMEOUT_MS = 2_000;

const NO_BYTES: Buffer = Buffer.alloc(0);

/**
 * Collects a body in one buffer that doubles as it grows: a list of its parts would take hundreds of bytes for each, and a
 * sender may send single bytes.
 */
export class BodyBuffer {
  readonly #maxBytes: number;
  readonly #admission: Admission;
  #buffer = NO_BYTES;
  #length = 0;
  #parts = 0;

  constructor(maxBytes: number, admission: Admission) {
    this.#maxBytes = maxBytes;
    this.#admission = admission;
  }

  get length(): number {
    return this.#length;
  }

  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Returns what keeps a part from being added. The part must not be changed afterwards. Throws for too many small parts. */
  add(part: Buffer): "too-large" | "no-room" | undefined {
    const length = this.#length + part.length;
    this.#parts++;
    if (this.#parts > MAX_SMALL_PARTS && length < this.#parts * SMALL_PART_BYTES)
      throw new Error(`the body came in more than ${MAX_SMALL_PARTS} chunks of a few bytes`);
    if (length > this.#maxBytes) return "too-large";
    if (length > this.#buffer.length) {
      const size = this.#length === 0 ? length : Math.max(length, 2 * this.#buffer.length, MIN_GROWTH_BYTES);
      const capacity = Math.min(size, this.#maxBytes);
      if (!this.#admission.reserve(capacity - this.#buffer.length)) return "no-room";
      if (this.#length === 0) this.#buffer = part;
      else {
        const larger = Buffer.allocUnsafeSlow(capacity);
        this.#buffer.copy(larger, 0, 0, this.#length);
        this.#buffer = larger;
      }
    }
    if (this.#buffer !== part) part.copy(this.#buffer, this.#length);
    this.#length = length;
    return undefined;
  }
}

export interface UnreadBody {
  /** The request, or what a framework has made of it. */
  readonly stream: Readable;
  readonly headers: IncomingHttpHeaders;
  readonly maxBytes: number;
  readonly admission: Admission;
}

/** Reads a body. A refused one is not read to its end: see `drain`. Rejects when the sender goes away first. */
export function readBody({ stream, headers, maxBytes, admission }: UnreadBody): Promise<BodyRead> {
  if (Number(headers["content-length"]) > maxBytes) return Promise.resolve("too-large");
  let body: BodyBuffer | undefined = new BodyBuffer(maxBytes, admission);
  return new Promise((resolve, reject) => {
    const end = (settle: () => void): void => {
      if (body === undefined) return;
      body = undefined;
      admission.bodyArrived();
      settle();
    };
    const refuse = (problem: "too-large" | "no-room"): void => {
      // What has come already would be read all the same, up to two megabytes in a turn of the event loop.
      stream.pause();
      end(() => resolve(problem));
    };
    const onBroken = (): void => {
      const text = `the connection was closed after ${body?.length} bytes of the body`;
      end(() => reject(new Error(text)));
    };
    admission.onEvicted = () => refuse("no-room");
    stream.on("data", (part: Buffer) => {
      try {
        const problem = body?.add(part);
        if (problem !== undefined) refuse(problem);
      } catch (error) {
        end(() => reject(error));
        stream.destroy();
      }
    });
    stream.on("end", () => {
      const bytes = body?.bytes;
      if (bytes !== undefined) end(() => resolve(bytes));
    });
    stream.on("error", onBroken);
    stream.on("close", onBroken);
  });
}

/**
 * Drops the rest of a body that is refused; resolves when it has arrived, or does not for a while. Undefined when there is no
 * rest. Under overload it is not read, for that takes as long as receiving it.
 */
export function drain(request: IncomingMessage, reply?: Reply): Promise<void> | undefined {
  if (request.complete) return undefined;
  if (request.destroyed || reply === overloadedReply) return Promise.resolve();
  request.resume();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, DRAIN_TIMEOUT_MS);
    const onEnd = (): void => {
      clearTimeout(timer);
      resolve();
    };
    request.once("end", onEnd);
    request.once("close", onEnd);
  });
}

/**
 * Reads a body in a server that limits nothing but each body. Undefined for one that is longer: what follows is dropped for a while,
 * so that its client reads the answer. Rejects, and closes the connection, as `readBody` does.
 */
export async function readWholeBody(request: IncomingMessage, maxBytes: number): Promise<Buffer | undefined> {
  const admission: Admission = { reserve: () => true, bodyArrived() {}, onEvicted() {}, release() {} };
  const read = await readBody({ stream: request, headers: request.headers, maxBytes, admission });
  if (typeof read !== "string") return read;
  await drain(request);
  return undefined;
}
