import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Queue } from "bullmq";
import type { Redis } from "ioredis";
import type { Delivery } from "../delivery/delivery.ts";
import { readPayload } from "../delivery/payload.ts";
import { isQueue, readQueueAddress } from "../delivery/target.ts";
import { errorText, usageError } from "../util/errors.ts";
import { isRecord } from "../util/json.ts";
import { oneLine } from "../util/text.ts";
import { onAbort } from "../util/timing.ts";
import { openPoster, type Poster, type PosterOptions } from "./post.ts";
import { explainFailure, interruptedFailure, type PostFailure, timeoutFailure } from "./post-failure.ts";
import type { QueuedEvent } from "./request.ts";

export interface QueuePosterOptions extends Pick<PosterOptions, "timeoutMs" | "insecure"> {
  /** The addresses of targets that have a user and a password. */
  readonly addresses: ReadonlyMap<string, string>;
  /** When an earlier event was received; undefined when it is not known any more. */
  receivedAtOf(n: number): Promise<Date | undefined>;
}

interface Connection {
  readonly client: Redis;
  /** Rejects when Redis cannot be reached, or refuses the user. */
  readonly queue: Promise<Queue>;
}

/** The guide: three attempts, with pauses of 2 and 4 seconds. */
const JOB_OPTIONS = { attempts: 3, backoff: { type: "exponential", delay: 2000 } };

const REOPEN_AFTER_MS = 100;

/** Adds deliveries to BullMQ queues as the guide's jobs: a 200 means that Redis has the job. One connection per target. */
async function openQueuePoster(options: QueuePosterOptions): Promise<Poster> {
  const { timeoutMs, insecure, addresses, receivedAtOf } = options;
  const bullmq = await loadBullMq();
  const connections = new Map<string, Connection>();

  function connectionTo(target: string): Connection {
    const known = connections.get(target);
    if (known !== undefined) return known;
    const { queue: name, prefix, tls, ...address } = readQueueAddress(addresses.get(target) ?? target);
    const client = new bullmq.Redis({
      ...address,
      // ioredis would use IPv4 only.
      family: 0,
      ...(tls ? { tls: { rejectUnauthorized: !insecure } } : {}),
      lazyConnect: true,
      // It would wait for a Redis that is loading, which then seems to be silent.
      enableReadyCheck: false,
      connectTimeout: timeoutMs,
      // A connection that is lost is not opened again by itself: the next attempt opens one, and shows whether Redis is down.
      retryStrategy: () => null,
    });
    const queue = connect(client).then(() => {
      const opened = new bullmq.Queue(name, { connection: client, ...(prefix && { prefix }), skipVersionCheck: true });
      // Every error is that of a job as well.
      return opened.on("error", () => {});
    });
    const connection = { client, queue };
    connections.set(target, connection);
    client.once("end", () => drop(target, connection));
    queue.catch(() => drop(target, connection));
    return connection;
  }

  function drop(target: string, connection: Connection): void {
    // All jobs of a connection come here when it is lost, and ioredis adds a listener with every call.
    if (connections.get(target) !== connection) return;
    connections.delete(target);
    connection.client.disconnect();
  }

  async function add(target: string, job: WebhookJob, id: string | undefined): Promise<void> {
    for (let isFirst = true; ; isFirst = false) {
      const connection = connectionTo(target);
      const queue = await connection.queue;
      try {
        await queue.add(job.product, job, { ...JOB_OPTIONS, ...(id && { jobId: id }) });
        return;
      } catch (error) {
        // Redis was restarted since. If it has the job already, its id prevents a second one.
        if (!isFirst || connection.client.status === "ready") throw error;
        drop(target, connection);
        // A server that is being killed may still take a connection, and lose it.
        await delay(REOPEN_AFTER_MS);
      }
    }
  }

  async function idOf({ n, receivedAt, duplicateOf }: QueuedEvent): Promise<string | undefined> {
    if (n === undefined) return undefined;
    const original = duplicateOf === undefined ? undefined : await receivedAtOf(duplicateOf);
    return original === undefined ? jobId(n, receivedAt) : jobId(duplicateOf ?? n, original);
  }

  return {
    async post(delivery, { signal, event = { n: undefined, product: undefined, receivedAt: new Date() } } = {}) {
      const { url: target } = delivery;
      const startedAt = performance.now();
      let answer = {};
      try {
        const id = await idOf(event);
        await within(add(target, webhookJob(delivery, event), id), timeoutMs, signal);
        answer = { status: 200, replyPreview: `queued${id === undefined ? "" : ` as ${id}`}` };
      } catch (error) {
        const connection = connections.get(target);
        if (error === TIMED_OUT && connection !== undefined) drop(target, connection);
        answer = { error: explain(error, new URL(target), timeoutMs) };
      }
      const latencyMs = performance.now() - startedAt;
      const none = { status: undefined, headers: [], replyPreview: "", reply: undefined, error: undefined };
      return { ...none, isLegible: true, latencyMs, ...answer };
    },
    isDirect: () => true,
    async close() {
      for (const { client } of connections.values()) client.disconnect();
    },
  };
}

async function loadBullMq() {
  try {
    const [{ Queue: BullQueue }, { Redis: Client }] = await Promise.all([import("bullmq"), import("ioredis")]);
    return { Queue: BullQueue, Redis: Client };
  } catch (error) {
    const [reason] = errorText(error).split("\n", 1);
    throw usageError(
      `a bullmq:// target needs the packages bullmq and ioredis (${reason})`,
      "npm install bullmq ioredis",
    );
  }
}

async function connect(client: Redis): Promise<void> {
  let trouble: unknown;
  client.on("error", (error) => {
    trouble ??= error;
  });
  await client.connect().catch((error: unknown) => {
    trouble ??= error;
  });
  // A database that does not exist is only reported as an event, and the jobs would go to database 0.
  if (trouble !== undefined) throw trouble;
}

const TIMED_OUT = new Error("timed out");
const INTERRUPTED = new Error("interrupted");

/** Rejects with one of the above when the work takes too long, or the signal aborts. */
function within<T>(work: Promise<T>, timeoutMs: number, signal: AbortSignal | undefined): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(TIMED_OUT), timeoutMs);
    const cancel = onAbort(signal, () => reject(INTERRUPTED));
    work.then(resolve, reject).finally(() => {
      clearTimeout(timer);
      cancel();
    });
  });
}

function explain(error: unknown, url: URL, timeoutMs: number): PostFailure {
  const circumstances = { url, timeoutMs, status: undefined };
  if (error === INTERRUPTED) return interruptedFailure(circumstances);
  if (error === TIMED_OUT) return { ...timeoutFailure(circumstances), hint: LOG_HINT };
  const text = oneLine(errorText(error));
  if (error instanceof Error && error.name === "ReplyError") {
    const [code, hint] = REFUSALS.find(([word]) => text.includes(word)) ?? ["refused", LOG_HINT];
    return { code, message: `${url.host} refused the job: ${text}`, hint };
  }
  // ioredis has no code for it.
  const isClosed = /^Connection is closed/.test(text);
  const failure = explainFailure(
    isClosed ? Object.assign(new Error(text), { code: "ECONNRESET" }) : error,
    circumstances,
  );
  if (/^(EPROTO$|ERR_SSL_)/.test(failure.code)) return { ...failure, hint: "is it bullmq:// instead of bullmqs://?" };
  return { ...failure, hint: CONNECTION_HINTS[failure.code] ?? failure.hint };
}

const LOG_HINT = "see the log of Redis";

/** Redis's own words for a refusal, and what to do. */
const REFUSALS: readonly (readonly [word: string, hint: string])[] = [
  ["WRONGPASS", "check user and password in the address: bullmq://user:password@host:6379/queue"],
  [
    "NOAUTH",
    "Redis needs a password, which the log does not keep: write the target as bullmq://:password@host:6379/queue in the settings or the flag",
  ],
  ["NOPERM", "let this user run scripts and write the keys of the queue (ACL SETUSER)"],
  ["OOM", "Redis is full: raise maxmemory, or have the worker remove completed jobs (removeOnComplete)"],
  ["READONLY", "this Redis is a replica: name the primary"],
  ["LOADING", "Redis has started and is reading its data"],
  ["MISCONF", "Redis cannot write to its disk: see its log"],
  ["MOVED", "a Redis Cluster is not supported: name a single server"],
  ["DB index", "?db= names a database that this Redis does not have"],
];

const CONNECTION_HINTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "is Redis running, and on this port?",
  ECONNRESET: "is it Redis, and is it bullmqs:// (TLS) perhaps? See its log",
  failed: LOG_HINT,
};

/** The data of the guide's job, and the exact bytes. Long numbers are strings, since JSON.parse would round them. */
interface WebhookJob {
  readonly product: string;
  /** Undefined for a body that cannot be read. */
  readonly webhook: unknown;
  readonly webhookId: string;
  /** ISO 8601 */
  readonly receivedAt: string;
  /** The body in base64. */
  readonly rawBody: string;
  /** Only where `reconcile` made the delivery. */
  readonly reconstructed?: true;
}

function webhookJob(delivery: Delivery, event: QueuedEvent): WebhookJob {
  const { product = "unknown", receivedAt, reconstructed } = event;
  const read = readPayload(delivery);
  const webhook = read.ok ? read.payload.data : undefined;
  const rawBody = delivery.body.toString("base64");
  return {
    product,
    webhook,
    webhookId: webhookId(webhook, delivery),
    receivedAt: receivedAt.toISOString(),
    rawBody,
    ...(reconstructed && { reconstructed }),
  };
}

/** The guide's `getWebhookId`. */
function webhookId(webhook: unknown, { body }: Delivery): string {
  const { ids, subscription_id, invoice_id, ticketId } = isRecord(webhook) ? webhook : {};
  const id = (Array.isArray(ids) ? ids[0] : undefined) || subscription_id || invoice_id || ticketId;
  if (typeof id === "string" || typeof id === "number") return String(id);
  return createHash("md5")
    .update(webhook === undefined ? body : JSON.stringify(webhook))
    .digest("hex");
}

/**
 * Names a job: alike for an event that is delivered twice, different in each log, where numbers begin at 1 again. BullMQ
 * ignores a job whose id it has, and refuses integers and colons.
 */
function jobId(original: number, receivedAt: Date): string {
  return `zoho-${original}-${receivedAt.getTime()}`;
}

/**
 * Sends to apps over HTTP and to queues: the one place that tells them apart. What a queue needs is loaded only if there is one
 * among these targets; throws a UserError where it is not installed.
 */
export async function openTargets(
  targets: readonly string[],
  options: PosterOptions & QueuePosterOptions,
): Promise<Poster> {
  if (!targets.some(isQueue)) return openPoster(options);
  const queues = await openQueuePoster(options);
  const apps = await openPoster(options);
  const posterOf = (url: string): Poster => (isQueue(url) ? queues : apps);
  return {
    post: (delivery, postOptions) => posterOf(delivery.url).post(delivery, postOptions),
    isDirect: (url) => posterOf(url).isDirect(url),
    close: async () => void (await Promise.all([queues.close(), apps.close()])),
  };
}
