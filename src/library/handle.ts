import { MAX_BODY_BYTES } from "../delivery/delivery.ts";
import { type OfferedSecret, plainReply, type Reply } from "../model/product.ts";
import {
  type Admission,
  BodyBuffer,
  type BodyRead,
  createInFlight,
  overloadedReply,
  readBody,
  type UnreadBody,
} from "../receiver/read-body.ts";
import { UNKNOWN_KEY } from "../signatures/keys.ts";
import { errorText } from "../util/errors.ts";
import type { ProductId } from "./event-types.ts";
import { productOf, type RequestLike, requireOptions } from "./input.ts";
import type { Keys } from "./keys.ts";
import { type GenuineEvent, type UnverifiedFailure, verify } from "./verify.ts";

/**
 * The keys, or a function that returns those to use now: of a sender that makes its own secret (Mail), or public keys that
 * are fetched (Desk). It is called for each delivery, and once more with `true` for one that names a key which the public keys
 * lack. Anybody can make up such a name, so limit how often that fetches them again.
 */
export type KeySource = Keys | ((isKeyUnknown: boolean) => Keys | Promise<Keys>);

/** A delivery that was answered with 401 or 400, or for the option `schema` or `unknown` with 422. */
export type Rejected = UnverifiedFailure | (GenuineEvent & { readonly ok: false });

/** Hooks and limits of a handler. Each function may return a promise, which is awaited before the answer. */
export interface HandlerOptions {
  /** `enforce`: answer an event with `issues` with 422, and do not call the app. Default: the app gets it. */
  readonly schema?: "enforce" | undefined;
  /** `reject`: answer an unknown event with 422, and do not call the app. Default: the app gets it. */
  readonly unknown?: "reject" | undefined;
  /**
   * Whether an event was handled before: then it is answered 200, and the app is not called. A repeat that comes while this
   * process handles the event gets the same answer.
   */
  readonly seen?: ((identity: string) => boolean | Promise<boolean>) | undefined;
  /** Stores the identity of an event for `seen`, once the app has handled it. If it fails, the answer is 200 all the same. */
  readonly remember?: ((identity: string) => unknown) | undefined;
  /**
   * Stores the secret that Mail sends with its first call, and never again. It has to throw, and to write nothing, if one is
   * stored already: anybody can make such a call.
   */
  readonly saveSecret?: ((offered: OfferedSecret) => unknown) | undefined;
  /** Called for each rejected delivery. Default: `console.warn` if it is genuine, and nothing otherwise. */
  readonly onRejected?: ((rejected: Rejected) => unknown) | undefined;
  /** Called for each error that is answered with 500, and for those of `remember` and `onRejected`. Default: `console.error`. */
  readonly onError?: ((error: unknown) => unknown) | undefined;
}

/** Resolves to the answer to a request, and never rejects. */
export type Handler = (request: RequestLike | Promise<RequestLike>) => Promise<Reply>;

/** A request that cannot be verified, with the answer to it. */
export class RequestError extends Error {
  readonly reply: Reply;

  constructor(reply: Reply) {
    super(String(reply.body));
    this.reply = reply;
  }
}

/**
 * Verifies the deliveries of a product and calls the app for each genuine event, also for one that is unknown or invalid: see
 * `ok` and `issues` of the event. The framework adapters wrap this; call it directly where there is no adapter.
 *
 * The answer is 200 once `onEvent` has ended; 500 if it throws, so that the sender can repeat the event; 401 for a delivery that
 * is not genuine, 400 if its body cannot be read either; and the reply that a challenge needs.
 *
 * @throws Error for a missing key, TypeError for an invalid one, and for an unknown product or option.
 */
export function createHandler<P extends ProductId>(
  product: P,
  keys: KeySource,
  onEvent: (event: GenuineEvent<P>) => unknown,
  options: HandlerOptions = {},
): Handler {
  requireOptions(options, ["schema", "unknown", "seen", "remember", "saveSecret", "onRejected", "onError"]);
  const { schema, unknown, seen, remember, saveSecret, onRejected = warnIfGenuine, onError = logError } = options;
  requireChoice("schema", schema, "enforce");
  requireChoice("unknown", unknown, "reject");
  productOf(product);
  // A mistake in the keys is found before the first delivery comes.
  if (typeof keys !== "function") fromCaller(createHandler, () => verify(product, { headers: {}, body: "" }, keys));

  let lastOffer: Promise<unknown> = Promise.resolve();
  /** Deliveries that are being handled, by identity. */
  const inProgress = new Map<string, Promise<void>>();

  async function report(error: unknown): Promise<void> {
    try {
      await onError(error);
    } catch (reportError) {
      logError(reportError);
    }
  }

  async function verified(request: RequestLike) {
    if (typeof keys !== "function") return verify(product, request, keys);
    const event = verify(product, request, await keys(false));
    return event.signatures.some(({ match }) => match === UNKNOWN_KEY)
      ? verify(product, request, await keys(true))
      : event;
  }

  /** One after the other, each verified again: of two that come together, the second finds the secret of the first. */
  function acceptOffer(request: RequestLike) {
    const accepting = lastOffer.then(async () => {
      const event = await verified(request);
      if (event.code !== "challenge" || event.offered === undefined) return event;
      if (saveSecret === undefined)
        throw new TypeError(
          `${product} sends its secret with this call only: give the option saveSecret, which stores it`,
        );
      await saveSecret(event.offered);
      return event;
    });
    lastOffer = accepting.catch(() => {});
    return accepting;
  }

  async function answer(request: RequestLike): Promise<Reply> {
    const first = await verified(request);
    const isOffer = first.code === "challenge" && first.offered !== undefined;
    const event = isOffer ? await acceptOffer(request) : first;
    if (event.code === "challenge") return event.reply;
    if (!event.ok && (!event.genuine || isRefused(event))) {
      await Promise.resolve(event).then(onRejected).catch(report);
      return plainReply(event.genuine ? 422 : event.code === "unreadable" ? 400 : 401, event.reason);
    }
    await (seen === undefined ? handleEvent(event) : handleOnce(event, seen));
    return plainReply(200, "OK");
  }

  function isRefused({ known, issues }: GenuineEvent<P>): boolean {
    return (schema === "enforce" && issues.length > 0) || (unknown === "reject" && !known);
  }

  async function handleEvent(event: GenuineEvent<P>): Promise<void> {
    await onEvent(event);
    await Promise.resolve(event.identity).then(remember).catch(report);
  }

  function handleOnce(event: GenuineEvent<P>, isSeen: NonNullable<typeof seen>): Promise<void> {
    const { identity } = event;
    const handleUnseen = async (): Promise<void> => {
      if (!(await isSeen(identity))) await handleEvent(event);
    };
    const handling = inProgress.get(identity) ?? handleUnseen().finally(() => inProgress.delete(identity));
    inProgress.set(identity, handling);
    return handling;
  }

  return async (request) => {
    try {
      return await answer(await request);
    } catch (error) {
      const reply =
        error instanceof RequestError ? error.reply : plainReply(500, "the app failed: its log has the error");
      if (reply.status === 500) await report(error);
      return reply;
    }
  };
}

/** Throws a TypeError for a misspelt value, which would be ignored silently. */
function requireChoice(option: string, value: unknown, only: string): void {
  if (value !== undefined && value !== only) throw new TypeError(`${option} can only be "${only}", or left out`);
}

/** Lets the stack of an error begin where the app calls `entry`, so that Node shows that line and not one of the library. */
export function fromCaller<T>(entry: (...args: never[]) => unknown, call: () => T): T {
  try {
    return call();
  } catch (error) {
    if (error instanceof Error) Error.captureStackTrace(error, entry);
    throw error;
  }
}

function warnIfGenuine({ genuine, reason }: Pick<Rejected, "genuine" | "reason">): void {
  // biome-ignore lint/suspicious/noConsole: An app's log is the only place for it.
  if (genuine) console.warn(`zoho-hooks: answered a genuine event with 422: ${reason}`);
}

function logError(error: unknown): void {
  // biome-ignore lint/suspicious/noConsole: As above.
  console.error(error);
}

/** For frameworks that set headers by name. */
export function replyHeaders({ contentType, headers = [] }: Reply): Record<string, string> {
  return { ...Object.fromEntries(headers), ...(contentType === "" ? {} : { "content-type": contentType }) };
}

/** Shared by all webhooks of a process. */
const inFlight = createInFlight();

/** Answers a request that `read` reads, or with 503 when too many others are in flight. */
export async function answerWithinLimits(
  handle: Handler,
  read: (admission: Admission) => Promise<RequestLike>,
): Promise<Reply> {
  const admission = inFlight.admit();
  if (admission === undefined) return overloadedReply;
  try {
    // Also of a body that a framework has read, or of none.
    return await handle(read(admission).finally(admission.bodyArrived));
  } finally {
    admission.release();
  }
}

/** Reads a body; rejects with a RequestError where it cannot be read. */
export async function bodyOf(unread: UnreadBody): Promise<Buffer> {
  const read = await readBody(unread).catch(() => {
    throw requestAborted();
  });
  return bytesOf(read, unread.maxBytes);
}

function bytesOf(read: BodyRead, maxBytes: number): Buffer {
  if (read === "too-large") throw new RequestError(plainReply(413, `the body is larger than ${maxBytes} bytes`));
  if (read === "no-room") throw new RequestError(overloadedReply);
  return read;
}

/** For frameworks with the requests and responses of the Fetch standard. */
export async function respond(handle: Handler, request: Request): Promise<Response> {
  const reply = await answerWithinLimits(handle, (admission) => readRequest(request, admission));
  // A 204 may not have a body, not even an empty one.
  return new Response(reply.body.length === 0 ? null : reply.body, {
    status: reply.status,
    headers: replyHeaders(reply),
  });
}

async function readRequest(request: Request, admission: Admission): Promise<RequestLike> {
  const { method, url, headers, bodyUsed } = request;
  if (bodyUsed) throw bodyLost("do not read the request before it");
  const read = await readStream(request.body, admission).catch((error: unknown) => {
    throw request.signal.aborted ? requestAborted() : error;
  });
  return { method, url, headers, body: bytesOf(read, MAX_BODY_BYTES) };
}

async function readStream(stream: Request["body"], admission: Admission): Promise<BodyRead> {
  const body = new BodyBuffer(MAX_BODY_BYTES, admission);
  const reader = stream?.getReader();
  const cancel = (): void => void reader?.cancel().catch(() => {});
  let problem: BodyRead | undefined;
  admission.onEvicted = () => {
    problem = "no-room";
    // Ends the read below.
    cancel();
  };
  for (;;) {
    const part = await reader?.read();
    if (problem !== undefined || part === undefined || part.done) break;
    try {
      problem = body.add(Buffer.from(part.value));
    } catch (error) {
      cancel();
      throw new RequestError(plainReply(400, errorText(error)));
    }
    if (problem !== undefined) cancel();
  }
  admission.bodyArrived();
  return problem ?? body.bytes;
}

/** Nobody gets its answer. */
function requestAborted(): RequestError {
  return new RequestError(plainReply(400, "the request was aborted"));
}

/** The error of a handler that comes after a parser. A body that is serialised again is not the one that was signed. */
export function bodyLost(remedy: string): RequestError {
  const reason = "the body was read before the webhook's handler, so its exact bytes, which are signed, are lost";
  return new RequestError(plainReply(500, `${reason}: ${remedy}`));
}
