import { setTimeout as delay } from "node:timers/promises";
import { originOf } from "../delivery/target-url.ts";
import type { ClaimRef, Log } from "../log/log.ts";
import { errorText } from "../util/errors.ts";
import { isListening, watchHealth } from "./app-health.ts";
import type { TargetReport } from "./reports.ts";
import type { ForwardSource } from "./request.ts";
import {
  createTargetQueue,
  Semaphore,
  type TargetApp,
  type TargetQueue,
  type TargetQueueOptions,
} from "./target-queue.ts";

export interface ForwarderOptions extends TargetQueueOptions {
  readonly log: TargetQueueOptions["log"] & Pick<Log, "waiting">;
  onTarget(report: TargetReport): void;
}

export type Forwarder = ReturnType<typeof createForwarder>;

const DRAIN_POLL_MS = 20;
const MAX_CONNECT_PAUSE_MS = 5_000;
/** Longer, for a delivery is work for an app, and a connection is not. */
const MAX_DELIVERY_PAUSE_MS = 60_000;

/** Sends recorded deliveries to their targets: a queue for each target, health and concurrency for each app. */
export function createForwarder(options: ForwarderOptions) {
  const { log, concurrency, now, onTarget, onTrouble } = options;
  const queues = new Map<string, TargetQueue>();
  const apps = new Map<string, TargetApp>();
  const health = { now, onReport: onTarget, onTrouble: (error: unknown) => onTrouble(errorText(error)) };

  function queueOf(target: string): TargetQueue {
    const queue = queues.get(target) ?? createTargetQueue(target, appOf(originOf(target)), options);
    queues.set(target, queue);
    return queue;
  }

  function appOf(origin: string): TargetApp {
    const app = apps.get(origin) ?? {
      health: watchHealth({
        ...health,
        target: origin,
        probe: async () => ((await isListening(origin)) ? undefined : {}),
        maxProbePauseMs: MAX_CONNECT_PAUSE_MS,
        countWaiting: () => countWaiting((target) => originOf(target) === origin),
      }),
      semaphore: new Semaphore(concurrency),
      watch: (target, probe) =>
        watchHealth({
          ...health,
          target,
          probe,
          maxProbePauseMs: MAX_DELIVERY_PAUSE_MS,
          countWaiting: () => countWaiting((each) => each === target),
        }),
    };
    apps.set(origin, app);
    return app;
  }

  async function countWaiting(isCounted: (target: string) => boolean): Promise<number> {
    const counts = await log.waiting();
    return counts.reduce((sum, { target, waiting }) => (isCounted(target) ? sum + waiting : sum), 0);
  }

  return {
    /** Reserves room for a delivery with each of the targets. All or nothing: false when any of them has none. */
    reserve(targets: readonly string[], bytes: number): boolean {
      const reserved: TargetQueue[] = [];
      for (const queue of targets.map(queueOf)) {
        if (queue.reserve(bytes)) reserved.push(queue);
        else {
          for (const each of reserved) each.release(bytes);
          return false;
        }
      }
      return true;
    },
    /** Frees room that was reserved. */
    release(targets: readonly string[], bytes: number): void {
      for (const target of targets) queueOf(target).release(bytes);
    },
    /** Sends a delivery that was claimed when it was recorded, into room that was reserved. */
    deliver(claim: ClaimRef, target: string, source: ForwardSource): void {
      queueOf(target).deliver(claim, source);
    },
    /** Sends a delivery that was recorded without a claim and that no other has to precede: at once if nothing else waits. */
    offer(ref: ClaimRef, target: string, source: ForwardSource): void {
      queueOf(target).offer(ref, source);
    },
    /** Something waits in the log for these targets. */
    wake(targets: readonly string[]): void {
      for (const target of targets) queueOf(target).wake();
    },
    /** Resolves when all that is due is sent, after `timeoutMs`, or when the signal aborts. */
    async drain(timeoutMs: number, signal: AbortSignal): Promise<void> {
      const deadline = performance.now() + timeoutMs;
      const isIdle = (): boolean => [...queues.values()].every((queue) => queue.isIdle());
      while (!isIdle() && !signal.aborted && performance.now() < deadline) await delay(DRAIN_POLL_MS);
    },
    async close(graceMs: number): Promise<void> {
      for (const { health } of apps.values()) health.close();
      await Promise.all([...queues.values()].map((queue) => queue.close(graceMs)));
    },
  };
}
