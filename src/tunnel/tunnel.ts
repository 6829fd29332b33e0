import { setTimeout as delay } from "node:timers/promises";
import type { UserError } from "../util/errors.ts";

/** Makes the local receiver reachable from outside. */
export interface Tunnel {
  readonly kind: "ngrok" | "cloudflared" | "public-url";
  /** The public base URL without a trailing slash. It may change when the tunnel reconnects. */
  readonly url: string;
  /** Closes the tunnel. Never throws and never waits long: what remains open ends with the process. */
  close(): Promise<void>;
}

/** `lost` is the last status: nothing more is tried. */
export type TunnelStatus =
  | { readonly type: "up"; readonly at: Date; readonly url: string }
  | { readonly type: "down"; readonly at: Date; readonly reason: string }
  | {
      readonly type: "reconnected";
      readonly at: Date;
      readonly downMs: number;
      readonly url: string;
      /** Set when the URL has changed: whatever points to it must be updated. */
      readonly previousUrl: string | undefined;
    }
  | { readonly type: "lost"; readonly at: Date; readonly downMs: number; readonly error: UserError };

/**
 * Whether a request to the public URL arrives at this very receiver. Must end within a few seconds; a failure is `false`, not
 * an exception.
 */
export type Reaches = (publicUrl: string, signal: AbortSignal) => Promise<boolean>;

export interface TunnelOptions {
  /** The receiver's address. */
  readonly addr: { readonly host: string; readonly port: number };
  readonly reaches: Reaches;
  /** How long the tunnel may be down before it is lost. */
  readonly timeoutMs: number;
  /** How often an idle tunnel is checked by a request to its URL. */
  readonly checkEveryMs?: number;
  /** How long a new name is left alone before it is used. */
  readonly settleMs?: number;
  readonly onStatus: (status: TunnelStatus) => void;
  readonly now: () => Date;
  /** Aborts opening; an open tunnel is ended by `close`. */
  readonly signal: AbortSignal;
}

/** A month of checks is a small part of the 20,000 requests of ngrok's free plan. */
const CHECK_EVERY_MS = 5 * 60_000;

/**
 * Checks a URL regularly, and resolves when requests to it no longer arrive. Skips a check while `url` is undefined. Throws
 * only when the signal aborts.
 */
export async function untilUnreachable(
  url: () => string | undefined,
  { reaches, checkEveryMs = CHECK_EVERY_MS }: Pick<TunnelOptions, "reaches" | "checkEveryMs">,
  signal: AbortSignal,
): Promise<void> {
  // A single failed check is no alarm: it is repeated twice.
  const pausesMs = [0, Math.min(1000, checkEveryMs), Math.min(3000, checkEveryMs)];
  for (;;) {
    await delay(checkEveryMs, undefined, { signal });
    const current = url();
    if (current !== undefined && !(await reachedWithin(reaches, current, pausesMs, signal))) return;
  }
}

/** Tries after each of the pauses; true on the first success. Throws only when the signal aborts. */
export async function reachedWithin(
  reaches: Reaches,
  url: string,
  pausesMs: readonly number[],
  signal: AbortSignal,
): Promise<boolean> {
  for (const pauseMs of pausesMs) {
    await delay(pauseMs, undefined, { signal });
    if (await reaches(url, signal)) return true;
    signal.throwIfAborted();
  }
  return false;
}
