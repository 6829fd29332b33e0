import { type CheckOutcome, type Found, skipped } from "../checks/finding.ts";
import { type AnyReport, isWarning, type Message, type WarningReport } from "../process/messages.ts";
import type { Context } from "../project/context.ts";
import { overrideContext } from "../project/context.ts";
import type { Config } from "../project/load.ts";
import { errorText, hintOf } from "../util/errors.ts";
import { untilAborted, withTimeout } from "../util/timing.ts";
import type { RunningListener } from "./listener.ts";

/** The project that is checked, and what all its checks share. */
export interface CheckedProject {
  /** Asks nothing, prints nothing. */
  readonly context: ReturnType<typeof silentContext>;
  readonly config: Config;
  /** The project's running `listen`; undefined where there is none, or its log cannot be read. */
  readonly listener: RunningListener | undefined;
}

/** The finding of an error of what `listen` needs. */
export function fromError(error: unknown, outcome: CheckOutcome = "failed"): Found {
  return { outcome, text: errorText(error), remedy: hintOf(error) };
}

/** The finding of an error of a service that `listen` starts without: `skipped` if there was no network to ask it. */
export function fromRequest(error: unknown, outcome: CheckOutcome = "failed"): Found {
  return isOffline(error) ? skipped(`not checked: ${errorText(error)}`) : fromError(error, outcome);
}

/** No name server, no route, or no answer in time. A refused connection shows that there is a network. */
export function isOffline(error: unknown): boolean {
  if (error instanceof DOMException && error.name === "TimeoutError") return true;
  return /\b(?:ENOTFOUND|EAI_AGAIN|ENETUNREACH|EHOSTUNREACH|ENETDOWN|did not answer within)\b/.test(errorText(error));
}

const TIMEOUT_MS = 5_000;

/** Rejects with a `TimeoutError` after five seconds, whether the work heeds its signal or not. */
export function bounded<T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  return withTimeout(TIMEOUT_MS, [signal], (limit) => untilAborted(work(limit), limit));
}

/** A context for helpers that report and ask: it asks nothing, and collects their warnings. */
export function silentContext(context: Context) {
  const warnings: WarningReport[] = [];
  const report = (each: Message | AnyReport): void => {
    if (isWarning(each)) warnings.push(each);
  };
  return overrideContext(context, { warnings, report, verbose: false, prompts: async () => undefined });
}
