import { type ChannelKey, deleteOrphans, takeChannelKey } from "../channels/adopt.ts";
import { channelEvents } from "../channels/events.ts";
import { openLiveChannel } from "../channels/live-channel.ts";
import { notifyUrl } from "../channels/notify-url.ts";
import { findWatchProduct } from "../channels/products.ts";
import { fetchRecord } from "../channels/record.ts";
import { openZoho, type ZohoSession } from "../channels/session.ts";
import { findProduct } from "../contract/event-names.ts";
import type { Product } from "../contract/product.ts";
import { idsAt, textAt, valueAt } from "../delivery/payload.ts";
import type { Secret, Secrets } from "../delivery/secret.ts";
import type { Log } from "../log/log.ts";
import type { Context } from "../project/context.ts";
import type { EventReport } from "../receiver/event-report.ts";
import { webhookUrl } from "../receiver/routes.ts";
import { ExitCode, errorText, UserError, usageError } from "../util/errors.ts";
import { untilAborted, withTimeout } from "../util/timing.ts";
import { warnOfFixedToken } from "../zoho-api/session.ts";
import type { ChannelPart, Part } from "./part.ts";
import type { ZohoFlags } from "./plan.ts";
import { startSharedChannel } from "./shared-channel.ts";
import { requireStoreKey, type SharedSecretsPart } from "./shared-secrets.ts";

interface ZohoOptions {
  readonly options: ZohoFlags;
  readonly products: readonly Product[];
  readonly secrets: Secrets;
  /** Those of the settings alone. */
  readonly configured: Secrets;
  /** Receivers share the log, and with it the channel. */
  readonly isShared: boolean;
  /** The channel is lost for good. */
  onLost(error: unknown): void;
}

/** What receivers on one log share. */
interface SharedParts {
  readonly log: Log;
  readonly shared: SharedSecretsPart;
}

/** The session with Zoho's API. `--expand` fetches the record of each notification over it. */
export interface ZohoPart extends Part {
  /** The given secrets, and the token of the channel: it has to be known before the channel is created. */
  readonly secrets: Secrets;
  /** For `--channel`. */
  startChannel?(publicUrl: string, shared: SharedParts | undefined): Promise<ChannelPart>;
}

/** Signs in for `--channel` and `--expand`. */
export async function startZoho(context: Context, given: ZohoOptions): Promise<ZohoPart> {
  const { options, products, secrets, configured, isShared, onLost } = given;
  if (isShared && options.channel !== undefined) requireStoreKey(context);
  const events = options.channel && channelEvents(options.product ?? "crm", options.channel);
  const { id: product, title } = findWatchProduct(options.product ?? "crm");
  if (events !== undefined && findProduct(products, product) === undefined)
    throw usageError(`listen cannot receive from ${title}, so --channel cannot be used for it`);
  const session = await openZoho(context, options);
  const records = options.expand === true ? createRecordReader(context, session) : undefined;
  let key: ChannelKey | undefined;
  const part = {
    name: "the connection to Zoho",
    async stop() {
      await key?.lock.release();
      await records?.close();
      await session.http.close();
    },
    ...(records === undefined ? {} : { onEvent: records.read }),
  };
  if (events === undefined) return { ...part, secrets };
  warnOfFixedToken(context, session.signIn, "from then on the channel can be neither renewed nor deleted");
  const [token] = configured.for("token", product);
  if (isShared)
    return {
      ...part,
      secrets,
      async startChannel(publicUrl, shared) {
        if (shared === undefined) throw new Error("the log is a shared one");
        const open = (own: ZohoSession, taken: ChannelKey) =>
          startChannel(context, { session: own, key: taken, events, publicUrl, onLost });
        return startSharedChannel(context, { session, configured: token, publicUrl, ...shared, open });
      },
    };
  const taken = await takeChannelKey(context, session, token);
  key = taken;
  return {
    ...part,
    secrets: withToken(secrets, product, taken.token),
    startChannel: (publicUrl) => startChannel(context, { session, key: taken, events, publicUrl, onLost }),
  };
}

/** The channel's token counts beside the configured ones, for its own product. */
function withToken(secrets: Secrets, product: string, token: Secret): Secrets {
  return {
    for: (credential, ofProduct) => [
      ...secrets.for(credential, ofProduct),
      ...(credential === "token" && ofProduct === product ? [token] : []),
    ],
    all: () => [...secrets.all(), token],
  };
}

interface ChannelOptions {
  readonly session: ZohoSession;
  readonly key: ChannelKey;
  readonly events: readonly string[];
  readonly publicUrl: string;
  onLost(error: unknown): void;
}

async function startChannel(context: Context, options: ChannelOptions): Promise<ChannelPart> {
  const { session, key, events, publicUrl, onLost } = options;
  const { id: product } = session.product;
  let moving: Promise<void> = Promise.resolve();
  let isLost = false;
  let isLeftOver = false;
  const onEnd = (error: unknown): void => {
    isLost = true;
    onLost(error instanceof UserError ? channelLost(key.id, error) : error);
  };
  const url = notifyUrl(context, webhookUrl(publicUrl, product));
  const channel = await context.waiting("Creating the channel …", () =>
    openLiveChannel({ context, session, key, events, url, onEnd }),
  );
  // Nobody would delete the channel of this run if the start failed here.
  await deleteOrphans(context, session, url).catch((error: unknown) => {
    const message = `channels that an earlier listen left behind were not deleted: ${errorText(error)}`;
    context.report({ type: "warning", message, hint: `see ${session.command("list")}` });
  });
  return {
    name: "the channel",
    onMoved(newUrl) {
      moving = moving.then(() => channel.moveTo(webhookUrl(newUrl, product)));
    },
    state() {
      const expiresAt = channel.expiresAt();
      const timeLeftMs = expiresAt === undefined ? undefined : expiresAt.getTime() - session.now().getTime();
      return { product, id: channel.id, events: channel.events, expiresAt, timeLeftMs };
    },
    leave: channel.leave,
    async stop() {
      isLost ||= channel.expiresAt() === undefined;
      const end = await channel.close();
      isLost ||= end === "gone";
      isLeftOver = end === "left";
    },
    exitCode() {
      if (isLost) return ExitCode.connectionLost;
      return isLeftOver ? ExitCode.zohoApi : ExitCode.ok;
    },
  };
}

function channelLost(id: string, error: UserError): UserError {
  return new UserError("connectionLost", `channel ${id} was lost: ${errorText(error)}`, error.hint, "channelLost");
}

interface RecordRequest {
  readonly n: number;
  readonly module: string;
  readonly id: string;
}

/** Each record costs the user an API credit, and Zoho limits concurrent calls. */
const MAX_CONCURRENT = 3;
const MAX_QUEUED = 200;
const TIMEOUT_MS = 10_000;
const CLOSE_GRACE_MS = 3_000;

/** Fetches and reports the records that notifications name, without delaying deliveries. */
function createRecordReader(context: Context, session: ZohoSession) {
  const { product, api } = session;
  const life = new AbortController();
  const queue: RecordRequest[] = [];
  const running = new Set<Promise<void>>();

  const report = (request: RecordRequest, outcome: { record?: unknown; error?: string; hint?: string | undefined }) =>
    context.report({
      type: "record",
      product: product.id,
      record: undefined,
      error: undefined,
      hint: undefined,
      ...request,
      ...outcome,
    });

  const fetchOne = async (request: RecordRequest): Promise<void> => {
    try {
      const record = await withTimeout(TIMEOUT_MS, [life.signal], (signal) =>
        untilAborted(fetchRecord(api, product, request.module, request.id, signal), signal),
      );
      report(request, record === undefined ? { error: "Zoho has no record with this id any more" } : { record });
    } catch (error) {
      if (life.signal.aborted) report(request, { error: "listen ended before Zoho answered" });
      else if (error instanceof DOMException && error.name === "TimeoutError")
        report(request, { error: `no answer within ${TIMEOUT_MS / 1000} s` });
      else report(request, { error: errorText(error), hint: error instanceof UserError ? error.hint : undefined });
    }
  };
  const pump = (): void => {
    while (running.size < MAX_CONCURRENT) {
      const next = queue.shift();
      if (next === undefined) return;
      const work = fetchOne(next).finally(() => {
        running.delete(work);
        pump();
      });
      running.add(work);
    }
  };

  return {
    read(event: EventReport): void {
      for (const request of recordsOf(event, product.id)) {
        if (isDeleted(event)) report(request, { error: "it was deleted" });
        else if (queue.length < MAX_QUEUED) queue.push(request);
        else {
          const error = `not fetched: ${MAX_QUEUED} others are already queued`;
          report(request, { error, hint: "send fewer events at once, or leave --expand out" });
        }
      }
      pump();
    },
    /** Waits a little for requests under way. */
    async close(): Promise<void> {
      const limit = setTimeout(() => life.abort(), CLOSE_GRACE_MS);
      while (running.size > 0) await Promise.all(running);
      clearTimeout(limit);
    },
  };
}

/** The records of a genuine notification. A forged one, or a body that only borrows its fields, must cost no API call. */
function recordsOf(event: EventReport, product: string): readonly RecordRequest[] {
  const { n, receipt, refusal, duplicateOf } = event;
  const data = receipt.payload?.data;
  const module = textAt(data, ["module"]);
  if (module === undefined || receipt.product !== product || duplicateOf !== undefined) return [];
  // A body in the guide's format includes its record.
  if (valueAt(data, ["data"]) !== undefined) return [];
  const isNotification = receipt.known && receipt.event?.startsWith(`${module}.`) === true;
  const isGenuine = refusal === undefined && receipt.verdicts.every(({ verdict }) => verdict !== "failed");
  if (!isNotification || !isGenuine) return [];
  return [...new Set(idsAt(data, ["ids"]))].map((id) => ({ n, module, id }));
}

function isDeleted({ receipt }: EventReport): boolean {
  return textAt(receipt.payload?.data, ["operation"]) === "delete";
}
