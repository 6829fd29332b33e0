import { ExitCode, errorText, UserError } from "../util/errors.ts";
import type { Sleep } from "../util/timing.ts";
import { isNotSubscribed, isThrottled, ZohoApiError } from "../zoho-api/errors.ts";
import { zohoTime } from "../zoho-api/time.ts";
import { MINUTE_MS } from "./expiry.ts";
import { type ChannelLine, stateLine } from "./lines.ts";
import { type ChannelGrant, DeletedChannel, isSignInError, NotExtended } from "./renew.ts";
import type { ZohoSession } from "./session.ts";

/** A change to a channel that is kept alive. */
export type ChannelChange =
  | ChannelGrant
  /** A renewal failed. The channel still exists, and is tried again. */
  | { readonly type: "expiring"; readonly id: string; readonly expiresAt: Date; readonly error: unknown }
  /** The channel is gone: changes in the meantime are missed. Creating it is tried again. `from`: its expiry. */
  | { readonly type: "lost"; readonly id: string; readonly from: Date | undefined; readonly error: unknown }
  /** It was deleted on purpose, so keeping it alive ends. */
  | { readonly type: "unknown"; readonly id: string; readonly deleted: "here" | "elsewhere" };

export interface KeepAliveOptions {
  readonly id: string;
  readonly lifetimeMs: number;
  /** Undefined: it does not exist yet, and is created first. */
  readonly expiresAt: Date | undefined;
  /** Renew it now, because what Zoho has of it is out of date. */
  readonly isDue?: boolean;
  readonly now: () => Date;
  readonly sleep: Sleep;
  readonly signal: AbortSignal;
  /** Renews the channel, or creates it if it has no expiry. Calls `onLost` if it is gone. */
  readonly renew: (expiresAt: Date | undefined, onLost: (error: unknown) => void) => Promise<ChannelGrant>;
  /** Reads the channel from Zoho, before each renewal and at least this often. Undefined without an answer. */
  readonly poll: () => Promise<PolledChannel | undefined>;
  readonly pollMs: number;
  readonly onChange: (change: ChannelChange) => void;
}

/** A channel as Zoho has it. */
interface PolledChannel {
  readonly isListed: boolean;
  /** Undefined if Zoho does not say. */
  readonly expiresAt?: Date | undefined;
}

/** Part of its lifetime after which a channel is renewed, or up to JITTER earlier. */
const RENEW_AT = 0.8;
const JITTER = 0.05;
/** Short, so that a machine that was suspended notices soon how late it is. */
const MAX_SLEEP_MS = 5 * MINUTE_MS;
/** Limits the rate of renewals, however short the lifetime that Zoho grants. */
const MIN_LIFETIME_MS = 10_000;
const FIRST_RETRY_MS = 10_000;
const MAX_RETRY_MS = 15 * MINUTE_MS;

/**
 * Keeps a channel alive until the signal aborts, and reports each renewal, failure and loss. Throws only if the channel
 * is lost to another process, or because of the sign-in (`UserError` 6), which waiting does not repair.
 */
export function keepAlive(options: KeepAliveOptions): Promise<void> {
  return new KeptChannel(options).run();
}

class KeptChannel {
  readonly #options: KeepAliveOptions;
  /** As Zoho last said; undefined while it is gone. */
  #expiresAt: Date | undefined;
  #isDue: boolean;
  #leadMs: number;
  #isLossReported = false;
  /** Since the last renewal. */
  #failures = 0;

  constructor(options: KeepAliveOptions) {
    this.#options = options;
    this.#expiresAt = options.expiresAt;
    this.#isDue = options.isDue ?? false;
    // When an existing channel was granted is unknown: assume the full lifetime, so that an old one is renewed at once.
    this.#leadMs = renewalLeadMs(options.lifetimeMs);
  }

  async run(): Promise<void> {
    const { signal, renew } = this.#options;
    while (!signal.aborted) {
      if (this.#failures === 0) await this.#waitForRenewal();
      if (signal.aborted) return;
      try {
        this.#renewed(await renew(this.#expiresAt, this.#lose));
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof DeletedChannel) return this.#deleted(error);
        if (isTakenOver(error)) throw error;
        this.#failed(error);
        if (isSignInError(error) && this.#expiresAt === undefined) throw error;
        await this.#waitForRetry(error);
      }
    }
  }

  /** Waits until the renewal is due, by the expiry that Zoho last said. */
  async #waitForRenewal(): Promise<void> {
    const { now, signal, poll, pollMs } = this.#options;
    while (!this.#isDue && this.#expiresAt !== undefined && !signal.aborted) {
      const dueMs = this.#expiresAt.getTime() - this.#leadMs - now().getTime();
      if (dueMs <= 0) return;
      if (!(await sleepUntil(new Date(now().getTime() + Math.min(dueMs, pollMs)), this.#options))) return;
      const polled = await poll();
      if (polled === undefined) continue;
      this.#expiresAt = polled.expiresAt ?? this.#expiresAt;
      // The renewal finds out whether it is gone: one list may be empty by mistake.
      this.#isDue = !polled.isListed;
    }
  }

  #renewed(grant: ChannelGrant): void {
    const { now, onChange } = this.#options;
    this.#expiresAt = grant.expiresAt;
    this.#leadMs = renewalLeadMs(grant.expiresAt.getTime() - now().getTime());
    this.#failures = 0;
    this.#isDue = false;
    this.#isLossReported = false;
    onChange(grant);
  }

  #deleted({ where }: DeletedChannel): void {
    const { id, onChange } = this.#options;
    onChange({ type: "unknown", id, deleted: where });
  }

  #failed(error: unknown): void {
    const { id, now, onChange } = this.#options;
    this.#failures++;
    // Zoho may have shortened it.
    if (error instanceof NotExtended && this.#expiresAt !== undefined) this.#expiresAt = error.end ?? this.#expiresAt;
    if (this.#expiresAt === undefined || this.#expiresAt <= now()) this.#lose(error);
    else onChange({ type: "expiring", id, expiresAt: this.#expiresAt, error });
  }

  /** A field, since it is passed on as a callback. */
  readonly #lose = (error: unknown): void => {
    const { id, onChange } = this.#options;
    if (!this.#isLossReported) onChange({ type: "lost", id, from: this.#expiresAt, error });
    this.#isLossReported = true;
    this.#expiresAt = undefined;
  };

  async #waitForRetry(error: unknown): Promise<void> {
    const { now } = this.#options;
    const delayMs = retryDelayMs(this.#failures, this.#expiresAt, now(), error);
    await sleepUntil(new Date(now().getTime() + delayMs), this.#options);
  }
}

/** How long before its expiry a channel with this lifetime is renewed. */
function renewalLeadMs(lifetimeMs: number): number {
  return lifetimeMs - Math.floor(Math.max(MIN_LIFETIME_MS, lifetimeMs) * (RENEW_AT - JITTER * Math.random()));
}

/** Exponential with jitter, but at most half of the time that is left. */
function retryDelayMs(failures: number, expiresAt: Date | undefined, now: Date, error: unknown): number {
  const requestedMs = error instanceof ZohoApiError ? (error.retryAfterMs ?? 0) : 0;
  // No cap for a dead sign-in: reporting it every quarter of an hour helps nobody.
  const maxMs = isSignInError(error) ? Number.POSITIVE_INFINITY : MAX_RETRY_MS;
  const backoffMs = Math.max(requestedMs, Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), maxMs));
  const leftMs = expiresAt === undefined ? Number.POSITIVE_INFINITY : expiresAt.getTime() - now.getTime();
  return Math.max(1_000, Math.min(backoffMs, leftMs / 2) * (0.5 + Math.random() / 2));
}

/** False if the signal aborted first. Time slept counts as well: a clock that is set back must not make it oversleep. */
async function sleepUntil(due: Date, { now, sleep, signal }: KeepAliveOptions): Promise<boolean> {
  for (let leftMs = due.getTime() - now().getTime(); leftMs > 0 && !signal.aborted; ) {
    const delayMs = Math.min(leftMs, MAX_SLEEP_MS);
    await sleep(delayMs, signal);
    leftMs = Math.min(leftMs - delayMs, due.getTime() - now().getTime());
  }
  return !signal.aborted;
}

/** Another listener has the channel, so that this one must not write it any more. */
export function isTakenOver(error: unknown): error is UserError {
  return error instanceof UserError && error.exitCode === ExitCode.connectionLost;
}

export function changeReport(session: ZohoSession, change: ChannelChange): ChannelLine {
  const { id, type } = change;
  const expiresAt = "expiresAt" in change ? change.expiresAt : undefined;
  const previousExpiresAt = "from" in change ? change.from : undefined;
  const text =
    type === "unknown"
      ? { reason: `it was deleted ${change.deleted}, and is no longer kept alive` }
      : "error" in change
        ? { reason: errorText(change.error), hint: hintFor(change, session.now()) }
        : { reason: change.note ?? change.warning };
  return stateLine(session, type, { id, expiresAt, previousExpiresAt, ...text });
}

/** The next automatic step, and what the user can do. */
function hintFor(change: Extract<ChannelChange, { readonly error: unknown }>, now: Date): string {
  const { error } = change;
  const hint = error instanceof UserError ? error.hint : undefined;
  if (isSignInError(error)) return `${hint}; then restart this command, which still uses the old sign-in`;
  const also = hint === undefined || isUpToZoho(error) ? "" : `; ${hint}`;
  if (change.type === "expiring") return `retrying until it is renewed${also}`;
  const hasEnded = change.from !== undefined && change.from <= now;
  const missed = hasEnded ? `after ${zohoTime(change.from)}` : "in the meantime";
  return `recreating it as soon as possible; changes ${missed} are missed${also}`;
}

/** The user can do nothing about it, or it is being done already. */
function isUpToZoho(error: unknown): boolean {
  return isThrottled(error) || isNotSubscribed(error) || (error instanceof ZohoApiError && error.status >= 500);
}
