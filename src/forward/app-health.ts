import { connect } from "node:net";
import { portOf } from "../body/target-url.ts";
import type { TargetReport } from "../reports/forward.ts";
import { isLocalhost } from "../util/hosts.ts";

interface AppHealthOptions {
  readonly origin: string;
  /** How many deliveries wait for targets of this origin. */
  countWaiting(): Promise<number>;
  now(): Date;
  onReport(report: TargetReport): void;
  onTrouble(error: unknown): void;
}

export type AppHealth = ReturnType<typeof watchApp>;

const FIRST_PROBE_MS = 250;
const MAX_PROBE_PAUSE_MS = 5000;

/** Knows whether the developer's app is up, for all targets of one origin. */
export function watchApp({ origin, countWaiting, now, onReport, onTrouble }: AppHealthOptions) {
  const listeners: (() => void)[] = [];
  let downSince: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  function probeIn(pauseMs: number): void {
    if (!closed) timer = setTimeout(() => probe(pauseMs).catch(onTrouble), pauseMs);
  }

  async function probe(pauseMs: number): Promise<void> {
    if (!(await isListening(origin))) return probeIn(Math.min(pauseMs * 2, MAX_PROBE_PAUSE_MS));
    if (closed || downSince === undefined) return;
    const downMs = Math.round(performance.now() - downSince);
    // A count that is unavailable must not delay the deliveries.
    const waiting = await countWaiting().catch((error: unknown) => void onTrouble(error));
    if (closed) return;
    downSince = undefined;
    onReport({ type: "target", at: now(), state: "up", target: origin, reason: undefined, waiting, downMs });
    for (const listener of listeners) listener();
  }

  return {
    isDown: (): boolean => downSince !== undefined,
    /** Reports it once, then probes quietly until the app is back. */
    wentDown(reason: string): void {
      if (downSince !== undefined || closed) return;
      downSince = performance.now();
      const at = now();
      onReport({ type: "target", at, state: "down", target: origin, reason, waiting: undefined, downMs: undefined });
      probeIn(FIRST_PROBE_MS);
    },
    /** Called each time that the app is back. */
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
