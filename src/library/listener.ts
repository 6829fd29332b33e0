import { pid } from "node:process";
import { type HeaderPair, MAX_BODY_BYTES } from "../delivery/delivery.ts";
import { appPaths, PATHS_HINT, parsePath as parseAppPath } from "../delivery/paths.ts";
import { noSecrets, type Secrets } from "../delivery/secrets.ts";
import { targetFor } from "../delivery/target.ts";
import { isHopByHop } from "../forward/request.ts";
import { type EventPattern, eventNames, eventPattern, isNamed, nearest, patternParts } from "../model/event-names.ts";
import type { Format, Product } from "../model/product.ts";
import { products } from "../products/index.ts";
import type { ReceivedEvent } from "../receiver/event-report.ts";
import { startReceiver } from "../receiver/receiver.ts";
import { memoryRecorder } from "../receiver/recorder.ts";
import { webhookUrl } from "../receiver/routes.ts";
import { acceptsUnsigned } from "../recognition/unsigned.ts";
import { assign, parsePath } from "../samples/edit-body.ts";
import { type FixtureKey, freshData } from "../samples/fixtures.ts";
import { prepare } from "../samples/prepare.ts";
import { errorCode, errorText, hintOf } from "../util/errors.ts";
import { isRecord } from "../util/json.ts";
import type { FormatId, NameIn, ProductId } from "./event-types.ts";
import { readSample } from "./fixtures.ts";
import { productOf, requireOptions, withSettings } from "./input.ts";
import { type Keys, readKeys } from "./keys.ts";
import { eventOf, type ParsedEvent } from "./parse.ts";
import { posted, type Signed, sign } from "./sign.ts";
import { isGenuine, type Verification, verificationOf } from "./verify.ts";

export interface ListenerOptions {
  /** Keys to verify deliveries and to sign samples with. Without a key for its product a delivery is accepted. */
  readonly keys?: Keys | undefined;
  /** Default: any free one. */
  readonly port?: number | undefined;
  /** Paths of your app at which it receives as well, as in the setting: `{ "/api/hooks/crm": "crm", "/tenants/*": "auto" }`. */
  readonly paths?: Readonly<Record<string, ProductId | "auto">> | undefined;
}

/** The event of an accepted delivery. */
export type Received = ParsedEvent &
  Verification & {
    /** As of a `GenuineEvent`; false where a key is needed and none was given. */
    readonly genuine: boolean;
    /** As it came. */
    readonly request: {
      readonly method: string;
      readonly url: string;
      readonly headers: readonly HeaderPair[];
      readonly body: Buffer;
    };
  };

export interface SendOptions<F = string> {
  /** The URL of the app. Default: this listener. */
  readonly to?: string | undefined;
  /** Default: `"wire"`, what Zoho's servers post, unless only another format has the event. */
  readonly format?: F | undefined;
  /** New values by path, also of fields that the sample lacks: `{ "data.Last_Name": "Doe", "data.Tag[0].name": "new" }`. */
  readonly set?: Readonly<Record<string, unknown>> | undefined;
  /** To sign with others than the listener's: a wrong `secret` makes a forged delivery. */
  readonly keys?: Keys | undefined;
}

/** A receiver in the process of a test. */
export interface Listener {
  /** `http://127.0.0.1:49152`, without a slash at its end. */
  readonly url: string;
  /** Accepted deliveries, in order of arrival. Challenges are answered, and are not among them. */
  readonly received: readonly Received[];
  /** URL to post deliveries of a product to: that of its path in `paths`, if it has one. */
  urlOf(product: ProductId): string;
  /**
   * The next accepted event that matches `crm:Leads.create`, `crm:Leads.*`, `desk:*` or `*`, also if it has come already; each is
   * returned once. Rejects after `timeout` milliseconds with an Error that lists what came instead. Default: 4000, less than
   * the time limit of a test in vitest and Jest, which would hide that list. With `Infinity` it waits until the listener is
   * closed. Rejects with a TypeError for an unknown product, event or option.
   */
  next(pattern?: string, options?: { readonly timeout?: number | undefined }): Promise<Received>;
  /**
   * Posts the sample of an event with new ids and present times, signed, and resolves to the answer. Throws a TypeError as `sign`
   * does, and an Error if there is no answer.
   */
  send<P extends ProductId, const F extends FormatId<P>>(
    product: P,
    event: NameIn<P, F>,
    options?: SendOptions<F>,
  ): Promise<Response>;
  /**
   * Posts a received delivery again: the same method, headers, query and bytes. `to`: URL of the app; default: this listener.
   * Resolves to the answer; rejects with an Error if there is none.
   */
  replay(event: Received, options?: { readonly to?: string | undefined }): Promise<Response>;
  /** Forgets all that came, so that `received` is empty and `next` waits for what comes from now on. */
  clear(): void;
  /** Closes the port. Pending calls of `next` reject. */
  close(): Promise<void>;
}

const DEFAULT_TIMEOUT_MS = 4000;
/** Node's timers fire at once for more. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

interface Waiter {
  readonly pattern: EventPattern;
  resolve(event: Received): void;
  reject(error: Error): void;
}

/** `fileUrl`: of a file in src/ or dist/ of the package, which has the samples. */
export async function openListener(fileUrl: string | undefined, options: ListenerOptions): Promise<Listener> {
  requireOptions(options, ["keys", "port", "paths"]);
  const { keys = {}, port = 0, paths = {} } = options;
  const ownPaths = pathTexts(paths);
  const { secrets, settings } = readKeys(keys, "verify", products);
  const configured = withSettings(products, settings);
  const received: Received[] = [];
  const unclaimed = new Set<Received>();
  const waiters = new Set<Waiter>();
  /** Deliveries that came, for the message of a timeout. */
  const arrivals: string[] = [];
  let isClosed = false;

  function onEvent(report: ReceivedEvent): void {
    const { receipt, status, refusal } = report;
    const title = [receipt.product, receipt.event].filter((each) => each !== undefined).join(" ") || report.path;
    if (receipt.handshake !== undefined) arrivals.push(`a challenge at ${report.path}`);
    else arrivals.push(refusal === undefined ? title : `${title}, answered ${status}: ${refusal}`);
    if (refusal !== undefined || receipt.handshake !== undefined) return;
    const event = receivedFrom(report, configured, secrets);
    received.push(event);
    const waiter = [...waiters].find(({ pattern }) => pattern.matches(event.product, event.name));
    if (waiter === undefined) unclaimed.add(event);
    else waiter.resolve(event);
  }

  const receiver = await startReceiver({
    host: "127.0.0.1",
    port,
    products: configured,
    secrets,
    policy: { schema: "warn", onInvalid: "reject" },
    limits: { openReadings: false },
    paths: appPaths(ownPaths),
    allowed: undefined,
    maxBody: MAX_BODY_BYTES,
    recorder: memoryRecorder(),
    pid,
    now: () => new Date(),
    onEvent,
    onTrouble: (message) => void arrivals.push(message),
  }).catch((error: unknown) => {
    // The receiver's error names the flags of `listen`.
    if (!(error instanceof Error) || errorCode(error.cause) !== "EADDRINUSE") throw error;
    throw new Error(`port ${port} is in use: leave the option port out for a free one`, { cause: error.cause });
  });
  receiver.ready();
  const urlOf = (product: ProductId): string => webhookUrl(receiver.url, productOf(product).id, ownPaths);

  return {
    url: receiver.url,
    received,
    urlOf,
    async next(text = "*", options = {}) {
      const pattern = patternOf(text);
      const timeout = timeoutOf(options);
      const event = [...unclaimed].find(({ product, name }) => pattern.matches(product, name));
      if (event !== undefined) {
        unclaimed.delete(event);
        return event;
      }
      if (isClosed) throw closedError();
      return new Promise((resolve, reject) => {
        const waiter: Waiter = { pattern, resolve: settling(resolve), reject: settling(reject) };
        const expire = (): void => {
          const others = arrivals.length === 0 ? "nothing came" : `what came:\n  ${arrivals.join("\n  ")}`;
          waiter.reject(new Error(`no ${text} came to ${receiver.url} within ${timeout} ms; ${others}`));
        };
        const timer = timeout === Number.POSITIVE_INFINITY ? undefined : setTimeout(expire, timeout);
        waiters.add(waiter);
        function settling<T>(settle: (value: T) => void): (value: T) => void {
          return (value) => {
            clearTimeout(timer);
            waiters.delete(waiter);
            settle(value);
          };
        }
      });
    },
    send: (product, event, { to = urlOf(product), keys: signedWith = keys, ...options } = {}) =>
      sendSample(fileUrl, product, event, { to, keys: signedWith, ...options }),
    async replay({ request, product }, options = {}) {
      requireOptions(options, ["to"]);
      const { to = urlOf(product as ProductId) } = options;
      const headers = request.headers.filter(([name]) => !isHopByHop(name));
      return post({ ...request, url: targetFor(request.url, to), headers });
    },
    clear() {
      received.length = 0;
      arrivals.length = 0;
      unclaimed.clear();
    },
    async close() {
      isClosed = true;
      for (const { reject } of waiters) reject(closedError());
      await receiver.close();
    },
  };
}

/** The paths as texts of the setting. Throws a TypeError for a wrong one. */
function pathTexts(paths: Readonly<Record<string, ProductId | "auto">>): readonly string[] {
  if (!isRecord(paths)) throw new TypeError(`paths is not an object: ${PATHS_HINT}`);
  return Object.entries(paths).map(([path, product]) => {
    const text = `${path}=${product === "auto" ? product : productOf(product).id}`;
    try {
      parseAppPath(text, "paths");
    } catch (error) {
      throw new TypeError(`${errorText(error)}: ${hintOf(error)}`, { cause: error });
    }
    return text;
  });
}

/** Throws a TypeError where no event can match. With a wildcard an unknown event still could. */
function patternOf(text: string): EventPattern {
  if (typeof text !== "string") throw new TypeError('the event pattern is not a text, such as "crm:Leads.*"');
  const { product: id = "*", event } = patternParts(text);
  const isGlob = (word: string): boolean => /[*?]/.test(word);
  const chosen = isGlob(id)
    ? products.filter((product) => eventPattern(`${id}:*`).matches(product.id, ""))
    : [productOf(id)];
  const formats = chosen.flatMap((product) => product.formats);
  const isNamedBy = (format: Format): boolean => !event.includes("<") && isNamed(format, event, id === "*");
  if (formats.some((format) => isGlob(event) || isNamedBy(format))) return eventPattern(text);
  const [near] = nearest(event, formats.flatMap(eventNames), 1);
  throw new TypeError(`no event matches ${JSON.stringify(text)}${near === undefined ? "" : `: did you mean ${near}?`}`);
}

function timeoutOf(options: { readonly timeout?: number | undefined }): number {
  requireOptions(options, ["timeout"]);
  const { timeout = DEFAULT_TIMEOUT_MS } = options;
  if (timeout === Number.POSITIVE_INFINITY || (Number.isFinite(timeout) && timeout >= 0 && timeout <= MAX_TIMEOUT_MS))
    return timeout;
  throw new TypeError(`timeout is not a number of milliseconds from 0 to ${MAX_TIMEOUT_MS}, or Infinity`);
}

function closedError(): Error {
  return new Error("the listener was closed");
}

function receivedFrom(
  { method, path: url, headers, body, receipt }: ReceivedEvent,
  configured: readonly Product[],
  secrets: Secrets,
): Received {
  const request = { method, url, headers, body };
  const product = configured.find(({ id }) => id === receipt.product);
  const canBeUnsigned = product !== undefined && acceptsUnsigned(product, secrets);
  const genuine = isGenuine(receipt.verdicts, canBeUnsigned);
  return { ...eventOf(receipt, body), genuine, ...verificationOf(receipt, request), request };
}

async function sendSample(
  fileUrl: string | undefined,
  productId: ProductId,
  event: string,
  { to, keys, set = {}, ...options }: SendOptions<FormatId> & { readonly to: string; readonly keys: Keys },
): Promise<Response> {
  requireOptions(options, ["format"]);
  const { fixture, ...sample } = readSample(fileUrl, productId, event, options.format);
  const body = Object.entries(set).reduce(
    (data, [path, value]) => assign(data, { path: parsePath(path), text: path, value, asNumber: value }),
    freshData(sample, fixture, new Date()),
  );
  const request = signed({ ...sample, url: to, body, keys });
  return post({ ...request, headers: Object.entries(request.headers) });
}

interface Posted {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly HeaderPair[];
  readonly body: Buffer;
}

async function post({ method, url, headers: pairs, body }: Posted): Promise<Response> {
  const headers = pairs.map(([name, value]): [string, string] => [name, value]);
  // biome-ignore lint/style/noRestrictedGlobals: A test wants the answer itself. Redirects are not followed.
  const sent = fetch(url, {
    method,
    headers,
    redirect: "manual",
    ...(body.length === 0 ? {} : { body: new Uint8Array(body) }),
  });
  return sent.catch((error: unknown) => {
    // What fetch throws says why only in its cause.
    const reason = error instanceof Error && error.cause !== undefined ? error.cause : error;
    throw new Error(`${url} did not answer: ${errorText(reason)}`, { cause: error });
  });
}

interface SignInput extends FixtureKey {
  readonly url: string;
  readonly body: unknown;
  readonly keys: Keys;
}

function signed({ product, format, name: event, url, body, keys }: SignInput): Signed {
  const { audience, issuer, auth, ...secrets } = keys;
  // The keys are those of several products, and `sign` refuses settings that its product does not take.
  const settings = Object.entries({ audience, issuer, auth }).filter(
    ([name, value]) => value !== undefined && format.setup?.settings?.some((each) => each === name),
  );
  // The compiler cannot see that the format is one of the product's, and a sample an object.
  if (format.proofs.length > 0 || settings.length > 0)
    return sign(
      product.id as ProductId,
      body as object,
      { ...secrets, ...Object.fromEntries(settings) },
      { format: format.id as FormatId, event, url },
    );
  return posted(
    prepare({ product: product.id, format, event, url, body, headers: [], secrets: noSecrets, now: new Date() }),
  );
}
