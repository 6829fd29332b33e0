import { isQueue, originOf } from "../delivery/target.ts";
import { createAlarm } from "../process/alarm.ts";
import { counted } from "../util/units.ts";
import type { ListenContext } from "./lines.ts";

/** Between two runs of the command for a target. */
const INTERVAL_MS = 60_000;
/** An environment has room for a few thousand numbers. */
const MAX_NUMBERS = 500;

/** What has happened to a target since its last alarm. */
interface Failures {
  isDown: boolean;
  reason: string;
  count: number;
  numbers: number[];
}

/** A delivery that no attempt follows for. */
export interface GivenUp {
  readonly n: number;
  readonly target: string;
  readonly reason: string;
}

/**
 * Runs the command of `--on-failed` when an app or a queue goes down, and when deliveries for it have failed for good: at once,
 * then at most once a minute for each, with all that has failed in between.
 */
export function createFailureAlarm(context: ListenContext, commandLine: string | undefined) {
  const alarm = createAlarm(context, "--on-failed", commandLine);
  const stopped = new AbortController();
  const failures = new Map<string, Failures>();
  const resting = new Set<string>();

  /** All paths of an app are one target here. */
  const nameOf = (target: string): string => (isQueue(target) ? target : originOf(target));
  const failuresOf = (name: string): Failures => {
    const found = failures.get(name) ?? { isDown: false, reason: "", count: 0, numbers: [] };
    failures.set(name, found);
    return found;
  };

  function raise(name: string): void {
    const { isDown, reason, count, numbers } = failuresOf(name);
    failures.delete(name);
    if (!isDown && count === 0) return;
    const about = isDown ? `${name}, which is down,` : `${counted(count, "delivery", "deliveries")} for ${name}`;
    alarm.raise(about, {
      ZOHO_HOOKS_FAILED_TARGET: name,
      ZOHO_HOOKS_FAILED_STATE: isDown ? "down" : "failed",
      ZOHO_HOOKS_FAILED_REASON: reason,
      ZOHO_HOOKS_FAILED_COUNT: String(count),
      ZOHO_HOOKS_FAILED_NUMBERS: numbers.join(" "),
    });
    void rest(name);
  }

  async function rest(name: string): Promise<void> {
    resting.add(name);
    await context.sleep(INTERVAL_MS, AbortSignal.any([stopped.signal, context.signal]));
    resting.delete(name);
    if (!stopped.signal.aborted && !context.signal.aborted) raise(name);
  }

  function raiseSoon(name: string): void {
    if (!resting.has(name)) raise(name);
  }

  return {
    givenUp({ n, target, reason }: GivenUp): void {
      if (commandLine === undefined) return;
      const name = nameOf(target);
      const found = failuresOf(name);
      found.count++;
      if (found.numbers.length < MAX_NUMBERS) found.numbers.push(n);
      if (!found.isDown) found.reason = reason;
      raiseSoon(name);
    },
    wentDown(target: string, reason: string): void {
      if (commandLine === undefined) return;
      const name = nameOf(target);
      Object.assign(failuresOf(name), { isDown: true, reason });
      raiseSoon(name);
    },
    cameBack(target: string): void {
      const found = failures.get(nameOf(target));
      if (found !== undefined) found.isDown = false;
    },
    /** Reports what has failed since the last alarms, and ends the command soon. After Ctrl-C nothing is started. */
    async stop(): Promise<void> {
      stopped.abort();
      if (!context.signal.aborted) for (const name of [...failures.keys()]) raise(name);
      await alarm.stop();
    },
  };
}
