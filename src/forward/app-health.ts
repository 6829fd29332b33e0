import { connect } from "node:net";
import { portOf } from "../delivery/target.ts";
import { isLocalhost } from "../util/hosts.ts";
import type { TargetLine } from "./lines.ts";

interface HealthOptions {
  /** For the reports: the origin of an app, or a target. */
  readonly target: string;
  /** Resolves to undefined once it is back. */
  probe(): Promise<StillDown | undefined>;
  readonly maxProbePauseMs: number;
  /** How many deliveries wait for it. */
  countWaiting(): Promise<number>;
  now(): Date;
  onReport(report: TargetLine): void;
  onTrouble(error: unknown): void;
}

export interface StillDown {
  /** How long it has asked not to be tried. */
  readonly retryAfterMs?: number;
}

/** Why an app or a target takes no deliveries now. */
export interface Down extends StillDown {
  readonly reason: string;
}

export type Health = ReturnType<typeof watchHealth>;

const FIRST_PROBE_MS = 250;
/** An app that goes down again so soon after it was back is not down for all deliveries. */
const JUST_BACK_MS = 60_000;

/**
 * Knows whether an app is up, or one of its targets. A refused connection is about the app, for all of its paths. An answer such as
 * 503 is about the target, since behind a gateway each path may be another service.
 */
export function watchHealth(options: HealthOptions) {
  const { target, maxProbePauseMs, countWaiting, now, onReport, onTrouble } = options;
  const listeners: (() => void)[] = [];
  let downSince: number | undefined;
  let backAt = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  function probeLater({ retryAfterMs = 0 }: StillDown, pauseMs: number): void {
    if (!closed) timer = setTimeout(probe, Math.max(pauseMs, retryAfterMs), pauseMs);
  }

  async function probe(pauseMs: number): Promise<void> {
    timer = undefined;
    const down = await options.probe().catch((error: unknown) => {
      onTrouble(error);
      return {};
    });
    if (down !== undefined) return probeLater(down, Math.min(pauseMs * 2, maxProbePauseMs));
    if (closed || downSince === undefined) return;
    const downMs = Math.round(performance.now() - downSince);
    // A count that is unavailable must not delay the deliveries.
    const waiting = await countWaiting().catch((error: unknown) => void onTrouble(error));
    if (closed) return;
    downSince = undefined;
    backAt = performance.now();
    onReport({
      type: "target",
      at: now().toJSON(),
      state: "up",
      target,
      reason: null,
      waiting: waiting ?? null,
      down_ms: downMs,
    });
    for (const listener of listeners) listener();
  }

  return {
    isDown: (): boolean => downSince !== undefined,
    /**
     * How long a delivery that it refuses goes behind the others, so that one which it never takes does not hold them up. Half
     * of the longest pause between probes: where nothing else waits, a probe has this one to send.
     */
    behindMs: (): number => (performance.now() - backAt < JUST_BACK_MS ? maxProbePauseMs / 2 : 0),
    /** Reports it once, then probes quietly until it is back. */
    wentDown(down: Down): void {
      if (downSince !== undefined || closed) return;
      downSince = performance.now();
      const { reason } = down;
      onReport({
        type: "target",
        at: now().toJSON(),
        state: "down",
        target,
        reason,
        waiting: null,
        down_ms: null,
      });
      probeLater(down, FIRST_PROBE_MS);
    },
    /** Probes without the rest of the pause. */
    probeNow(): void {
      if (timer === undefined || closed) return;
      clearTimeout(timer);
      void probe(FIRST_PROBE_MS);
    },
    /** Called each time that it is back. */
    onBack(listener: () => void): void {
      listeners.push(listener);
    },
    close(): void {
      closed = true;
      clearTimeout(timer);
    },
  };
}

const CONNECT_TIMEOUT_MS = 2000;

/** Whether something accepts connections at an origin. Sends nothing. */
export async function isListening(origin: string): Promise<boolean> {
  const host = new URL(origin).hostname.replace(/^\[|\]$/g, "");
  const hosts = isLocalhost(host) ? ["127.0.0.1", "::1"] : [host];
  const results = await Promise.all(hosts.map((each) => canConnect(each, portOf(origin))));
  return results.includes(true);
}

function canConnect(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const finish = (connected: boolean): void => {
      socket.destroy();
      resolve(connected);
    };
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => finish(false));
    socket.once("connect", () => finish(true));
    socket.once("error", () => finish(false));
  });
}
