import type { UserError } from "../core/errors.ts";

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
export type Reaches = (publicUrl: string, signal: AbortSignal) => Promise<boolean>;

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
