import { errorText } from "../util/errors.ts";
import { untilAborted, withTimeout } from "../util/timing.ts";
import type { ChannelContext } from "./lines.ts";

/** `gone`: it no longer existed, or another listener has it. `left`: Zoho's list does not show that it is gone. */
export type RegistrationEnd = "deleted" | "gone" | "left";

/** The result of a deletion; `because`: it may still exist. */
export type Removal = "deleted" | "gone" | { readonly because: string };

/** Bounds the exit when the network is gone. */
const CLEAN_UP_TIMEOUT_MS = 5_000;

/** Deletes what a listener registered, within a few seconds. The run's own signal has usually aborted by now. */
export async function removeInTime(remove: (signal: AbortSignal) => Promise<Removal>): Promise<Removal> {
  try {
    return await withTimeout(CLEAN_UP_TIMEOUT_MS, [], (signal) => untilAborted(remove(signal), signal));
  } catch (error) {
    const isTimeout = error instanceof Error && error.name === "TimeoutError";
    return { because: isTimeout ? `Zoho did not answer within ${CLEAN_UP_TIMEOUT_MS / 1000} s` : errorText(error) };
  }
}

/** Deletes what a listener registered when it ends, and reports what came of it. */
export async function deleteOnExit(
  context: ChannelContext,
  {
    name,
    command,
    goneReason,
    remove,
    report,
  }: {
    /** `channel 4711` */
    readonly name: string;
    /** Deletes it, for the user to copy. */
    command(): string;
    goneReason(): string;
    remove(signal: AbortSignal): Promise<Removal>;
    report(state: "deleted" | "unknown" | "not_deleted", reason?: string, hint?: string): void;
  },
): Promise<RegistrationEnd> {
  // Reported first: a second Ctrl-C ends the process at once.
  context.report({ type: "notice", message: `deleting ${name} (if interrupted, run ${command()})` });
  const removal = await removeInTime(remove);
  if (removal === "deleted") report("deleted");
  else if (removal === "gone") report("unknown", goneReason());
  else {
    report("not_deleted", removal.because, `delete it with ${command()}`);
    return "left";
  }
  return removal;
}
