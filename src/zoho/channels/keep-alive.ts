import { ExitCode, UserError } from "../../util/errors.ts";
import type { Sleep } from "../../util/timing.ts";
import { ZohoApiError } from "../errors.ts";
import type { WatchClient } from "./api.ts";
import type { ChannelConfig } from "./channel.ts";
import { grantWarning, MINUTE_MS, zohoTime } from "./expiry.ts";

/** What happens to a channel that is kept alive. */
export type ChannelChange =
  | { readonly type: "created"; readonly id: string; readonly expiresAt: Date; readonly warning: string | undefined }
  | {
      readonly type: "renewed";
      readonly id: string;
      readonly from: Date | undefined;
      readonly expiresAt: Date;
      readonly warning: string | undefined;
    }
  /** A renewal failed. The channel still lives, and another try follows. */
  | { readonly type: "expiring"; readonly id: string; readonly expiresAt: Date; readonly error: unknown }
  /** The channel is gone, and what happened in the meantime was not told. Another try to create it follows. `from`: its end. */
  | { readonly type: "lost"; readonly id: string; readonly from: Date | undefined; readonly error: unknown }
  /** It was deleted on purpose meanwhile, so nothing is kept alive any more. */
  | { readonly type: "unknown"; readonly id: string };

export interface KeepAliveOptions {
  readonly client: WatchClient;
  readonly config: ChannelConfig;
  /** What the channel shall be now, asked before each renewal; undefined when it was deleted. Without it: `config`. */
  readonly current?: () => Promise<ChannelConfig | undefined>;
  readonly lifetimeMs: number;
  /** When the channel ends now. Undefined: it is not there yet, and is created first. */
  readonly expiresAt: Date | undefined;
  /** Sets the channel now, however long it still lives: what Zoho has of it is not what it shall be. */
  readonly atOnce?: boolean;
  readonly now: () => Date;
  readonly sleep: Sleep;
  readonly random: () => number;
  readonly signal: AbortSignal;
  readonly onChange: (change: ChannelChange) => void;
}

/** At this part of its lifetime a channel is renewed, or up to a twentieth of it earlier. */
const RENEW_AT = 0.8;
const JITTER = 0.05;
/** Short naps: a machine that was asleep must notice at once that time has passed. */
const LONGEST_NAP_MS = 5 * MINUTE_MS;
/** However little Zoho grants, it is not asked in a rush. */
const SHORTEST_LIFETIME_MS = 10_000;
const FIRST_RETRY_MS = 10_000;
const LONGEST_RETRY_MS = 15 * MINUTE_MS;

/**
 * Keeps one channel alive until the signal aborts. It never ends silently: every renewal, failure and loss is told.
 * Throws only when the channel is lost and its cause is the sign-in (`UserError` 6), which waiting does not mend.
 */
export async function keepAlive(options: KeepAliveOptions): Promise<void> {
  const { now, signal, onChange } = options;
  const { id } = options.config;
  let expiresAt = options.expiresAt;
  // When a channel that was there before was granted is not known; late in its life it is renewed at once.
  let grantedAt = expiresAt === undefined ? now() : new Date(expiresAt.getTime() - options.lifetimeMs);
  let lossTold = false;
  let failures = 0;
  let isDue = options.atOnce === true;

  while (!signal.aborted) {
    isDue ||= failures > 0 || expiresAt === undefined;
    const due = isDue || expiresAt === undefined ? now() : renewalTime(expiresAt, grantedAt, options.random());
    if (!(await napUntil(due, options))) return;
    try {
      const config = options.current === undefined ? options.config : await options.current();
      if (config === undefined) return onChange({ type: "unknown", id });
      const change = await renewOrCreate({ ...options, config }, expiresAt, (error) => {
        if (!lossTold) onChange({ type: "lost", id, from: expiresAt, error });
        lossTold = true;
        expiresAt = undefined;
      });
      ({ expiresAt } = change);
      grantedAt = now();
      failures = 0;
      isDue = false;
      lossTold = false;
      onChange(change);
    } catch (error) {
      if (signal.aborted) return;
      failures++;
      // What Zoho cut short ends sooner than before.
      if (error instanceof NotLater && expiresAt !== undefined) expiresAt = error.end;
      if (expiresAt !== undefined && expiresAt > now()) {
        onChange({ type: "expiring", id, expiresAt, error });
      } else {
        if (!lossTold) onChange({ type: "lost", id, from: expiresAt, error });
        lossTold = true;
        expiresAt = undefined;
        if (isOfSignIn(error)) throw error;
      }
      if (!(await napUntil(new Date(now().getTime() + retryMs(failures, expiresAt, options, error)), options))) return;
    }
  }
}

/** Waiting does not mend it: this run has the sign-in that it began with. */
export function isOfSignIn(error: unknown): boolean {
  return error instanceof UserError && error.exitCode === ExitCode.credentials && error.code !== "token_throttled";
}

/** Between 75 and 80 % of the way from the grant to the end. */
function renewalTime(expiresAt: Date, grantedAt: Date, random: number): Date {
  const lifetimeMs = Math.max(SHORTEST_LIFETIME_MS, expiresAt.getTime() - grantedAt.getTime());
  return new Date(grantedAt.getTime() + lifetimeMs * (RENEW_AT - JITTER * random));
}

/** Doubling, but never so long that less than half of what is left remains. */
function retryMs(
  failures: number,
  expiresAt: Date | undefined,
  { now, random }: KeepAliveOptions,
  error: unknown,
): number {
  const askedMs = error instanceof ZohoApiError ? (error.retryAfterMs ?? 0) : 0;
  // Of a sign-in that is dead nobody wants to be told every quarter of an hour.
  const longestMs = isOfSignIn(error) ? Number.POSITIVE_INFINITY : LONGEST_RETRY_MS;
  const growing = Math.max(askedMs, Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), longestMs));
  const leftMs = expiresAt === undefined ? Number.POSITIVE_INFINITY : expiresAt.getTime() - now().getTime();
  return Math.max(1_000, Math.min(growing, leftMs / 2) * (0.5 + random() / 2));
}

/** False when the signal aborted first. What was slept counts, too: a clock that is set back meanwhile would let it oversleep. */
async function napUntil(due: Date, { now, sleep, signal }: KeepAliveOptions): Promise<boolean> {
  for (let leftMs = due.getTime() - now().getTime(); leftMs > 0; ) {
    if (signal.aborted) return false;
    const napMs = Math.min(leftMs, LONGEST_NAP_MS);
    await sleep(napMs, signal);
    leftMs = Math.min(leftMs - napMs, due.getTime() - now().getTime());
  }
  return !signal.aborted;
}

type Granted = Extract<ChannelChange, { type: "created" | "renewed" }>;

/**
 * Sets the whole channel with a later end. A channel that is gone, or whose renewal Zoho refuses, is made anew under
 * its own id: for one that still lives that is a renewal, too.
 */
async function renewOrCreate(
  options: KeepAliveOptions,
  from: Date | undefined,
  onGone: (error: unknown) => void,
): Promise<Granted> {
  const { client, config, now } = options;
  let asked = new Date(0);
  // Reckoned for each: an answer may show that the clock is off.
  const requests = () => {
    asked = new Date(Math.floor((now().getTime() + options.lifetimeMs) / 1000) * 1000);
    return [{ config, expiresAt: asked }];
  };
  const warning = (expiresAt: Date): string | undefined => grantWarning(asked, expiresAt, now());

  let gone = from === undefined;
  if (from !== undefined) {
    const [result] = await client.replace(requests());
    if (result?.ok) {
      const expiresAt = await endOf(client, config.id, result.expiresAt);
      if (expiresAt > from) return { type: "renewed", id: config.id, from, expiresAt, warning: warning(expiresAt) };
    } else if (result !== undefined) {
      if (result.error.exitCode === ExitCode.credentials) throw result.error;
      gone = result.error.fault.code === "NOT_SUBSCRIBED";
      if (gone) onGone(result.error);
    }
  }

  const [result] = await client.create(requests());
  if (result === undefined) throw new Error("one result was expected");
  if (!result.ok) throw result.error;
  const expiresAt = await endOf(client, config.id, result.expiresAt);
  const before = gone || from === undefined ? now() : from;
  if (expiresAt <= before) throw new NotLater(config.id, from, expiresAt, now());
  if (gone) return { type: "created", id: config.id, expiresAt, warning: warning(expiresAt) };
  return { type: "renewed", id: config.id, from, expiresAt, warning: warning(expiresAt) };
}

/** When the channel ends according to the answer, or else to the list. */
async function endOf(client: WatchClient, id: string, told: Date | undefined): Promise<Date> {
  const expiresAt = told ?? (await client.get(id))?.expiresAt;
  if (expiresAt !== undefined) return expiresAt;
  throw new UserError("zohoApi", `Zoho does not say when channel ${id} ends`, "see channels list", "no_expiry");
}

class NotLater extends UserError {
  readonly end: Date;

  constructor(id: string, before: Date | undefined, end: Date, now: Date) {
    const isPast = end <= now;
    super(
      "zohoApi",
      isPast
        ? `Zoho lets channel ${id} end at ${zohoTime(end)}, and by the clock of this machine it is ${zohoTime(now)}`
        : `Zoho accepted channel ${id} and gave it no later end: ${before ? zohoTime(before) : "unknown"} → ${zohoTime(end)}`,
      isPast
        ? "correct the clock: when it is ahead, zoho-hooks asks for a longer time than Zoho allows, and Zoho then grants only an hour"
        : "delete the channel and create it again: channels delete, then channels create",
      "not_renewed",
    );
    this.end = end;
  }
}
