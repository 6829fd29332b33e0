import { maskUrl } from "../delivery/mask.ts";
import type { Context } from "../project/context.ts";
import { errorText, UserError } from "../util/errors.ts";
import { untilAborted } from "../util/timing.ts";
import { isNotSubscribed, isRejection } from "../zoho-api/errors.ts";
import type { ChannelKey } from "./adopt.ts";
import { watchClient } from "./api.ts";
import type { Channel, ChannelConfig } from "./channel.ts";
import { adoptChannel, createChannel, readBack, requestChannel } from "./create.ts";
import { warnOfDifferences } from "./differences.ts";
import { contractEvents, expandEvents, normaliseEvents } from "./events.ts";
import { expiryBy } from "./expiry.ts";
import { changeReport } from "./keep-renewing.ts";
import { type ChannelChange, keepAlive } from "./lifecycle.ts";
import { channelReport, stateReport } from "./listing.ts";
import type { ChannelMemory } from "./memory.ts";
import { requireSuccess } from "./replies.ts";
import type { ChannelReport } from "./reports.ts";
import type { ZohoSession } from "./session.ts";

/** A channel that lives as long as the receiver it posts to. */
export interface LiveChannel {
  readonly id: string;
  readonly events: readonly string[];
  /** Undefined while it is lost. */
  expiresAt(): Date | undefined;
  /** Changes the URL, when the tunnel has come back under another one. Retries until it succeeds; never throws. */
  moveTo(url: string): Promise<void>;
  /** Deletes it, and reports what came of it. */
  close(): Promise<ChannelEnd>;
  /** Renews it no more, and leaves it to another listener. */
  leave(): Promise<void>;
}

/** `gone`: it no longer existed, or another listener has it. `left`: Zoho's list does not show that it is gone. */
type ChannelEnd = "deleted" | "gone" | "left";

/** Creates a channel for a URL, or takes one over, and keeps it alive until it is closed. Throws without leaving one behind. */
export async function openLiveChannel({
  context,
  session: shared,
  key: { id, token, lock, orphan },
  events,
  url,
  onEnd,
}: {
  readonly context: Context;
  readonly session: ZohoSession;
  readonly key: ChannelKey;
  readonly events: readonly string[];
  readonly url: string;
  /** Called if the channel is lost for good: because of the sign-in, or to another listener. */
  readonly onEnd: (error: unknown) => void;
}): Promise<LiveChannel> {
  const { product, memory } = shared;
  const life = new AbortController();
  const client = watchClient(shared.api, product, AbortSignal.any([context.signal, life.signal]));
  // With an end from the start: a channel that a crash leaves behind must not count as alive for ever.
  const remember: ChannelMemory["remember"] = (channel) =>
    memory.remember({ expiresAt: end(), ...channel, ofListener: true, project: shared.config.root });
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
  const open = async () => {
    const granted =
      orphan === undefined
        ? { ...(await requestChannel(session, config, end)), isAdopted: false }
        : await adoptChannel(session, config, orphan, end);
    isGranted = true;
    return { ...granted, channel: await readBack(session, config, granted) };
  };
  const { requested, isAdopted, channel } = await open().catch(async (error: unknown) => {
    if (isGranted || !isRejection(error)) await abandon(context, session, id);
    throw error;
  });
  const made = isAdopted
    ? {
        ...channelReport(session, "updated", channel),
        reason: "taken over: an earlier listen of this project left it behind",
      }
    : channelReport(session, "created", channel);
  context.report(made);
  warnOfDifferences(context, session, { ...config, expiresAt: requested }, channel);
  let { expiresAt } = channel;
  let isMoving = false;

  const movedReason = (): string => `it now posts to ${maskUrl(config.notifyUrl)}`;
  const onChange = (change: ChannelChange): void => {
    expiresAt = "expiresAt" in change ? change.expiresAt : undefined;
    // A crash may leave the channel behind, and only the memory tells until when it posts.
    if (change.type === "created" || change.type === "renewed")
      memory.observe([{ id, expiresAt, token: undefined }], session.now(), id).catch(() => undefined);
    const report = changeReport(session, change);
    const hasMoved = isMoving && (change.type === "renewed" || change.type === "created");
    if (hasMoved) isMoving = false;
    context.report(hasMoved ? { ...report, state: "updated", reason: movedReason() } : report);
  };
  /** `channels update` may have changed its events meanwhile. They are in the memory, as a list shows less of a channel. */
  const current = async (): Promise<ChannelConfig> => {
    const remembered = await session.memory.recall(id).catch(() => undefined);
    // `channels delete` forgets it, and it is about to be created again.
    if (remembered === undefined) await session.memory.remember(config).catch(() => undefined);
    const { events, related, values, conditions } = remembered ?? config;
    config = { ...config, events, related, values, conditions };
    return config;
  };
  let reportedChange = "";
  const requireOwned = async (): Promise<void> => {
    if (await lock.isTaken()) throw takenOver(id);
  };
  const onLook = async (listed: Channel): Promise<void> => {
    const change = changeOf(await current(), listed, channel.token === token.reveal());
    if (change !== "" && change !== reportedChange) {
      const message = `something else changed channel ${id}: ${change}`;
      context.report({ type: "warning", message, hint: "the next renewal by this listen changes it back" });
    }
    reportedChange = change;
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
      requireOwned,
      onLook,
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
    context.report({ ...channelReport(session, "updated", moved), reason: movedReason() });
  };

  return {
    id,
    events: config.events,
    expiresAt: () => expiresAt,
    async moveTo(url) {
      await stop();
      if (life.signal.aborted) return;
      if (await lock.isTaken()) return onEnd(takenOver(id));
      config = { ...config, notifyUrl: url };
      isMoving = true;
      await move().catch((error: unknown) => {
        if (life.signal.aborted || context.signal.aborted) return;
        const message = `channel ${id} does not post to ${maskUrl(url)} yet: ${errorText(error)}`;
        context.report({ type: "warning", message, hint: "retrying until it does" });
      });
      start();
    },
    async leave() {
      life.abort();
      await stop();
    },
    async close() {
      life.abort();
      if (!(await lock.isTaken())) return deleteOnExit(context, session, id, stop);
      await stop();
      context.report(stateReport(session, "unknown", { id, reason: takenOver(id).message }));
      return "gone";
    },
  };
}

function takenOver(id: string): UserError {
  const message = `another zoho-hooks listen took channel ${id} over while this one was suspended`;
  return new UserError("connectionLost", message, "start this one again", "channelLost");
}

/** What of a channel is not as this listener wants it; "" if nothing. `showsToken`: Zoho lists tokens. */
function changeOf(config: ChannelConfig, listed: Channel, showsToken: boolean): string {
  if (listed.isUnread === true) return "";
  const eventsOf = (events: readonly string[]): string =>
    expandEvents(events)
      .map((event) => event.toLowerCase())
      .sort()
      .join(" ");
  return [
    ...(listed.notifyUrl === undefined || listed.notifyUrl === config.notifyUrl
      ? []
      : [`it posts to ${maskUrl(listed.notifyUrl)}`]),
    ...(eventsOf(listed.events) === eventsOf(config.events)
      ? []
      : [`it watches ${contractEvents(listed.events).join(", ")}`]),
    ...(!showsToken || listed.token === config.token ? [] : ["it has another token"]),
  ].join("; ");
}

/** Bounds the exit when the network is gone. */
const CLEAN_UP_TIMEOUT_MS = 5_000;

async function deleteOnExit(
  context: Context,
  session: ZohoSession,
  id: string,
  stop: () => Promise<void>,
): Promise<ChannelEnd> {
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
      return isDeleted ? "deleted" : "gone";
    }
    report("not-deleted", because, `delete it with ${command}`);
  } catch (error) {
    report("not-deleted", failureText(error), `delete it with ${command}`);
  }
  return "left";
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
