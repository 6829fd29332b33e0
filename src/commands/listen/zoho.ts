import { idsAt, textAt, valueAt } from "../../body/payload.ts";
import type { Secret, Secrets } from "../../body/secret.ts";
import type { Context } from "../../context.ts";
import { findProduct } from "../../core/event-names.ts";
import { webhookUrl } from "../../receiver/routes.ts";
import type { EventReport } from "../../reports/event.ts";
import { ExitCode, errorText, UserError, usageError } from "../../util/errors.ts";
import { untilAborted, withTimeLimit } from "../../util/timing.ts";
import { fetchRecord } from "../../zoho/channels/record.ts";
import { type LiveChannel, makeChannelKey, openLiveChannel } from "../channels/live-channel.ts";
import { notifyUrl } from "../channels/options.ts";
import { channelEvents } from "../helpers/options.ts";
import { openZoho, warnOfFixedToken, type ZohoSession } from "../helpers/session.ts";
import type { NotificationParts, Notifications } from "./notifications.ts";

/** Signs in, and makes ready what `--channel` and `--expand` ask for. */
export async function joinZoho(
  context: Context,
  { options, products, secrets, onLost }: NotificationParts,
): Promise<Notifications> {
  const events = options.channel && channelEvents(options.product ?? "crm", options.channel);
  const session = await openZoho(context, options);
  const { id: product, title } = session.product;
  if (events !== undefined && findProduct(products, product) === undefined) {
    throw usageError(`listen cannot receive from ${title}, so --channel cannot be used for it`);
  }
  if (events !== undefined)
    warnOfFixedToken(context, session.signIn, "the channel can be neither renewed nor deleted after that");
  const key = makeChannelKey(context.now());
  const reader = options.expand === true ? createRecordReader(context, session) : undefined;
  let channel: LiveChannel | undefined;
  let moving: Promise<void> = Promise.resolve();
  let isLost = false;
  let isLeftOver = false;

  const end = (error: unknown): void => {
    isLost = true;
    onLost(error instanceof UserError ? channelLost(key.id, error) : error);
  };

  return {
    secrets: events === undefined ? secrets : withToken(secrets, product, key.token),
    async start(publicUrl) {
      if (events === undefined || publicUrl === undefined) return;
      const url = notifyUrl(context, webhookUrl(publicUrl, product));
      channel = await context.waiting("Creating the channel …", () =>
        openLiveChannel({ context, session, key, events, url, onEnd: end }),
      );
    },
    moved(publicUrl) {
      moving = moving.then(() => channel?.moveTo(webhookUrl(publicUrl, product)));
    },
    channel() {
      if (channel === undefined) return undefined;
      const expiresAt = channel.expiresAt();
      const timeLeftMs = expiresAt === undefined ? undefined : expiresAt.getTime() - session.now().getTime();
      return { product, id: channel.id, events: channel.events, expiresAt, timeLeftMs };
    },
    expand: (event) => reader?.read(event),
    async stop() {
      if (channel === undefined) return;
      isLost ||= channel.expiresAt() === undefined;
      isLeftOver = !(await channel.close());
    },
    async close() {
      await reader?.close();
      await session.http.close();
    },
    exitCode() {
      if (isLost) return ExitCode.connectionLost;
      return isLeftOver ? ExitCode.zohoApi : ExitCode.ok;
    },
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

function channelLost(id: string, error: UserError): UserError {
  return new UserError("connectionLost", `channel ${id} was lost: ${errorText(error)}`, error.hint, "channelLost");
}

/** Reads the records that notifications tell of, beside the deliveries and never in their way. */
interface RecordReader {
  /** Returns at once; what comes of each record is reported. */
  read(event: EventReport): void;
  /** Waits a little for what is under way. */
  close(): Promise<void>;
}

interface Wanted {
  readonly n: number;
  readonly module: string;
  readonly id: string;
}

/** Each record is a request of the user's daily credits, and Zoho counts how many are under way at once. */
const AT_ONCE = 3;
const MOST_WAITING = 200;
const TIMEOUT_MS = 10_000;
const CLOSE_GRACE_MS = 3_000;

function createRecordReader(context: Context, session: ZohoSession): RecordReader {
  const { product, api } = session;
  const life = new AbortController();
  const waiting: Wanted[] = [];
  const running = new Set<Promise<void>>();

  const report = (wanted: Wanted, record: unknown, error?: string, hint?: string): void =>
    context.report({ type: "record", product: product.id, ...wanted, record, error, hint });

  const fetchOne = async (wanted: Wanted): Promise<void> => {
    try {
      const record = await withTimeLimit(TIMEOUT_MS, [life.signal], (signal) =>
        untilAborted(fetchRecord(api, product, wanted.module, wanted.id, signal), signal),
      );
      if (record === undefined) report(wanted, undefined, "Zoho has no record with this id any more");
      else report(wanted, record);
    } catch (error) {
      if (life.signal.aborted) report(wanted, undefined, "listen ended before Zoho answered");
      else if (error instanceof DOMException && error.name === "TimeoutError")
        report(wanted, undefined, `no answer within ${TIMEOUT_MS / 1000} s`);
      else report(wanted, undefined, errorText(error), error instanceof UserError ? error.hint : undefined);
    }
  };
  const pump = (): void => {
    while (running.size < AT_ONCE) {
      const next = waiting.shift();
      if (next === undefined) return;
      const work = fetchOne(next).finally(() => {
        running.delete(work);
        pump();
      });
      running.add(work);
    }
  };

  return {
    read(event) {
      for (const wanted of wantedBy(event, product.id)) {
        if (isDeleted(event)) report(wanted, undefined, "it was deleted");
        else if (waiting.length < MOST_WAITING) waiting.push(wanted);
        else
          report(
            wanted,
            undefined,
            `${MOST_WAITING} others are already waiting`,
            "send fewer events at once, or leave --expand out",
          );
      }
      pump();
    },
    async close() {
      const limit = setTimeout(() => life.abort(), CLOSE_GRACE_MS);
      while (running.size > 0) await Promise.all(running);
      clearTimeout(limit);
    },
  };
}

/**
 * The records of a genuine notification. One whose proof has failed is a stranger's, and must cost the user nothing; so
 * must a body that only borrows the fields of one.
 */
function wantedBy(event: EventReport, product: string): readonly Wanted[] {
  const { n, receipt, refusal, duplicateOf } = event;
  const data = receipt.payload?.data;
  const module = textAt(data, ["module"]);
  if (module === undefined || receipt.product !== product || duplicateOf !== undefined) return [];
  // A body of the guide's brings its record along.
  if (valueAt(data, ["data"]) !== undefined) return [];
  const isNotification = receipt.known && receipt.event?.startsWith(`${module}.`) === true;
  const isGenuine = refusal === undefined && receipt.verdicts.every(({ verdict }) => verdict !== "failed");
  if (!isNotification || !isGenuine) return [];
  return [...new Set(idsAt(data, ["ids"]))].map((id) => ({ n, module, id }));
}

function isDeleted({ receipt }: EventReport): boolean {
  return textAt(receipt.payload?.data, ["operation"]) === "delete";
}
