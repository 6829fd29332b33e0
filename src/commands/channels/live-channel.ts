import type { Context } from "../../context.ts";
import { errorText } from "../../core/errors.ts";
import { maskUrl } from "../../core/mask.ts";
import { type Secret, secret } from "../../core/secret.ts";
import { isRefusal } from "../../zoho/api-error.ts";
import { normaliseEvents } from "../../zoho/channel-events.ts";
import type { ChannelMemory } from "../../zoho/channel-memory.ts";
import { expiryBy } from "../../zoho/channel-time.ts";
import { type Channel, type ChannelConfig, generateChannelId, generateToken } from "../../zoho/channels.ts";
import { type ChannelChange, keepAlive } from "../../zoho/keep-alive.ts";
import { watchClient } from "../../zoho/watch.ts";
import { requireSuccess } from "../../zoho/watch-reply.ts";
import type { ZohoSession } from "../zoho-session.ts";
import { channelReport } from "./channel-view.ts";
import { changeReport } from "./keep-renewing.ts";
import { askForChannel, createChannel, settleChannel, warnOfDifferences } from "./make-channel.ts";
import { abandonChannel, partWithChannel } from "./part-with-channel.ts";

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

export interface LiveChannelOptions {
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
      return partWithChannel(parting, rest);
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
