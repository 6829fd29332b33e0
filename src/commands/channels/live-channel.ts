import { type Secret, secret } from "../../body/secret.ts";
import type { Context } from "../../context.ts";
import { maskUrl } from "../../core/mask.ts";
import type { ChannelReport } from "../../reports/channel.ts";
import { errorText } from "../../util/errors.ts";
import { untilAborted } from "../../util/timing.ts";
import { watchClient } from "../../zoho/channels/api.ts";
import { type ChannelConfig, generateChannelId, generateToken } from "../../zoho/channels/channel.ts";
import { createChannel, readBack, requestChannel } from "../../zoho/channels/create.ts";
import { normaliseEvents } from "../../zoho/channels/events.ts";
import { expiryBy } from "../../zoho/channels/expiry.ts";
import { type ChannelChange, isNotSubscribed, keepAlive } from "../../zoho/channels/lifecycle.ts";
import type { ChannelMemory } from "../../zoho/channels/memory.ts";
import { requireSuccess } from "../../zoho/channels/replies.ts";
import { isRejection } from "../../zoho/errors.ts";
import type { ZohoSession } from "../helpers/session.ts";
import { warnOfDifferences } from "./create.ts";
import { changeReport } from "./keep-renewing.ts";
import { channelReport, stateReport } from "./list.ts";

/** Chosen before the channel exists, because Zoho may post before it answers the request that creates it. */
export interface ChannelKey {
  readonly id: string;
  /** Sent along with each delivery. */
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
  /** Undefined while it is lost. */
  expiresAt(): Date | undefined;
  /** Changes the URL, when the tunnel has come back under another one. Retries until it succeeds; never throws. */
  moveTo(url: string): Promise<void>;
  /** Deletes it. False, after reporting why and what to do, unless Zoho's list shows that it is gone. */
  close(): Promise<boolean>;
}

/** Creates a channel for a URL and keeps it alive until it is closed. Throws without leaving one behind. */
export async function openLiveChannel({
  context,
  session: shared,
  key: { id, token },
  events,
  url,
  onEnd,
}: {
  readonly context: Context;
  readonly session: ZohoSession;
  readonly key: ChannelKey;
  readonly events: readonly string[];
  readonly url: string;
  /** Called if the channel is lost because of the sign-in, which waiting does not repair. */
  readonly onEnd: (error: unknown) => void;
}): Promise<LiveChannel> {
  const { product, memory } = shared;
  const life = new AbortController();
  const client = watchClient(shared.api, product, AbortSignal.any([context.signal, life.signal]));
  const remember: ChannelMemory["remember"] = (channel) => memory.remember({ ...channel, ofListener: true });
  const session = { ...shared, client, memory: { ...memory, remember } };
  let config: ChannelConfig = {
    id,
    events: normaliseEvents(events),
    notifyUrl: url,
    token: token.reveal(),
    related: product.options.related ? false : undefined,
    values: product.options.values ? true : undefined,
    conditions: [],
  };
  const end = (now = session.now()): Date => expiryBy(now, undefined, product.lifetime);

  let isGranted = false;
  const create = async () => {
    const granted = await requestChannel(session, config, end);
    isGranted = true;
    return { requested: granted.requested, channel: await readBack(session, config, granted) };
  };
  const { requested, channel } = await create().catch(async (error: unknown) => {
    if (isGranted || !isRejection(error)) await abandon(context, session, id);
    throw error;
  });
  context.report(channelReport(session, "created", channel));
  warnOfDifferences(context, session, { ...config, expiresAt: requested }, channel);
  let { expiresAt } = channel;
  let isMoving = false;

  const onChange = (change: ChannelChange): void => {
    expiresAt = "expiresAt" in change ? change.expiresAt : undefined;
    const report = changeReport(session, change);
    const hasMoved = isMoving && (change.type === "renewed" || change.type === "created");
    if (hasMoved) isMoving = false;
    const reason = `posts to ${maskUrl(config.notifyUrl)}`;
    context.report(hasMoved ? { ...report, state: "updated", reason } : report);
  };
  /** `channels update` may have changed its events meanwhile. They are in the memory, as a list shows less of a channel. */
  const current = async (): Promise<ChannelConfig> => {
    const remembered = await session.memory.recall(id).catch(() => undefined);
    const { events, related, values, conditions } = remembered ?? config;
    config = { ...config, events, related, values, conditions };
    return config;
  };
  let running: { readonly stop: AbortController; readonly done: Promise<void> } | undefined;
  const start = (): void => {
    if (life.signal.aborted) return;
    const stop = new AbortController();
    const done = keepAlive({
      client,
      config,
      current,
      lifetimeMs: product.lifetime.defaultMs,
      expiresAt,
      atOnce: isMoving,
      now: session.now,
      sleep: context.sleep,
      random: Math.random,
      signal: AbortSignal.any([stop.signal, context.signal]),
      onChange,
    });
    running = { stop, done: done.catch(onEnd) };
  };
  const stop = async (): Promise<void> => {
    running?.stop.abort();
    await running?.done;
  };
  start();

  const move = async (): Promise<void> => {
    await current();
    const results = await client.replace([{ config, expiresAt: end() }]);
    const isGone = results.some((each) => !each.ok && isNotSubscribed(each.error));
    const moved = isGone
      ? await createChannel(session, config, end())
      : await readBack(session, config, requireSuccess(results));
    expiresAt = moved.expiresAt ?? expiresAt;
    isMoving = false;
    context.report(channelReport(session, "updated", moved));
  };

  return {
    id,
    events: config.events,
    expiresAt: () => expiresAt,
    async moveTo(url) {
      await stop();
      if (life.signal.aborted) return;
      config = { ...config, notifyUrl: url };
      isMoving = true;
      await move().catch((error: unknown) => {
        if (life.signal.aborted || context.signal.aborted) return;
        const message = `channel ${id} does not post to ${maskUrl(url)} yet: ${errorText(error)}`;
        context.report({ type: "warning", message, hint: "retrying until it does" });
      });
      start();
    },
    close() {
      life.abort();
      return deleteOnExit(context, session, id, stop);
    },
  };
}

/** Bounds the exit when the network is gone. */
const CLEAN_UP_TIMEOUT_MS = 5_000;

async function deleteOnExit(
  context: Context,
  session: ZohoSession,
  id: string,
  stop: () => Promise<void>,
): Promise<boolean> {
  const command = session.command(`delete ${id} --yes`);
  // Reported first: a second Ctrl-C ends the process at once.
  context.report({ type: "notice", message: `deleting channel ${id} (if interrupted, run ${command})` });
  const report = (state: ChannelReport["state"], reason?: string, hint?: string): void =>
    context.report(stateReport(session, state, { id, reason, hint }));
  try {
    const { isDeleted, because } = await remove(session, id, stop);
    if (because === undefined) {
      if (isDeleted) report("deleted");
      else report("unknown", "it was already gone: it expired, or something else deleted it");
      return true;
    }
    report("not-deleted", because, `delete it with ${command}`);
  } catch (error) {
    report("not-deleted", failureText(error), `delete it with ${command}`);
  }
  return false;
}

/** Deletes what a failed creation may have left behind. */
async function abandon(context: Context, session: ZohoSession, id: string): Promise<void> {
  const hint = `see ${session.command("list")}; if it exists: ${session.command(`delete ${id} --yes`)}`;
  const warn = (because: string): void =>
    context.report({ type: "warning", message: `channel ${id} may have been created: ${because}`, hint });
  try {
    const { isDeleted, because } = await remove(session, id);
    if (isDeleted) context.report(stateReport(session, "deleted", { id }));
    if (because !== undefined) warn(because);
  } catch (error) {
    warn(failureText(error));
  }
}

async function remove(
  { api, memory, product }: ZohoSession,
  id: string,
  stop?: () => Promise<void>,
): Promise<{ readonly isDeleted: boolean; readonly because: string | undefined }> {
  const limit = AbortSignal.timeout(CLEAN_UP_TIMEOUT_MS);
  const work = async () => {
    await stop?.();
    // The session's own client is bound to the signal of the run, which has usually aborted by now.
    const { deleted, remaining } = await watchClient(api, product, limit).remove([id]);
    if (remaining.length === 0) await memory.forget([id]);
    return { isDeleted: deleted.includes(id), because: remaining[0]?.because };
  };
  return untilAborted(work(), limit);
}

function failureText(error: unknown): string {
  const isTimeout = error instanceof Error && error.name === "TimeoutError";
  return isTimeout ? `Zoho did not answer within ${CLEAN_UP_TIMEOUT_MS / 1000} s` : errorText(error);
}
