import { setTimeout as delay } from "node:timers/promises";
import type { TargetReport } from "../reports/forward.ts";
import type { ClaimRef, Log } from "../store/log.ts";
import { errorText } from "../util/errors.ts";
import { watchApp } from "./app-health.ts";
import type { ForwardSource } from "./request.ts";
import {
  createSemaphore,
  createTargetQueue,
  type TargetApp,
  type TargetQueue,
  type TargetQueueOptions,
} from "./target-queue.ts";

/** Delivers what was kept: at once where there is room, else from the log, in order. A lane for each target. */
export interface Forwarder {
  /** Makes room for a delivery of so many bytes with each of the targets; false, and none made, when one has none. */
  reserve(targets: readonly string[], bytes: number): boolean;
  release(targets: readonly string[], bytes: number): void;
  deliver(claim: ClaimRef, target: string, source: ForwardSource): void;
  /** Something waits in the log for these targets. */
  wake(targets: readonly string[]): void;
  /** Goes on with what is due for so long at most, or until the signal aborts. */
  drain(atMostMs: number, signal: AbortSignal): Promise<void>;
  close(graceMs: number): Promise<void>;
}

export interface ForwarderOptions extends TargetQueueOptions {
  readonly log: TargetQueueOptions["log"] & Pick<Log, "waiting">;
  onTarget(report: TargetReport): void;
}

const LOOK_EVERY_MS = 20;

export function createForwarder(options: ForwarderOptions): Forwarder {
  const { log, concurrency, now, onTarget, onTrouble } = options;
  const lanes = new Map<string, TargetQueue>();
  const apps = new Map<string, TargetApp>();

  const appOf = (origin: string): TargetApp => {
    const countWaiting = async (): Promise<number> => {
      const counts = await log.waiting();
      const own = counts.filter(({ target }) => originOf(target) === origin);
      return own.reduce((sum, { waiting }) => sum + waiting, 0);
    };
    const onHealthTrouble = (error: unknown): void => onTrouble(errorText(error));
    const app = apps.get(origin) ?? {
      health: watchApp({ origin, countWaiting, now, onReport: onTarget, onTrouble: onHealthTrouble }),
      places: createSemaphore(concurrency),
    };
    apps.set(origin, app);
    return app;
  };
  const laneOf = (target: string): TargetQueue => {
    const lane = lanes.get(target) ?? createTargetQueue(target, appOf(originOf(target)), options);
    lanes.set(target, lane);
    return lane;
  };
  return {
    reserve(targets, bytes) {
      const reserved: TargetQueue[] = [];
      for (const lane of targets.map(laneOf)) {
        if (lane.reserve(bytes)) reserved.push(lane);
        else {
          for (const each of reserved) each.giveBack(bytes);
          return false;
        }
      }
      return true;
    },
    release(targets, bytes) {
      for (const target of targets) laneOf(target).giveBack(bytes);
    },
    deliver: (claim, target, source) => laneOf(target).deliver(claim, source),
    wake(targets) {
      for (const target of targets) laneOf(target).wake();
    },
    async drain(atMostMs, signal) {
      const until = performance.now() + atMostMs;
      const isIdle = (): boolean => [...lanes.values()].every((lane) => lane.isIdle());
      while (!isIdle() && !signal.aborted && performance.now() < until) await delay(LOOK_EVERY_MS);
    },
    async close(graceMs) {
      for (const { health } of apps.values()) health.close();
      await Promise.all([...lanes.values()].map((lane) => lane.close(graceMs)));
    },
  };
}

function originOf(target: string): string {
  return new URL(target).origin;
}
