import { type Delivery, headerValue } from "../../delivery/delivery.ts";
import { openPoster, type Poster, type PostResult } from "../../forward/post.ts";
import type { Format } from "../../model/product.ts";
import type { Context } from "../../project/context.ts";
import type { Env } from "../../project/variables.ts";
import type { Faults } from "../../samples/prepare.ts";
import { isLoopback } from "../../util/hosts.ts";
import { onAbort, retryAfterMs } from "../../util/timing.ts";
import { inspect, type Network } from "./network.ts";
import type { SampleEvent, Subject } from "./samples.ts";
import { freshData, signed } from "./samples.ts";

interface EndpointOptions extends Pick<Context, "now" | "sleep" | "signal"> {
  readonly env: Env;
  /** Authorities beside those that Node knows. */
  readonly ca?: string;
}

interface SampleOptions {
  readonly sample?: SampleEvent;
  /** Changes the fresh data. */
  readonly edit?: (data: unknown) => unknown;
  readonly faults?: Faults;
  readonly format?: Format;
  readonly now?: Date;
}

interface RequestOptions {
  readonly slowMs?: number;
  /** Ends the connection in the middle of the request. */
  readonly abortAfterMs?: number;
}

/** How many are sent at the same time, at most. */
export const BURST = 20;
const MAX_REQUESTS = 250;
const CONNECT_TIMEOUT_MS = 10_000;

/** Thrown instead of sending where the endpoint answers 429 for longer than can be waited for. */
export class RateLimited extends Error {
  constructor() {
    super("it limits its rate (429)");
  }
}

/** The first 429 of a run. */
interface RateLimit {
  /** How many requests had been sent. */
  readonly requests: number;
  readonly answer: PostResult;
}

export type Endpoint = Awaited<ReturnType<typeof openEndpoint>>;

/** The one address that is checked: nothing else is ever asked, and redirects are not followed. */
export async function openEndpoint(subject: Subject, { now, sleep, signal, env, ca }: EndpointOptions) {
  const { url, deadlineMs } = subject;
  // A sender's clock runs until the answer has come, so a late one is waited for a little, to tell it from none.
  const posting = { env, insecure: mayBeInsecure(subject), timeoutMs: deadlineMs * 1.2, onlyOnce: true };
  const poster = await openPoster({ ...posting, connections: BURST, ownConnections: true });
  const answers: PostResult[] = [];
  const pace = new Pace(deadlineMs);
  let requests = 0;
  let rateLimit: RateLimit | undefined;

  const post = async (by: Poster, delivery: Delivery, { slowMs, abortAfterMs }: RequestOptions = {}) => {
    signal.throwIfAborted();
    if (++requests > MAX_REQUESTS) throw new Error(`more than ${MAX_REQUESTS} requests`);
    const breaker = new AbortController();
    const cancel = onAbort(signal, () => breaker.abort());
    const timer = abortAfterMs === undefined ? undefined : setTimeout(() => breaker.abort(), abortAfterMs);
    const answer = await by.post(delivery, { slowMs, signal: breaker.signal, wholeReply: true });
    clearTimeout(timer);
    cancel();
    signal.throwIfAborted();
    if (answer.status === 429) {
      rateLimit ??= { requests, answer };
      pace.slowDown(retryAfterMs(headerValue(answer, "retry-after"), now()));
    } else {
      answers.push(answer);
      pace.recover();
    }
    return answer;
  };

  const postInTurn: typeof post = async (by, delivery, options) => {
    if (pace.isExhausted) throw new RateLimited();
    await sleep(pace.nextPauseMs(), signal);
    return post(by, delivery, options);
  };

  /** Sends what is answered 429 again, after a pause: no check sees such an answer. */
  const send = async (delivery: Delivery, options?: RequestOptions, by = poster): Promise<PostResult> => {
    for (;;) {
      const answer = await postInTurn(by, delivery, options);
      if (answer.status !== 429) return answer;
    }
  };

  const make = ({ sample = subject.sample, edit = (data) => data, now: at = now(), ...rest }: SampleOptions = {}) =>
    signed(subject, { event: sample.event, body: edit(freshData(subject, sample, at)), now: at, ...rest });

  return {
    subject,
    now,
    sleep: (ms: number) => sleep(ms, signal),
    /** All that has been answered so far. */
    answers: answers as readonly PostResult[],
    rateLimit: () => rateLimit,
    /** The address as the network shows it; undefined through a proxy. */
    network: once(
      async (): Promise<Network | undefined> =>
        poster.isDirect(url) ? inspect(new URL(url), { timeoutMs: CONNECT_TIMEOUT_MS, ca }) : undefined,
    ),
    /** A new valid delivery, or one with faults. */
    make,
    /** The delivery with another body, signed anew. */
    withBody(delivery: Delivery, body: Buffer): Delivery {
      return signed(subject, {
        event: subject.sample.event,
        body,
        contentType: headerValue(delivery, "content-type"),
        now: now(),
      });
    },
    send,
    /** The answer to the first valid delivery. */
    baseline: once(() => send(make())),
    /** As many at once as a sender may post. All are made before the first is sent, which takes a while. */
    burst: once(async () => {
      if (rateLimit !== undefined) throw new RateLimited();
      const deliveries = Array.from({ length: BURST }, () => make());
      await sleep(0, signal);
      const all = await Promise.all(deliveries.map((delivery) => post(poster, delivery)));
      if (all.some(({ status }) => status === 429)) throw new RateLimited();
      return all;
    }),
    /** One after the other on one connection. */
    async onOneConnection(deliveries: readonly Delivery[]): Promise<readonly PostResult[]> {
      const single = await openPoster({ ...posting, connections: 1 });
      try {
        const results: PostResult[] = [];
        for (const delivery of deliveries) results.push(await send(delivery, {}, single));
        return results;
      } finally {
        await single.close();
      }
    },
    /** Whether it still answers, whatever it answers. */
    async isAlive(): Promise<boolean> {
      if (pace.isExhausted) return true;
      const { status } = await postInTurn(poster, { method: "OPTIONS", url, headers: [], body: Buffer.alloc(0) });
      return status !== undefined;
    },
    close: () => poster.close(),
  };
}

/** A self-signed certificate is usual on a developer's machine, and what is sent stays there. */
export function mayBeInsecure({ url }: Pick<Subject, "url">): boolean {
  return isLoopback(new URL(url).hostname);
}

function once<T>(work: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => {
    result ??= work();
    return result;
  };
}

/** As shares of the deadline. With 10 s at most 50 requests a second, but for the burst. */
const INTERVAL_SHARE = 1 / 500;
/** The first pause after a 429; longer where the endpoint asks for that, or answers it again. With 10 s one second. */
const PAUSE_SHARE = 1 / 10;
/** All pauses together. */
const MAX_PAUSES_SHARE = 10;

/** How fast requests are sent to one endpoint: evenly, and more slowly once it has answered 429. Times are in milliseconds. */
class Pace {
  readonly #deadlineMs: number;
  #nextAt = 0;
  #intervalMs: number;
  #pauseMs: number;
  #pausedUntil = 0;
  #pausesLeftMs: number;

  constructor(deadlineMs: number) {
    this.#deadlineMs = deadlineMs;
    this.#intervalMs = deadlineMs * INTERVAL_SHARE;
    this.#pauseMs = deadlineMs * PAUSE_SHARE;
    this.#pausesLeftMs = deadlineMs * MAX_PAUSES_SHARE;
  }

  /** It has answered 429 for longer than can be waited for. */
  get isExhausted(): boolean {
    return this.#pausesLeftMs < 0;
  }

  /** The pause before the next request. Each call is for one request. */
  nextPauseMs(): number {
    const slot = Math.max(this.#nextAt, this.#pausedUntil, performance.now());
    this.#nextAt = slot + this.#intervalMs;
    return slot - performance.now();
  }

  /** After a 429: from now on fewer are sent, and none before the time that the endpoint names. */
  slowDown(retryAfter: number | undefined): void {
    // The others of a burst share its pause.
    if (performance.now() < this.#pausedUntil) return;
    const ms = Math.max(this.#pauseMs, retryAfter ?? 0);
    this.#pausedUntil = performance.now() + ms;
    this.#pausesLeftMs -= ms;
    this.#pauseMs *= 2;
    this.#intervalMs = Math.min(2 * this.#intervalMs, this.#deadlineMs * PAUSE_SHARE);
  }

  /** After another answer: the next pause is a short one again. */
  recover(): void {
    this.#pauseMs = this.#deadlineMs * PAUSE_SHARE;
  }
}
