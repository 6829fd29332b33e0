import { maskUrl } from "../delivery/mask.ts";
import { errorText, UserError } from "../util/errors.ts";
import { timeOf } from "../util/json-line.ts";
import { isRejection } from "../zoho-api/errors.ts";
import { changeOf } from "./change-of.ts";
import type { Channel, ChannelConfig } from "./channel.ts";
import { requireSuccess, watchClient } from "./client.ts";
import { readBack, requestChannel, takeOverChannel, warnOfDifferences, warnOfDoubles } from "./create.ts";
import { deleteOnExit, type RegistrationEnd, type Removal, removeInTime } from "./delete-on-exit.ts";
import { normaliseEvents } from "./events.ts";
import { endAfter, goneReason } from "./expiry.ts";
import { type ChannelChange, changeReport, isTakenOver, type KeepAliveOptions, keepAlive } from "./keep-alive.ts";
import type { ChannelContext } from "./lines.ts";
import { channelLine, type Registered, stateLine } from "./lines.ts";
import type { ChannelMemory } from "./memory.ts";
import { orphanIds } from "./orphaned-channels.ts";
import { type ChannelGrant, writeRenewals } from "./renew.ts";
import type { ZohoSession } from "./session.ts";
import type { ChannelReservation } from "./take-over.ts";

interface LiveChannelOptions {
  readonly context: ChannelContext;
  readonly session: ZohoSession;
  readonly reservation: ChannelReservation;
  readonly events: readonly string[];
  readonly url: string;
  /** Called if the channel is lost for good: because of the sign-in, or to another listener. */
  readonly onEnd: (error: unknown) => void;
}

/**
 * A channel that lives as long as the receiver it posts to: created for a URL, or taken over, and kept alive until it is
 * closed. Throws without leaving one behind.
 */
export async function openLiveChannel(options: LiveChannelOptions): Promise<LiveChannel> {
  const { context, reservation, url } = options;
  const { id, token, orphan } = reservation;
  const { product } = options.session;
  const life = new AbortController();
  const session = ownSession(options, life.signal);
  const config: ChannelConfig = {
    id,
    events: normaliseEvents(options.events),
    notifyUrl: url,
    token: token.reveal(),
    related: product.hasOptions ? false : undefined,
    values: product.hasOptions ? true : undefined,
    conditions: [],
  };
  const { requested, tookOver, channel, others } = await place(context, session, config, orphan);
  context.report({
    ...channelLine(session, tookOver ? "updated" : "created", channel),
    ...(tookOver && {
      reason: "taken over: an earlier listen of this project left it behind",
      hint: product.listsChanges
        ? `what your app was not told of meanwhile: ${context.invocation} reconcile --product ${product.id}`
        : null,
    }),
  });
  warnOfDifferences(context, session, { ...config, expiresAt: requested }, channel);
  warnOfDoubles(context, session, { channel, others });
  return new LiveChannel({ ...options, session, config, channel, life });
}

/** The session of one channel, whose calls end with the channel, and which remembers it as a listener's. */
function ownSession({ context, session }: LiveChannelOptions, life: AbortSignal): ZohoSession {
  const { api, product, memory, config } = session;
  // With an end from the start: a channel that a crash leaves behind must not count as alive forever.
  const remember: ChannelMemory["remember"] = (channel) =>
    memory.remember({ expiresAt: endIn(session), ...channel, ofListener: true, project: config.root });
  return {
    ...session,
    client: watchClient(api, product, AbortSignal.any([context.signal, life])),
    memory: { ...memory, remember },
  };
}

/** The expiry that is requested now. */
function endIn({ product, now }: ZohoSession, at = now()): Date {
  return endAfter(product.lifetime.defaultMs, at);
}

/** Creates the channel or takes one over, and reads it back. */
async function place(
  context: ChannelContext,
  session: ZohoSession,
  config: ChannelConfig,
  orphan: ChannelReservation["orphan"],
) {
  const end = (now?: Date): Date => endIn(session, now);
  let isGranted = false;
  try {
    const granted =
      orphan === undefined
        ? { ...(await requestChannel(session, config, end)), tookOver: false }
        : await takeOverChannel(session, config, orphan, end);
    isGranted = true;
    const { channel, others } = await readBack(session, config, granted);
    // Those that an earlier listen has left behind are deleted next.
    const orphans = await orphanIds(await session.memory.all(), session.folder, session.now());
    return { ...granted, channel, others: others.filter((each) => !orphans.has(each.id)) };
  } catch (error) {
    if (isGranted || !isRejection(error)) await abandon(context, session, config.id);
    throw error;
  }
}

class LiveChannel {
  readonly #context: ChannelContext;
  readonly #session: ZohoSession;
  readonly #lock: ChannelReservation["lock"];
  readonly #id: string;
  readonly #events: readonly string[];
  readonly #onEnd: (error: unknown) => void;
  /** Ends all calls but the deletion. */
  readonly #life: AbortController;
  /** It was read back with the token that it was created with. */
  readonly #hasOwnToken: boolean;
  #config: ChannelConfig;
  /** Undefined while it is lost. */
  #expiresAt: Date | undefined;
  /** Zoho does not have its URL yet. */
  #isMoving = false;
  /** As read back after a move. */
  #moved: Channel | undefined;
  /** The change by another program that was reported last. */
  #reportedChange = "";
  #running: { readonly stop: AbortController; readonly done: Promise<void> } | undefined;

  constructor({
    context,
    session,
    reservation,
    config,
    channel,
    life,
    onEnd,
  }: LiveChannelOptions & {
    readonly config: ChannelConfig;
    readonly channel: Channel;
    readonly life: AbortController;
  }) {
    this.#context = context;
    this.#session = session;
    this.#lock = reservation.lock;
    this.#id = config.id;
    this.#events = config.events;
    this.#onEnd = onEnd;
    this.#life = life;
    this.#hasOwnToken = channel.token === config.token;
    this.#config = config;
    this.#expiresAt = channel.expiresAt;
    this.#start();
  }

  state(): Registered {
    const { product, now } = this.#session;
    const expiresAt = this.#expiresAt;
    return {
      kind: "channel",
      product: product.id,
      id: this.#id,
      events: this.#events,
      expires_at: timeOf(expiresAt),
      time_left_ms: expiresAt === undefined ? null : expiresAt.getTime() - now().getTime(),
      isLost: expiresAt === undefined,
    };
  }

  /** Changes the URL, when the tunnel has come back under another one. Retries until it succeeds; never throws. */
  async moveTo(url: string): Promise<void> {
    await this.#stop();
    if (this.#life.signal.aborted) return;
    this.#config = { ...this.#config, notifyUrl: url };
    this.#isMoving = true;
    try {
      this.#onChange(await this.#renew(this.#expiresAt));
    } catch (error) {
      if (isTakenOver(error)) return this.#onEnd(error);
      if (this.#life.signal.aborted || this.#context.signal.aborted) return;
      const message = `channel ${this.#id} does not post to ${maskUrl(url)} yet: ${errorText(error)}`;
      this.#context.report({ type: "warning", message, hint: "retrying until it does" });
    }
    this.#start();
  }

  /** Renews it no more, and leaves it to another listener. */
  async leave(): Promise<void> {
    this.#life.abort();
    await this.#stop();
  }

  /** Deletes it, and reports what came of it. */
  async close(): Promise<RegistrationEnd> {
    const [context, session, id] = [this.#context, this.#session, this.#id];
    this.#life.abort();
    if (await this.#lock.isTaken()) {
      await this.#stop();
      context.report(stateLine(session, "unknown", { id, reason: takenOver(id).message }));
      return "gone";
    }
    return deleteOnExit(context, {
      name: `channel ${id}`,
      command: () => session.command(`delete ${id} --yes`),
      goneReason: () => goneReason(this.#expiresAt, session.now()),
      remove: (signal) => remove(session, id, signal, () => this.#stop()),
      report: (state, reason, hint) => context.report(stateLine(session, state, { id, reason, hint })),
    });
  }

  #start(): void {
    if (this.#life.signal.aborted) return;
    const { product, now, pollMs } = this.#session;
    const stop = new AbortController();
    const done = keepAlive({
      id: this.#id,
      lifetimeMs: product.lifetime.defaultMs,
      expiresAt: this.#expiresAt,
      isDue: this.#isMoving,
      now,
      sleep: this.#context.sleep,
      signal: AbortSignal.any([stop.signal, this.#context.signal]),
      renew: (from, onLost) => this.#renew(from, onLost),
      poll: () => this.#poll(),
      pollMs,
      onChange: (change) => this.#onChange(change),
    }).catch(this.#onEnd);
    this.#running = { stop, done };
  }

  async #stop(): Promise<void> {
    this.#running?.stop.abort();
    await this.#running?.done;
  }

  async #renew(from: Date | undefined, onLost?: (error: unknown) => void): Promise<ChannelGrant> {
    await this.#requireOwned();
    const renewal = { config: await this.#currentConfig(), from, isGone: from === undefined };
    const options = { end: () => endIn(this.#session), isOwned: true, onLost };
    const grant = requireSuccess(await writeRenewals(this.#session, [renewal], options));
    if (this.#isMoving) this.#moved = await this.#session.client.get(this.#id).catch(() => undefined);
    return grant;
  }

  async #requireOwned(): Promise<void> {
    if (await this.#lock.isTaken()) throw takenOver(this.#id);
  }

  /** `channels create --id` may have changed its events meanwhile. They are in the memory: a list shows less of a channel. */
  async #currentConfig(): Promise<ChannelConfig> {
    const { memory } = this.#session;
    const remembered = await memory.recall(this.#id).catch(() => undefined);
    const { events, related, values, conditions } = remembered ?? this.#config;
    const config = { ...this.#config, events, related, values, conditions };
    this.#config = config;
    // `channels delete` forgets it, and it is about to be created again.
    if (remembered === undefined || this.#isMoving) await memory.remember(config).catch(() => undefined);
    return this.#config;
  }

  async #poll(): ReturnType<KeepAliveOptions["poll"]> {
    const { client, memory, now } = this.#session;
    const id = this.#id;
    await this.#requireOwned();
    // The next poll, or the renewal, reports what lasts.
    const found = await client.read({ channel_id: id, isPoll: true }).catch(() => undefined);
    if (found === undefined || this.#life.signal.aborted || this.#context.signal.aborted) return undefined;
    const listed = [...found.listed, ...found.expired].find((each) => each.id === id);
    if (listed === undefined) return { isListed: false };
    this.#expiresAt = listed.expiresAt ?? this.#expiresAt;
    await memory.observe([listed], now(), id).catch(() => undefined);
    this.#reportForeignChange(changeOf(await this.#currentConfig(), listed, this.#hasOwnToken));
    return { isListed: true, expiresAt: listed.expiresAt };
  }

  #reportForeignChange(change: string): void {
    if (change !== "" && change !== this.#reportedChange) {
      const message = `something else changed channel ${this.#id}: ${change}`;
      this.#context.report({ type: "warning", message, hint: "the next renewal by this listen changes it back" });
    }
    this.#reportedChange = change;
  }

  #onChange(change: ChannelChange): void {
    this.#expiresAt = "expiresAt" in change ? change.expiresAt : undefined;
    const isWritten = change.type === "created" || change.type === "renewed";
    if (!this.#isMoving || !isWritten) {
      this.#context.report(changeReport(this.#session, change));
      return;
    }
    this.#isMoving = false;
    const moved = this.#moved;
    const now = { ...this.#config, ...moved, expiresAt: moved?.expiresAt ?? this.#expiresAt };
    const reason = `it now posts to ${maskUrl(this.#config.notifyUrl)}`;
    this.#context.report({ ...channelLine(this.#session, "updated", now), reason, hint: null });
  }
}

function takenOver(id: string): UserError {
  const message = `another zoho-hooks listen took channel ${id} over while this one was suspended`;
  return new UserError("connectionLost", message, "start this one again", "registrationLost");
}

/** Deletes what a failed creation may have left behind. */
async function abandon(context: ChannelContext, session: ZohoSession, id: string): Promise<void> {
  const outcome = await removeInTime((signal) => remove(session, id, signal));
  if (outcome === "deleted") context.report(stateLine(session, "deleted", { id }));
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
