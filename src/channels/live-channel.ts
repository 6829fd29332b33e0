import { maskUrl } from "../delivery/mask.ts";
import { errorText, UserError } from "../util/errors.ts";
import { isRejection } from "../zoho-api/errors.ts";
import { changeOf } from "./change-of.ts";
import type { Channel, ChannelConfig } from "./channel.ts";
import { requireSuccess, watchClient } from "./client.ts";
import { readBack, requestChannel, takeOverChannel, warnOfDifferences, warnOfDoubles } from "./create.ts";
import { deleteOnExit, type RegistrationEnd, type Removal, removeInTime } from "./delete-on-exit.ts";
import { normaliseEvents } from "./events.ts";
import { endAfter, goneReason } from "./expiry.ts";
import { type ChannelChange, changeReport, isTakenOver, type KeepAliveOptions, keepAlive } from "./keep-alive.ts";
import type { ChannelMemory } from "./memory.ts";
import { orphanIds } from "./orphaned-channels.ts";
import { type ChannelGrant, writeRenewals } from "./renew.ts";
import type { ChannelContext } from "./reports.ts";
import { channelReport, type Registered, stateReport } from "./reports.ts";
import type { ZohoSession } from "./session.ts";
import type { ChannelReservation } from "./take-over.ts";

/**
 * A channel that lives as long as the receiver it posts to: created for a URL, or taken over, and kept alive until it is
 * closed. Throws without leaving one behind.
 */
export async function openLiveChannel({
  context,
  session: shared,
  reservation: { id, token, lock, orphan },
  events,
  url,
  onEnd,
}: {
  readonly context: ChannelContext;
  readonly session: ZohoSession;
  readonly reservation: ChannelReservation;
  readonly events: readonly string[];
  readonly url: string;
  /** Called if the channel is lost for good: because of the sign-in, or to another listener. */
  readonly onEnd: (error: unknown) => void;
}) {
  const { product, memory } = shared;
  const { defaultMs: lifetimeMs } = product.lifetime;
  const life = new AbortController();
  const client = watchClient(shared.api, product, AbortSignal.any([context.signal, life.signal]));
  const end = (now = shared.now()): Date => endAfter(lifetimeMs, now);
  // With an end from the start: a channel that a crash leaves behind must not count as alive forever.
  const remember: ChannelMemory["remember"] = (channel) =>
    memory.remember({ expiresAt: end(), ...channel, ofListener: true, project: shared.config.root });
  const session = { ...shared, client, memory: { ...memory, remember } };
  const watched = normaliseEvents(events);
  let config: ChannelConfig = {
    id,
    events: watched,
    notifyUrl: url,
    token: token.reveal(),
    related: product.hasOptions ? false : undefined,
    values: product.hasOptions ? true : undefined,
    conditions: [],
  };

  let isGranted = false;
  const open = async () => {
    const granted =
      orphan === undefined
        ? { ...(await requestChannel(session, config, end)), tookOver: false }
        : await takeOverChannel(session, config, orphan, end);
    isGranted = true;
    const { channel, others } = await readBack(session, config, granted);
    // Those that an earlier listen has left behind are deleted next.
    const orphans = await orphanIds(await session.memory.all(), session.folder, session.now());
    return { ...granted, channel, others: others.filter((each) => !orphans.has(each.id)) };
  };
  const { requested, tookOver, channel, others } = await open().catch(async (error: unknown) => {
    if (isGranted || !isRejection(error)) await abandon(context, session, id);
    throw error;
  });
  context.report({
    ...channelReport(session, tookOver ? "updated" : "created", channel),
    ...(tookOver && {
      reason: "taken over: an earlier listen of this project left it behind",
      hint: session.product.listsChanges
        ? `what your app was not told of meanwhile: ${context.invocation} reconcile --product ${session.product.id}`
        : undefined,
    }),
  });
  warnOfDifferences(context, session, { ...config, expiresAt: requested }, channel);
  warnOfDoubles(context, session, { channel, others });
  let { expiresAt } = channel;
  let isMoving = false;
  let moved: Channel | undefined;

  /** `channels create --id` may have changed its events meanwhile. They are in the memory: a list shows less of a channel. */
  const current = async (): Promise<ChannelConfig> => {
    const remembered = await session.memory.recall(id).catch(() => undefined);
    const { events, related, values, conditions } = remembered ?? config;
    config = { ...config, events, related, values, conditions };
    // `channels delete` forgets it, and it is about to be created again.
    if (remembered === undefined || isMoving) await session.memory.remember(config).catch(() => undefined);
    return config;
  };
  const requireOwned = async (): Promise<void> => {
    if (await lock.isTaken()) throw takenOver(id);
  };
  const renew = async (from: Date | undefined, onLost?: (error: unknown) => void): Promise<ChannelGrant> => {
    await requireOwned();
    const renewal = { config: await current(), from, isGone: from === undefined };
    const options = { end, isOwned: true, onLost };
    const grant = requireSuccess(await writeRenewals(session, [renewal], options));
    if (isMoving) moved = await client.get(id).catch(() => undefined);
    return grant;
  };
  const onChange = (change: ChannelChange): void => {
    expiresAt = "expiresAt" in change ? change.expiresAt : undefined;
    const isWritten = change.type === "created" || change.type === "renewed";
    if (!isMoving || !isWritten) {
      context.report(changeReport(session, change));
      return;
    }
    isMoving = false;
    const now = { ...config, ...moved, expiresAt: moved?.expiresAt ?? expiresAt };
    const reason = `it now posts to ${maskUrl(config.notifyUrl)}`;
    context.report({ ...channelReport(session, "updated", now), reason });
  };
  let reportedChange = "";
  const poll: KeepAliveOptions["poll"] = async () => {
    await requireOwned();
    // The next poll, or the renewal, reports what lasts.
    const found = await client.read({ channel_id: id, isPoll: true }).catch(() => undefined);
    if (found === undefined || life.signal.aborted || context.signal.aborted) return undefined;
    const listed = [...found.listed, ...found.expired].find((each) => each.id === id);
    if (listed === undefined) return { isListed: false };
    expiresAt = listed.expiresAt ?? expiresAt;
    await session.memory.observe([listed], session.now(), id).catch(() => undefined);
    const change = changeOf(await current(), listed, channel.token === token.reveal());
    if (change !== "" && change !== reportedChange) {
      const message = `something else changed channel ${id}: ${change}`;
      context.report({ type: "warning", message, hint: "the next renewal by this listen changes it back" });
    }
    reportedChange = change;
    return { isListed: true, expiresAt: listed.expiresAt };
  };
  let running: { readonly stop: AbortController; readonly done: Promise<void> } | undefined;
  const start = (): void => {
    if (life.signal.aborted) return;
    const stop = new AbortController();
    const signal = AbortSignal.any([stop.signal, context.signal]);
    const times = { expiresAt, lifetimeMs, isDue: isMoving, now: session.now, sleep: context.sleep };
    running = {
      stop,
      done: keepAlive({ id, ...times, signal, renew, poll, pollMs: session.pollMs, onChange }).catch(onEnd),
    };
  };
  const stop = async (): Promise<void> => {
    running?.stop.abort();
    await running?.done;
  };
  start();

  return {
    state(): Registered {
      const timeLeftMs = expiresAt && expiresAt.getTime() - session.now().getTime();
      const isLost = expiresAt === undefined;
      return { kind: "channel", product: product.id, id, events: watched, expiresAt, timeLeftMs, isLost };
    },
    /** Changes the URL, when the tunnel has come back under another one. Retries until it succeeds; never throws. */
    async moveTo(url: string): Promise<void> {
      await stop();
      if (life.signal.aborted) return;
      config = { ...config, notifyUrl: url };
      isMoving = true;
      try {
        onChange(await renew(expiresAt));
      } catch (error) {
        if (isTakenOver(error)) return onEnd(error);
        if (life.signal.aborted || context.signal.aborted) return;
        const message = `channel ${id} does not post to ${maskUrl(url)} yet: ${errorText(error)}`;
        context.report({ type: "warning", message, hint: "retrying until it does" });
      }
      start();
    },
    /** Renews it no more, and leaves it to another listener. */
    async leave(): Promise<void> {
      life.abort();
      await stop();
    },
    /** Deletes it, and reports what came of it. */
    async close(): Promise<RegistrationEnd> {
      life.abort();
      if (await lock.isTaken()) {
        await stop();
        context.report(stateReport(session, "unknown", { id, reason: takenOver(id).message }));
        return "gone";
      }
      return deleteOnExit(context, {
        name: `channel ${id}`,
        command: session.command(`delete ${id} --yes`),
        goneReason: () => goneReason(expiresAt, session.now()),
        remove: (signal) => remove(session, id, signal, stop),
        report: (state, reason, hint) => context.report(stateReport(session, state, { id, reason, hint })),
      });
    },
  };
}

function takenOver(id: string): UserError {
  const message = `another zoho-hooks listen took channel ${id} over while this one was suspended`;
  return new UserError("connectionLost", message, "start this one again", "registrationLost");
}

/** Deletes what a failed creation may have left behind. */
async function abandon(context: ChannelContext, session: ZohoSession, id: string): Promise<void> {
  const outcome = await removeInTime((signal) => remove(session, id, signal));
  if (outcome === "deleted") context.report(stateReport(session, "deleted", { id }));
  if (typeof outcome !== "object") return;
  const message = `channel ${id} may have been created: ${outcome.because}`;
  const hint = `see ${session.command("list")}; if it exists: ${session.command(`delete ${id} --yes`)}`;
  context.report({ type: "warning", message, hint });
}

async function remove(
  { api, memory, product }: ZohoSession,
  id: string,
  signal: AbortSignal,
  stop?: () => Promise<void>,
): Promise<Removal> {
  await stop?.();
  const { deleted, remaining } = await watchClient(api, product, signal).remove([id]);
  const [left] = remaining;
  if (left !== undefined) return left;
  await memory.forget([id]);
  return deleted.includes(id) ? "deleted" : "gone";
}
