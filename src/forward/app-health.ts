import { connect } from "node:net";
import type { TargetReport } from "../reports/forward.ts";
import { isLocalhost } from "../util/hosts.ts";

/** Whether the developer's app is there at all, for every target of one origin. */
export interface AppHealth {
  isDown(): boolean;
  /** A connection was refused. Says so once, then probes quietly until the app is back. */
  wentDown(reason: string): void;
  /** Called each time that the app is back. */
  onBack(work: () => void): void;
  close(): void;
}

interface AppHealthOptions {
  readonly origin: string;
  /** How many deliveries wait for targets of this origin. */
  countWaiting(): Promise<number>;
  now(): Date;
  onReport(report: TargetReport): void;
  onTrouble(error: unknown): void;
}

const PROBE_FIRST_MS = 250;
const PROBE_MOST_MS = 5000;

export function watchApp({ origin, countWaiting, now, onReport, onTrouble }: AppHealthOptions): AppHealth {
  const waiters: (() => void)[] = [];
  let downSince: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  function probeIn(pauseMs: number): void {
    if (!closed) timer = setTimeout(() => probe(pauseMs).catch(onTrouble), pauseMs);
  }

  async function probe(pauseMs: number): Promise<void> {
    if (!(await isListening(origin))) return probeIn(Math.min(pauseMs * 2, PROBE_MOST_MS));
    if (closed || downSince === undefined) return;
    const downMs = Math.round(performance.now() - downSince);
    // How many wait is worth a word, but not that they go on waiting.
    const waiting = await countWaiting().catch((error: unknown) => void onTrouble(error));
    if (closed) return;
    downSince = undefined;
    onReport({ type: "target", at: now(), state: "up", target: origin, reason: undefined, waiting, downMs });
    for (const wake of waiters) wake();
  }

  return {
    isDown: () => downSince !== undefined,
    wentDown(reason) {
      if (downSince !== undefined || closed) return;
      downSince = performance.now();
      const at = now();
      onReport({ type: "target", at, state: "down", target: origin, reason, waiting: undefined, downMs: undefined });
      probeIn(PROBE_FIRST_MS);
    },
    onBack: (work) => {
      waiters.push(work);
    },
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}

const PATIENCE_MS = 2000;

/** Whether something accepts connections where a URL points to. Sends nothing. */
async function isListening(target: string): Promise<boolean> {
  const { hostname, port, protocol } = new URL(target);
  const host = hostname.replace(/^\[|\]$/g, "");
  const number = Number(port || (protocol === "https:" ? 443 : 80));
  const hosts = isLocalhost(host) ? ["127.0.0.1", "::1"] : [host];
  const answers = await Promise.all(hosts.map((each) => accepts(each, number)));
  return answers.includes(true);
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(PATIENCE_MS, () => end(false));
    socket.once("connect", () => end(true));
    socket.once("error", () => end(false));
  });
}
