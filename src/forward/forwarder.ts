import { setTimeout as delay } from "node:timers/promises";
import { originOf } from "../delivery/target.ts";
import type { Appended, ClaimRef, ForwardRequest, Log, NewEntry } from "../log/log.ts";
import type { Recorder, RecordRequest } from "../receiver/recorder.ts";
import { errorText } from "../util/errors.ts";
import { isLoopback } from "../util/hosts.ts";
import { isListening, watchHealth } from "./app-health.ts";
import type { TargetLine } from "./lines.ts";
import type { Mirror } from "./mirror.ts";
import type { ForwardSource } from "./request.ts";
import type { Routes } from "./routes.ts";
import { Semaphore, type TargetApp, TargetQueue, type TargetQueueOptions } from "./target-queue.ts";

export interface ForwarderOptions extends TargetQueueOptions {
  readonly log: Pick<Log, "queue">;
  onTarget(report: TargetLine): void;
}

export type Forwarder = ReturnType<typeof createForwarder>;

const DRAIN_POLL_MS = 20;
/** Between two connections as probes, and also between two deliveries where the app is on this machine. */
const MAX_PROBE_PAUSE_MS = 5_000;
/** A delivery is work for an app, and a connection is not. */
const MAX_REMOTE_DELIVERY_PAUSE_MS = 60_000;

/** Sends recorded deliveries to their targets: a queue for each target, health and concurrency for each app. */
export function createForwarder(options: ForwarderOptions) {
  const { log, concurrency, now, onTarget, onTrouble } = options;
  const queues = new Map<string, TargetQueue>();
  const apps = new Map<string, TargetApp>();
  const health = { now, onReport: onTarget, onTrouble: (error: unknown) => onTrouble(errorText(error)) };

  function queueOf(target: string): TargetQueue {
    const queue = queues.get(target) ?? new TargetQueue(target, appOf(originOf(target)), options);
    queues.set(target, queue);
    return queue;
  }

  function appOf(origin: string): TargetApp {
    const app = apps.get(origin) ?? {
      health: watchHealth({
        ...health,
        target: origin,
        probe: async () => ((await isListening(origin)) ? undefined : {}),
        maxProbePauseMs: MAX_PROBE_PAUSE_MS,
        countWaiting: () => countWaiting((target) => originOf(target) === origin),
      }),
      semaphore: new Semaphore(concurrency),
      watch: (target, probe) =>
        watchHealth({
          ...health,
          target,
          probe,
          maxProbePauseMs: isLoopback(new URL(origin).hostname) ? MAX_PROBE_PAUSE_MS : MAX_REMOTE_DELIVERY_PAUSE_MS,
          countWaiting: () => countWaiting((each) => each === target),
        }),
    };
    apps.set(origin, app);
    return app;
  }

  async function countWaiting(isCounted: (target: string) => boolean): Promise<number> {
    const counts = await log.queue.waiting();
    return counts.reduce((sum, { target, waiting }) => (isCounted(target) ? sum + waiting : sum), 0);
  }

  return {
    /** Reserves room for a delivery. Returns those of the targets that have some. */
    reserve: (targets: readonly string[], bytes: number): readonly string[] =>
      targets.filter((target) => queueOf(target).reserve(bytes)),
    /** Frees room that was reserved. */
    release(targets: readonly string[], bytes: number): void {
      for (const target of targets) queueOf(target).release(bytes);
    },
    /** Sends a delivery that was claimed when it was recorded, into room that was reserved. */
    deliver(claim: ClaimRef, target: string, source: ForwardSource): void {
      queueOf(target).deliver(claim, source);
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

interface ForwardingParts {
  readonly routes: Routes;
  readonly forwarder: Forwarder;
  /** Set when the sender gets the app's own answer. */
  readonly mirror: Mirror | undefined;
}

/** Records deliveries in the log and forwards accepted ones, if anything is forwarded: at once when there is room, else later from the log. */
export function recordAndForward(log: Pick<Log, "append">, forwarding?: ForwardingParts): Recorder {
  return {
    async record(entry) {
      const { arrival, receipt, decision } = entry;
      const { delivery, address, at } = arrival;
      const bytes = delivery.body.length;
      const targets = targetsOf(entry, forwarding?.routes);
      if (forwarding === undefined || targets.length === 0)
        return await log.append(toLogEntry(entry, decision.reply.status));

      const { forwarder, mirror } = forwarding;
      // Only one app can answer the sender. The other targets are queued as without a mirror.
      const [mirrored = "", ...others] = targets;
      const queued = mirror === undefined ? targets : others;
      // The mirrored app's answer is not known yet.
      const status = mirror === undefined ? decision.reply.status : undefined;
      const reserved = forwarder.reserve(queued, bytes);
      let appended: Appended;
      try {
        appended = await log.append(toLogEntry(entry, status, { targets: queued, claim: reserved }));
      } catch (error) {
        forwarder.release(reserved, bytes);
        throw error;
      }
      const { n, duplicateOf, forwards } = appended;
      const { product, format } = receipt;
      const source = { n, delivery, product, format, remote: address, receivedAt: at, duplicateOf };
      return {
        n,
        duplicateOf,
        mirror: mirror && (() => mirror.answer(mirrored, source)),
        forward() {
          for (const { target, claim } of forwards) {
            if (claim !== undefined) forwarder.deliver(claim, target, source);
            else forwarder.wake([target]);
          }
        },
      };
    },
  };
}

/** Records deliveries with their targets, for other processes on the log to deliver. */
export function recordForOthers(log: Pick<Log, "append">, routes: Routes): Recorder {
  return {
    record(entry) {
      const targets = targetsOf(entry, routes);
      const { status } = entry.decision.reply;
      return log.append(toLogEntry(entry, status, targets.length === 0 ? undefined : { targets }));
    },
  };
}

function targetsOf({ arrival, receipt, decision }: RecordRequest, routes: Routes | undefined): readonly string[] {
  const isForwarded = decision.accepted && receipt.handshake === undefined;
  return (isForwarded && routes?.targetsOf(receipt.product, receipt.event, arrival.delivery.url)) || [];
}

/** `status` is undefined until the sender is answered. */
function toLogEntry(
  { arrival, receipt, decision }: RecordRequest,
  status: number | undefined,
  forward?: ForwardRequest,
): NewEntry {
  const { delivery, address, at } = arrival;
  const { accepted, reason } = decision;
  return { receivedAt: at, delivery, remote: address, receipt, accepted, status, refusal: reason, forward };
}
