import { setTimeout as pause } from "node:timers/promises";
import type { UserError } from "../util/errors.ts";

/** What makes the local receiver reachable from outside. */
export interface Tunnel {
  readonly kind: "ngrok" | "public-url";
  /** The public base URL without a slash at its end. It can change when the tunnel has been down. */
  readonly url: string;
  /** Takes the URL down. Never throws and never waits long: what is left open ends with the process. */
  close(): Promise<void>;
}

/** What happens to a tunnel in its life. `lost` is the last word: nothing more is tried. */
export type TunnelStatus =
  | { readonly type: "up"; readonly at: Date; readonly url: string }
  | { readonly type: "down"; readonly at: Date; readonly reason: string }
  | {
      readonly type: "reconnected";
      readonly at: Date;
      readonly downMs: number;
      readonly url: string;
      /** The URL before, where it is another one now: whatever points at it must be changed. */
      readonly previousUrl: string | undefined;
    }
  | { readonly type: "lost"; readonly at: Date; readonly downMs: number; readonly error: UserError };

/**
 * Says whether a request to the public URL arrives at this very receiver. It must end by itself in a few seconds,
 * and a refusal is `false`, not an exception.
 */
type Reaches = (publicUrl: string, signal: AbortSignal) => Promise<boolean>;

export interface TunnelOptions {
  /** Where the receiver listens. */
  readonly addr: { readonly host: string; readonly port: number };
  readonly reaches: Reaches;
  /** How long the tunnel may be down before it counts as lost. */
  readonly timeoutMs: number;
  /** How often an idle tunnel is checked by a request through its URL. */
  readonly checkEveryMs?: number;
  readonly onStatus: (status: TunnelStatus) => void;
  readonly now: () => Date;
  /** Gives up opening; an open tunnel is ended by `close`. */
  readonly signal: AbortSignal;
}

/** Seldom enough that a month of checks stays a small part of the 20,000 requests of ngrok's free plan. */
export const DEFAULT_CHECK_EVERY_MS = 5 * 60_000;

/** Tries after each of the pauses; true on the first success. Throws only when the signal aborts. */
export async function reachedWithin(
  reaches: Reaches,
  url: string,
  pausesMs: readonly number[],
  signal: AbortSignal,
): Promise<boolean> {
  for (const pauseMs of pausesMs) {
    await pause(pauseMs, undefined, { signal });
    if (await reaches(url, signal)) return true;
    signal.throwIfAborted();
  }
  return false;
}

/** One failed check is no alarm: it is repeated after a moment, and once more. */
export function pausesBeforeAlarm(checkEveryMs: number): readonly number[] {
  return [0, Math.min(1000, checkEveryMs), Math.min(3000, checkEveryMs)];
}
