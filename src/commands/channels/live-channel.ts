import type { Context } from "../../context.ts";
import { errorText } from "../../core/errors.ts";
import { type Secret, secret } from "../../core/secret.ts";
import { sleepRealTime } from "../../zoho/backoff.ts";
import { normaliseEvents } from "../../zoho/channel-events.ts";
import { chooseExpiry } from "../../zoho/channel-time.ts";
import { type ChannelConfig, generateChannelId, generateToken } from "../../zoho/channels.ts";
import { keepAlive } from "../../zoho/keep-alive.ts";
import { watchClient } from "../../zoho/watch.ts";
import { requireSuccess } from "../../zoho/watch-reply.ts";
import type { ZohoSession } from "../zoho-session.ts";
import { channelReport } from "./channel-view.ts";
import { createChannel, warnOfDifferences } from "./create.ts";
import { changeReport } from "./keep-renewing.ts";

/** A channel that lives as long as the receiver it posts to. */
export interface LiveChannel {
  readonly id: string;
  /** What its deliveries carry: the proof of their sender. */
  readonly token: Secret;
  /** When it ends; undefined while it is lost. */
  expiresAt(): Date | undefined;
  /** Posts to another address from now on, after the tunnel has come back under one. */
  moveTo(url: string): Promise<void>;
  /** Deletes it; false when the list still shows it, or cannot be read. Says which, and what to do. */
  close(): Promise<boolean>;
}

export interface LiveChannelOptions {
  readonly context: Context;
  readonly session: ZohoSession;
  readonly events: readonly string[];
  readonly url: string;
  /** It is lost for a cause that waiting does not mend: the sign-in is dead. */
  readonly onEnd: (error: unknown) => void;
}

/** The way out must not hang on a network that is gone. */
const CLEAN_UP_MS = 5_000;

/** Creates a channel for a URL, reads it back, and keeps it alive until it is closed. */
export async function openLiveChannel(options: LiveChannelOptions): Promise<LiveChannel> {
  const { context, session } = options;
  const { client, product } = session;
  const { defaultMs } = product.lifetime;
  const token = generateToken();
  let config: ChannelConfig = {
    id: generateChannelId(context.now()),
    events: normaliseEvents(options.events),
    notifyUrl: options.url,
    token,
    related: product.options.related ? false : undefined,
    values: product.options.values ? true : undefined,
    conditions: [],
  };
  const asked = chooseExpiry(undefined, product.lifetime, context.now());
  const channel = await createChannel(session, config, asked);
  context.report(channelReport("created", product.id, channel, context.now()));
  warnOfDifferences(context, config, asked, channel);
  let expiresAt = channel.expiresAt;

  let keeping: { readonly stop: AbortController; readonly done: Promise<void> } | undefined;
  const keep = (): void => {
    const stop = new AbortController();
    const done = keepAlive({
      client,
      config,
      lifetimeMs: defaultMs,
      expiresAt,
      now: context.now,
      sleep: sleepRealTime,
      random: Math.random,
      signal: stop.signal,
      onChange(change) {
        expiresAt = change.type === "lost" ? undefined : change.expiresAt;
        context.report(changeReport(product.id, change, context.now()));
      },
    }).catch(options.onEnd);
    keeping = { stop, done };
  };
  const rest = async (): Promise<void> => {
    keeping?.stop.abort();
    await keeping?.done;
  };
  keep();

  return {
    id: config.id,
    token: secret(token, `channel ${config.id}`),
    expiresAt: () => expiresAt,

    async moveTo(url) {
      await rest();
      config = { ...config, notifyUrl: url };
      try {
        const later = chooseExpiry(undefined, product.lifetime, context.now());
        const results = await client.replace([{ config, expiresAt: later }]);
        const gone = results.some((each) => !each.ok && each.error.fault.code === "NOT_SUBSCRIBED");
        if (gone) expiresAt = (await createChannel(session, config, later)).expiresAt;
        else expiresAt = requireSuccess(results).expiresAt ?? expiresAt;
        const moved = await client.get(config.id);
        if (moved !== undefined) context.report(channelReport("updated", product.id, moved, context.now()));
      } finally {
        // Also after a failure: the next renewal sets the whole channel, its new address included.
        keep();
      }
    },

    async close() {
      await rest();
      const { id } = config;
      // The signal of the run has usually aborted by now, and with it every request of the session's own client.
      const parting = watchClient(session.api, product, AbortSignal.timeout(CLEAN_UP_MS));
      const fail = (reason: string): false => {
        const hint = `delete it with ${context.invocation} channels delete ${id} --yes --product ${product.id}`;
        const { id: productId } = product;
        context.report({
          type: "channel",
          state: "not-deleted",
          product: productId,
          id,
          expiresAt,
          timeLeftMs: undefined,
          reason,
          hint,
        });
        return false;
      };
      try {
        const { remaining } = await parting.remove([id]);
        const [still] = remaining;
        if (still !== undefined) return fail(still.because);
        await session.memory.forget(session.signIn.name, product.id, [id]);
        context.report({
          type: "channel",
          state: "deleted",
          product: product.id,
          id,
          expiresAt: undefined,
          timeLeftMs: undefined,
        });
        return true;
      } catch (error) {
        return fail(errorText(error));
      }
    },
  };
}
