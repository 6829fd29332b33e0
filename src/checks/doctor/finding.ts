import type { Context } from "../../project/context.ts";
import { overrideContext } from "../../project/context.ts";
import type { Config } from "../../project/load.ts";
import { errorText, UserError } from "../../util/errors.ts";
import { untilAborted, withTimeout } from "../../util/timing.ts";
import type { CheckOutcome, CheckReport } from "../reports.ts";

import type { RunningListener } from "./listener.ts";

export type Finding = Pick<CheckReport, "id" | "outcome" | "text" | "details" | "remedy">;
export type Details = NonNullable<CheckReport["details"]>;

/** What all checks share. */
export interface CheckedProject {
  /** Asks nothing, prints nothing. */
  readonly context: Context;
  readonly config: Config;
  /** The project's running `listen`; undefined where there is none, or its log cannot be read. */
  readonly listener: RunningListener | undefined;
  readonly profile: string | undefined;
}

export function passed(id: string, text: string, details?: Details): Finding {
  return { id, outcome: "passed", text, ...(details && { details }) };
}

export function warning(id: string, text: string, remedy?: string, details?: Details): Finding {
  return { id, outcome: "warning", text, ...(remedy && { remedy }), ...(details && { details }) };
}

export function failed(id: string, text: string, remedy?: string, details?: Details): Finding {
  return { id, outcome: "failed", text, ...(remedy && { remedy }), ...(details && { details }) };
}

export function skipped(id: string, text: string, remedy?: string): Finding {
  return { id, outcome: "skipped", text, ...(remedy && { remedy }) };
}

/** Of an error: `skipped` if there was no network to ask. */
export function fromError(id: string, error: unknown, outcome: CheckOutcome = "failed"): Finding {
  if (isOffline(error)) return skipped(id, `not asked: ${errorText(error)}`);
  const remedy = error instanceof UserError ? error.hint : undefined;
  return { id, outcome, text: errorText(error), ...(remedy && { remedy }) };
}

/** No name server, no route, or no answer in time. A refused connection shows that there is a network. */
export function isOffline(error: unknown): boolean {
  if (error instanceof DOMException && error.name === "TimeoutError") return true;
  return /\b(?:ENOTFOUND|EAI_AGAIN|ENETUNREACH|EHOSTUNREACH|ENETDOWN|did not answer within)\b/.test(errorText(error));
}

const TIMEOUT_MS = 5_000;

/** The findings of one part. It neither takes longer than five seconds nor fails, so that it never costs the others. */
export async function runCheck(
  id: string,
  { signal }: Pick<Context, "signal">,
  work: (signal: AbortSignal) => Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  try {
    return await bounded(signal, work);
  } catch (error) {
    signal.throwIfAborted();
    return [fromError(id, error)];
  }
}

/** Rejects with a `TimeoutError` after five seconds, whether the work heeds its signal or not. */
export function bounded<T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  return withTimeout(TIMEOUT_MS, [signal], (limit) => untilAborted(work(limit), limit));
}

interface Message {
  readonly message: string;
  readonly hint?: string;
}

/** A context for helpers that report and ask: it asks nothing, and collects their warnings. */
export function silentContext(context: Context): Context & { readonly warnings: readonly Message[] } {
  const warnings: Message[] = [];
  const report: Context["report"] = (each) => {
    if (each.type === "warning") warnings.push(each);
  };
  return overrideContext(context, { warnings, report, verbose: false, prompts: async () => undefined });
}
