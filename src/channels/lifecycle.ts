import { ExitCode, UserError } from "../util/errors.ts";
import type { Sleep } from "../util/timing.ts";
import { isNotSubscribed, ZohoApiError } from "../zoho-api/errors.ts";
import type { WatchClient } from "./api.ts";
import { type Channel, type ChannelConfig, configOf } from "./channel.ts";
import type { ChannelAccess } from "./create.ts";
import { endAfter, grantWarning, MINUTE_MS } from "./expiry.ts";
import { deletedElsewhere, NotExtended } from "./renewal-errors.ts";
import { requireSuccess } from "./replies.ts";

/** A channel that now expires later, or exists again. */
export interface ChannelGrant {
  readonly type: "created" | "renewed";
  readonly id: string;
  /** Its previous expiry. */
  readonly from?: Date | undefined;
  readonly expiresAt: Date | undefined;
  readonly note?: string | undefined;
  /** Zoho granted another expiry than requested. */
  readonly warning: string | undefined;
}

/** The whole configuration of a channel: as listed, with what a list leaves out as it was created here. */
export async function wholeConfig(
  { client, command, memory }: ChannelAccess,
  id: string,
  channel: Channel | undefined,
): Promise<ChannelConfig> {
  const config = mergedConfig(channel, await memory.recall(id));
  if (config !== undefined) return config;
  const { title } = client.product;
  const unknown = channel?.isUnread === true ? "is in a form that zoho-hooks cannot read" : "is listed without its URL";
  throw new UserError(
    "zohoApi",
    channel === undefined
      ? `${title} does not list channel ${id}, and this machine has no copy of it: it was created elsewhere, or deleted`
      : `channel ${id} of ${title} ${unknown}, and this machine has no copy of it: it was created elsewhere`,
    `create it again: ${command("create")}`,
    "not_subscribed",
  );
}

function mergedConfig(channel: Channel | undefined, remembered: ChannelConfig | undefined): ChannelConfig | undefined {
  const listed = channel === undefined ? undefined : configOf(channel);
  if (listed === undefined || remembered === undefined) return listed ?? remembered;
  const { related, values } = listed;
  return { ...listed, related: related ?? remembered.related, values: values ?? remembered.values };
}

type Extension =
  /** `end`: by Zoho's answer, else by its list. */
  | { readonly outcome: "extended"; readonly end: Date | undefined }
  | { readonly outcome: "gone" | "rejected"; readonly error: UserError };

/** Writes the whole channel with another expiry. */
async function extend(client: WatchClient, config: ChannelConfig, expiresAt: Date): Promise<Extension> {
  const [result] = await client.replace([{ config, expiresAt }]);
  if (result === undefined) throw new Error("one result was expected");
  if (result.ok) return { outcome: "extended", end: result.expiresAt ?? (await client.get(config.id))?.expiresAt };
  return { outcome: isNotSubscribed(result.error) ? "gone" : "rejected", error: result.error };
}

/** A change to a channel that is kept alive. */
export type ChannelChange =
  | ChannelGrant
  /** A renewal failed. The channel still exists, and is tried again. */
  | { readonly type: "expiring"; readonly id: string; readonly expiresAt: Date; readonly error: unknown }
  /** The channel is gone: changes in the meantime are missed. Creating it is tried again. `from`: its expiry. */
  | { readonly type: "lost"; readonly id: string; readonly from: Date | undefined; readonly error: unknown }
  /** It was deleted on purpose, so keeping it alive ends. */
  | { readonly type: "unknown"; readonly id: string; readonly deleted: Deletion };

type Deletion = "here" | "elsewhere";

export interface KeepAliveOptions {
  readonly client: WatchClient;
  readonly config: ChannelConfig;
  /** Reads the channel before each renewal; default: `config`. `expiresAt`: its expiry, undefined while it is lost. */
  readonly current?: (expiresAt: Date | undefined) => Promise<ChannelConfig | { readonly deleted: Deletion }>;
  readonly lifetimeMs: number;
  /** Undefined: it does not exist yet, and is created first. */
  readonly expiresAt: Date | undefined;
  /** Write the channel now, because what Zoho has of it is out of date. */
  readonly atOnce?: boolean;
  readonly now: () => Date;
  readonly sleep: Sleep;
  readonly random: () => number;
  readonly signal: AbortSignal;
  readonly onChange: (change: ChannelChange) => void;
  /** Called before each look and write; what it throws ends the renewals. */
  readonly requireOwned?: () => Promise<void>;
  /** Called with what Zoho lists, every 15 minutes between renewals. Without it, nobody looks. */
  readonly onLook?: (channel: Channel) => Promise<void>;
}

/** Part of its lifetime after which a channel is renewed, or up to JITTER earlier. */
const RENEW_AT = 0.8;
const JITTER = 0.05;
/** Short, so that a machine that was suspended notices soon how late it is. */
const MAX_NAP_MS = 5 * MINUTE_MS;
/** Limits the rate of renewals, however short the lifetime that Zoho grants. */
const MIN_LIFETIME_MS = 10_000;
const FIRST_RETRY_MS = 10_000;
const MAX_RETRY_MS = 15 * MINUTE_MS;
const LOOK_INTERVAL_MS = 15 * MINUTE_MS;

/**
 * Keeps a channel alive until the signal aborts, and reports each renewal, failure and loss. Throws only if the channel
 * is lost to another process, or because of the sign-in (`UserError` 6), which waiting does not repair.
 */
export async function keepAlive(options: KeepAliveOptions): Promise<void> {
  const { now, signal, onChange } = options;
  const { id } = options.config;
  let expiresAt = options.expiresAt;
  // When an existing channel was granted is unknown: assume the full lifetime, so that an old one is renewed at once.
  let grantedAt = expiresAt === undefined ? now() : new Date(expiresAt.getTime() - options.lifetimeMs);
  let isLossReported = false;
  let failures = 0;
  let isDue = options.atOnce === true;
  const lose = (error: unknown): void => {
    if (!isLossReported) onChange({ type: "lost", id, from: expiresAt, error });
    isLossReported = true;
    expiresAt = undefined;
  };
  const look = async (): Promise<void> => {
    await options.requireOwned?.();
    // The next look, or the renewal, reports what lasts.
    const listed = await options.client.get(id).catch(() => "unknown" as const);
    if (signal.aborted || listed === "unknown") return;
    if (listed === undefined) lose(deletedElsewhere());
    else await options.onLook?.(listed);
  };
  /** Waits until the renewal is due. False if the signal aborted, or the channel is gone. */
  const waitForRenewal = async (end: Date): Promise<boolean> => {
    const due = renewalTime(end, grantedAt, options.random());
    for (let leftMs = due.getTime() - now().getTime(); leftMs > 0; ) {
      const napMs = options.onLook === undefined ? leftMs : Math.min(leftMs, LOOK_INTERVAL_MS);
      if (!(await sleepUntil(new Date(now().getTime() + napMs), options))) return false;
      leftMs = Math.min(leftMs - napMs, due.getTime() - now().getTime());
      if (leftMs > 0) await look();
      if (expiresAt === undefined) return false;
    }
    return !signal.aborted;
  };

  while (!signal.aborted) {
    isDue ||= failures > 0 || expiresAt === undefined;
    if (!isDue && expiresAt !== undefined && !(await waitForRenewal(expiresAt))) continue;
    await options.requireOwned?.();
    try {
      const config = options.current === undefined ? options.config : await options.current(expiresAt);
      if ("deleted" in config) return onChange({ type: "unknown", id, ...config });
      const grant = await renewOrCreate({ ...options, config }, expiresAt, lose);
      ({ expiresAt } = grant);
      grantedAt = now();
      failures = 0;
      isDue = false;
      isLossReported = false;
      onChange(grant);
    } catch (error) {
      if (signal.aborted) return;
      failures++;
      // Zoho may have shortened it.
      if (error instanceof NotExtended && expiresAt !== undefined) expiresAt = error.end ?? expiresAt;
      if (expiresAt !== undefined && expiresAt > now()) {
        onChange({ type: "expiring", id, expiresAt, error });
      } else {
        lose(error);
        if (isSignInError(error)) throw error;
      }
      const retryAt = new Date(now().getTime() + retryDelayMs(failures, expiresAt, options, error));
      if (!(await sleepUntil(retryAt, options))) return;
    }
  }
}

/** A failure of the sign-in that waiting does not repair, since this run keeps the sign-in that it started with. */
export function isSignInError(error: unknown): boolean {
  return error instanceof UserError && error.exitCode === ExitCode.credentials && error.code !== "token_throttled";
}

function renewalTime(expiresAt: Date, grantedAt: Date, random: number): Date {
  const lifetimeMs = Math.max(MIN_LIFETIME_MS, expiresAt.getTime() - grantedAt.getTime());
  return new Date(grantedAt.getTime() + lifetimeMs * (RENEW_AT - JITTER * random));
}

/** Exponential with jitter, but at most half of the time that is left. */
function retryDelayMs(
  failures: number,
  expiresAt: Date | undefined,
  { now, random }: KeepAliveOptions,
  error: unknown,
): number {
  const askedMs = error instanceof ZohoApiError ? (error.retryAfterMs ?? 0) : 0;
  // No cap for a dead sign-in: reporting it every quarter of an hour helps nobody.
  const maxMs = isSignInError(error) ? Number.POSITIVE_INFINITY : MAX_RETRY_MS;
  const backoffMs = Math.max(askedMs, Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), maxMs));
  const leftMs = expiresAt === undefined ? Number.POSITIVE_INFINITY : expiresAt.getTime() - now().getTime();
  return Math.max(1_000, Math.min(backoffMs, leftMs / 2) * (0.5 + random() / 2));
}

/** False if the signal aborted first. Time slept counts as well: a clock that is set back must not make it oversleep. */
async function sleepUntil(due: Date, { now, sleep, signal }: KeepAliveOptions): Promise<boolean> {
  for (let leftMs = due.getTime() - now().getTime(); leftMs > 0; ) {
    if (signal.aborted) return false;
    const napMs = Math.min(leftMs, MAX_NAP_MS);
    await sleep(napMs, signal);
    leftMs = Math.min(leftMs - napMs, due.getTime() - now().getTime());
  }
  return !signal.aborted;
}

/**
 * Extends the channel. One that is gone, or whose renewal Zoho rejects, is created again under its id, which renews one
 * that still exists.
 */
async function renewOrCreate(
  { client, config, lifetimeMs, now }: KeepAliveOptions,
  from: Date | undefined,
  onGone: (error: unknown) => void,
): Promise<ChannelGrant> {
  const { id } = config;
  let requested = endAfter(lifetimeMs, now());
  let isGone = from === undefined;
  if (from !== undefined) {
    const result = await extend(client, config, requested);
    if (result.outcome === "extended") {
      const { end } = result;
      if (end === undefined) throw new NotExtended(id, from, end, now());
      if (end > from)
        return { type: "renewed", id, from, expiresAt: end, warning: grantWarning(requested, end, now()) };
    } else if (result.error.exitCode === ExitCode.credentials) {
      throw result.error;
    } else if (result.outcome === "gone") {
      isGone = true;
      onGone(result.error);
    }
  }
  // Computed again: the answer may have shown that the clock is off.
  requested = endAfter(lifetimeMs, now());
  const granted = requireSuccess(await client.create([{ config, expiresAt: requested }]));
  const end = granted.expiresAt ?? (await client.get(id))?.expiresAt;
  const before = isGone || from === undefined ? now() : from;
  if (end === undefined || end <= before) throw new NotExtended(id, from, end, now());
  const warning = grantWarning(requested, end, now());
  return isGone
    ? { type: "created", id, expiresAt: end, warning }
    : { type: "renewed", id, from, expiresAt: end, warning };
}

/** A channel to keep alive as it is at each renewal: writing what was known before would undo changes made meanwhile. */
export async function followChannel(access: ChannelAccess, id: string, listed: Channel | undefined) {
  const { client, memory, now } = access;
  const config = { ...(await wholeConfig(access, id, listed)), id };
  const isOurs = (await memory.recall(id)) !== undefined;
  const current: KeepAliveOptions["current"] = async (expiresAt) => {
    const channel = await client.get(id);
    const remembered = await memory.recall(id);
    if (channel !== undefined) return mergedConfig(channel, remembered) ?? config;
    if (isOurs && remembered === undefined) return { deleted: "here" };
    // A channel that disappears after its expiry has expired; one that disappears earlier was deleted.
    if (expiresAt === undefined || expiresAt <= now()) return remembered ?? config;
    await memory.observe([], now(), id);
    return { deleted: "elsewhere" };
  };
  return { client, config, expiresAt: listed?.expiresAt, current };
}
