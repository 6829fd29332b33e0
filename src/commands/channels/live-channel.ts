import { type Secret, secret } from "../../body/secret.ts";
import type { Context } from "../../context.ts";
import { maskUrl } from "../../core/mask.ts";
import type { ChannelReport } from "../../reports/channel.ts";
import { errorText } from "../../util/errors.ts";
import { untilAborted } from "../../util/timing.ts";
import { watchClient } from "../../zoho/channels/api.ts";
import { type Channel, type ChannelConfig, generateChannelId, generateToken } from "../../zoho/channels/channel.ts";
import { normaliseEvents } from "../../zoho/channels/events.ts";
import { expiryBy } from "../../zoho/channels/expiry.ts";
import { type ChannelChange, keepAlive } from "../../zoho/channels/keep-alive.ts";
import type { ChannelMemory } from "../../zoho/channels/memory.ts";
import { requireSuccess } from "../../zoho/channels/replies.ts";
import { isRefusal } from "../../zoho/errors.ts";
import type { ZohoSession } from "../helpers/session.ts";
import { askForChannel, createChannel, settleChannel, warnOfDifferences } from "./create.ts";
import { changeReport } from "./keep-renewing.ts";
import { channelReport } from "./list.ts";

/** What a channel's deliveries carry. Known before the channel is: Zoho may post before it has answered. */
export interface ChannelKey {
  readonly id: string;
  /** The proof of the deliveries' sender. */
  readonly token: Secret;
}

export function makeChannelKey(now: Date): ChannelKey {
  const id = generateChannelId(now);
  return { id, token: secret(generateToken(), `channel ${id}`) };
}

/** A channel that lives as long as the receiver it posts to. */
export interface LiveChannel {
  readonly id: string;
  readonly events: readonly string[];
  /** When it ends; undefined while it is lost. */
  expiresAt(): Date | undefined;
  /** Posts to another address from now on, after the tunnel has come back under one. Tries until it does; never throws. */
  moveTo(url: string): Promise<void>;
  /** Deletes it; false when the list still shows it, or cannot be read. Says which, and what to do. */
  close(): Promise<boolean>;
}

interface LiveChannelOptions {
  readonly context: Context;
  readonly session: ZohoSession;
  readonly key: ChannelKey;
  readonly events: readonly string[];
  readonly url: string;
  /** It is lost for a cause that waiting does not mend: the sign-in is dead. */
  readonly onEnd: (error: unknown) => void;
}

/** Creates a channel for a URL, reads it back, and keeps it alive until it is closed. Throws and leaves none behind. */
export async function openLiveChannel(options: LiveChannelOptions): Promise<LiveChannel> {
  const { context, key } = options;
  const life = new AbortController();
  const { product } = options.session;
  const client = watchClient(options.session.api, product, AbortSignal.any([context.signal, life.signal]));
  const { memory } = options.session;
  const remember: ChannelMemory["remember"] = (channel) => memory.remember({ ...channel, ofListener: true });
  const session = { ...options.session, client, memory: { ...memory, remember } };
  const parting = { context, session, id: key.id };
  let config: ChannelConfig = {
    id: key.id,
    events: normaliseEvents(options.events),
    notifyUrl: options.url,
    token: key.token.reveal(),
    related: product.options.related ? false : undefined,
    values: product.options.values ? true : undefined,
    conditions: [],
  };
  const later = (now = session.now()): Date => expiryBy(now, undefined, product.lifetime);

  const { asked, channel } = await openOrAbandon(session, config, later, () => abandonChannel(parting));
  context.report(channelReport("created", product.id, channel, session.now()));
  warnOfDifferences(context, session, { ...config, expiresAt: asked }, channel);
  let expiresAt = channel.expiresAt;
  let isMoving = false;

  const onChange = (change: ChannelChange): void => {
    expiresAt = "expiresAt" in change ? change.expiresAt : undefined;
    const report = changeReport(product.id, change, session.now());
    const moved = isMoving && (change.type === "renewed" || change.type === "created");
    if (moved) isMoving = false;
    context.report(moved ? { ...report, state: "updated", reason: `posts to ${maskUrl(config.notifyUrl)}` } : report);
  };
  /**
   * It may have been given other events meanwhile, by `channels update`: that is in mind here, since a list shows less of a
   * channel. Where it posts to is ours to say.
   */
  const current = async (): Promise<ChannelConfig> => {
    const kept = await session.memory.recall(session.signIn.name, product.id, key.id).catch(() => undefined);
    const { notifyUrl, token } = config;
    const { events, related, values, conditions } = kept ?? config;
    config = { id: key.id, events, notifyUrl, token, related, values, conditions };
    return config;
  };
  let keeping: { readonly stop: AbortController; readonly done: Promise<void> } | undefined;
  const keep = (): void => {
    if (life.signal.aborted) return;
    const stop = new AbortController();
    const { sleep } = context;
    const { defaultMs: lifetimeMs } = product.lifetime;
    const signal = AbortSignal.any([stop.signal, context.signal]);
    const clock = { now: session.now, sleep, random: Math.random };
    const kept = { client, config, current, lifetimeMs, expiresAt, atOnce: isMoving };
    const done = keepAlive({ ...kept, ...clock, signal, onChange });
    keeping = { stop, done: done.catch(options.onEnd) };
  };
  const rest = async (): Promise<void> => {
    keeping?.stop.abort();
    await keeping?.done;
  };
  keep();

  const move = async (): Promise<void> => {
    await current();
    const results = await client.replace([{ config, expiresAt: later() }]);
    const gone = results.some((each) => !each.ok && each.error.fault.code === "NOT_SUBSCRIBED");
    const moved = gone
      ? await createChannel(session, config, later())
      : await settleChannel(session, config, requireSuccess(results));
    expiresAt = moved.expiresAt ?? expiresAt;
    isMoving = false;
    context.report(channelReport("updated", product.id, moved, session.now()));
  };

  return {
    id: key.id,
    events: config.events,
    expiresAt: () => expiresAt,
    async moveTo(url) {
      await rest();
      if (life.signal.aborted) return;
      config = { ...config, notifyUrl: url };
      isMoving = true;
      await move().catch((error: unknown) => {
        if (life.signal.aborted || context.signal.aborted) return;
        const message = `channel ${key.id} does not post to ${maskUrl(url)} yet: ${errorText(error)}`;
        context.report({ type: "warning", message, hint: "it is tried again until it does" });
      });
      keep();
    },
    close() {
      life.abort();
      return deleteOnExit(parting, rest);
    },
  };
}

async function openOrAbandon(
  session: ZohoSession,
  config: ChannelConfig,
  end: (now: Date) => Date,
  abandon: () => Promise<void>,
): Promise<{ readonly asked: Date; readonly channel: Channel }> {
  let granted = false;
  try {
    const result = await askForChannel(session, config, end);
    granted = true;
    return { asked: result.asked, channel: await settleChannel(session, config, result) };
  } catch (error) {
    if (granted || !isRefusal(error)) await abandon();
    throw error;
  }
}

interface Parting {
  readonly context: Context;
  readonly session: ZohoSession;
  readonly id: string;
}

/** The way out must not hang on a network that is gone. */
const CLEAN_UP_MS = 5_000;

/** Deletes a channel and reads the list again. False, with the command that mends it, unless the channel is gone. */
async function deleteOnExit(parting: Parting, before: () => Promise<void>): Promise<boolean> {
  const report = reporter(parting);
  // A second Ctrl-C ends the process at once: nothing could be told any more.
  const message = `deleting channel ${parting.id}; if that is cut off: ${mendingCommand(parting)}`;
  parting.context.report({ type: "notice", message });
  try {
    const { deleted, because } = await remove(parting, before);
    if (because !== undefined) {
      report("not-deleted", because, `delete it with ${mendingCommand(parting)}`);
      return false;
    }
    if (deleted) report("deleted");
    else report("unknown", "it was gone already: it had expired, or something else has deleted it");
    return true;
  } catch (error) {
    report("not-deleted", whyNot(error), `delete it with ${mendingCommand(parting)}`);
    return false;
  }
}

/** Deletes what a failed creation may have left behind: whether Zoho has made the channel is not known. */
async function abandonChannel(parting: Parting): Promise<void> {
  const { context, id, session } = parting;
  const mend = `see ${session.command("list")}; if it is there: ${mendingCommand(parting)}`;
  const warn = (reason: string): void =>
    context.report({ type: "warning", message: `channel ${id} may have been created: ${reason}`, hint: mend });
  try {
    const { deleted, because } = await remove(parting, async () => {});
    if (deleted) reporter(parting)("deleted");
    if (because !== undefined) warn(because);
  } catch (error) {
    warn(whyNot(error));
  }
}

async function remove(
  { session, id }: Parting,
  before: () => Promise<void>,
): Promise<{ readonly deleted: boolean; readonly because: string | undefined }> {
  const limit = AbortSignal.timeout(CLEAN_UP_MS);
  const { api, product, memory, signIn } = session;
  const work = async () => {
    await before();
    // The signal of the run has usually aborted by now, and with it every request of the session's own client.
    const { deleted, remaining } = await watchClient(api, product, limit).remove([id]);
    if (remaining.length === 0) await memory.forget(signIn.name, product.id, [id]);
    return { deleted: deleted.includes(id), because: remaining[0]?.because };
  };
  return untilAborted(work(), limit);
}

function reporter({ context, session, id }: Parting) {
  return (state: ChannelReport["state"], reason?: string, hint?: string): void =>
    context.report({
      type: "channel",
      state,
      product: session.product.id,
      id,
      expiresAt: undefined,
      timeLeftMs: undefined,
      reason,
      hint,
    });
}

function mendingCommand({ session, id }: Parting): string {
  return session.command(`delete ${id} --yes`);
}

function whyNot(error: unknown): string {
  const timedOut = error instanceof Error && error.name === "TimeoutError";
  return timedOut ? `Zoho did not answer within ${CLEAN_UP_MS / 1000} s` : errorText(error);
}
