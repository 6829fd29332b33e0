import type { Faults } from "../../contract/prepare.ts";
import type { Format } from "../../contract/product.ts";
import type { Delivery } from "../../delivery/delivery.ts";
import { openPoster, type PostResult } from "../../forward/post.ts";
import type { Sleep } from "../../util/timing.ts";
import { type InspectOptions, inspect, type Network } from "./network.ts";
import { freshData, signed } from "./samples.ts";
import type { Sample, Subject } from "./subject.ts";

export interface EndpointOptions extends Pick<InspectOptions, "ca"> {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly now: () => Date;
  readonly sleep: Sleep;
  readonly signal: AbortSignal;
  /** Post to a server with an invalid certificate. */
  readonly insecure: boolean;
}

interface SampleOptions {
  readonly sample?: Sample;
  /** Changes the fresh data. */
  readonly edit?: (data: unknown) => unknown;
  readonly faults?: Faults;
  readonly format?: Format;
  readonly now?: Date;
}

interface SendOptions {
  readonly slowMs?: number;
  /** Ends the connection in the middle of the request. */
  readonly abortAfterMs?: number;
}

/** How many are sent at the same time, at most. */
export const BURST = 20;
const MAX_REQUESTS = 250;
/** Of the deadline: with 10 s at most 50 requests a second, but for the burst. */
const INTERVAL_SHARE = 1 / 500;
const CONNECT_TIMEOUT_MS = 10_000;

export type Endpoint = Awaited<ReturnType<typeof openEndpoint>>;

/** The one address that is checked: nothing else is ever asked, and redirects are not followed. */
export async function openEndpoint(subject: Subject, options: EndpointOptions) {
  const { now, sleep, signal, env, insecure } = options;
  const { url, deadlineMs } = subject;
  // A sender's clock runs until the answer has come, so a late one is waited for a little, to tell it from none.
  const posting = { env, insecure, timeoutMs: deadlineMs * 1.2, onlyOnce: true };
  const poster = await openPoster({ ...posting, connections: BURST, ownConnections: true });
  const answers: PostResult[] = [];
  let sent = 0;
  let nextAt = 0;

  const post = async (by: typeof poster, delivery: Delivery, { slowMs, abortAfterMs }: SendOptions = {}) => {
    signal.throwIfAborted();
    if (++sent > MAX_REQUESTS) throw new Error(`more than ${MAX_REQUESTS} requests`);
    const breaker = new AbortController();
    const stop = (): void => breaker.abort();
    signal.addEventListener("abort", stop, { once: true });
    const timer = abortAfterMs === undefined ? undefined : setTimeout(stop, abortAfterMs);
    try {
      const answer = await by.post(delivery, { slowMs, signal: breaker.signal, wholeReply: true });
      signal.throwIfAborted();
      answers.push(answer);
      return answer;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
    }
  };

  const send = async (delivery: Delivery, sendOptions?: SendOptions): Promise<PostResult> => {
    const slot = Math.max(nextAt, performance.now());
    nextAt = slot + deadlineMs * INTERVAL_SHARE;
    await sleep(slot - performance.now(), signal);
    return post(poster, delivery, sendOptions);
  };

  const make = ({ sample = subject.sample, edit = (data) => data, faults, format, now: at = now() }: SampleOptions) =>
    signed(subject, { event: sample.event, body: edit(freshData(subject, sample, at)), now: at, faults, format });

  return {
    subject,
    now,
    sleep: (ms: number) => sleep(ms, signal),
    /** All that has been answered so far. */
    answers: answers as readonly PostResult[],
    /** The address as the network shows it; undefined through a proxy. */
    network: once(
      (): Promise<Network | undefined> =>
        poster.isDirect(url)
          ? inspect(new URL(url), { timeoutMs: CONNECT_TIMEOUT_MS, ca: options.ca })
          : Promise.resolve(undefined),
    ),
    /** A new valid delivery, or one with faults. */
    make: (made: SampleOptions = {}): Delivery => make(made),
    /** The delivery with another body, signed anew. */
    withBody(delivery: Delivery, body: Buffer): Delivery {
      const contentType = delivery.headers.find(([name]) => name === "content-type")?.[1];
      return signed(subject, { event: subject.sample.event, body, contentType, now: now() });
    },
    send,
    /** The answer to the first valid delivery. */
    baseline: once(() => send(make({}))),
    /** As many at once as a sender may post. All are made before the first is sent, which takes a while. */
    burst: once(async () => {
      const deliveries = Array.from({ length: BURST }, () => make({}));
      await sleep(0, signal);
      return Promise.all(deliveries.map((delivery) => post(poster, delivery)));
    }),
    /** One after the other on one connection. */
    async onOneConnection(deliveries: readonly Delivery[]): Promise<readonly PostResult[]> {
      const single = await openPoster({ ...posting, connections: 1 });
      try {
        const results: PostResult[] = [];
        for (const delivery of deliveries) results.push(await post(single, delivery));
        return results;
      } finally {
        await single.close();
      }
    },
    /** Whether it still answers, whatever it answers. */
    async isAlive(): Promise<boolean> {
      const { status } = await send({ method: "OPTIONS", url, headers: [], body: Buffer.alloc(0) });
      return status !== undefined;
    },
    close: () => poster.close(),
  };
}

function once<T>(work: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => {
    result ??= work();
    return result;
  };
}
