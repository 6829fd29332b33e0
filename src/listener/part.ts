import type { RunningChannel } from "../channels/reports.ts";
import type { Context } from "../project/context.ts";
import type { EventReport } from "../receiver/event-report.ts";
import { type ExitCode, errorText } from "../util/errors.ts";

/** Something that runs as long as `listen` does. Its `start…` function opens it, or throws and leaves nothing open. */
export interface Part {
  /** For the warning if it cannot be stopped. */
  readonly name: string;
  /** Shown with the ready block. */
  readonly notes?: readonly string[];
  /** Called for each delivery, also one that is filtered out or could not be recorded. Must not block. */
  onEvent?(event: EventReport): void;
  /** The tunnel has come back under another URL. */
  onMoved?(publicUrl: string): void;
  /** With a signal, accepted deliveries are forwarded first, until it aborts. */
  stop(drainUntil: AbortSignal | undefined): Promise<void>;
}

/** A channel that is renewed while `listen` runs, and deleted at its end. */
export interface ChannelPart extends Part {
  /** Undefined while another receiver on the log has it. */
  state(): RunningChannel | undefined;
  /** Renews it no more, and leaves it to another receiver. */
  leave(): Promise<void>;
  /** 9: lost, 7: not deleted. */
  exitCode(): ExitCode;
}

/** Silence for longer than this looks as if `listen` hung. */
const NOTICE_AFTER_MS = 500;

/** Stops the parts, last started first: nothing more comes in, then what came is answered, forwarded and stored. */
export async function stopParts(
  context: Pick<Context, "report">,
  parts: readonly Part[],
  drainUntil: AbortSignal | undefined,
): Promise<void> {
  const message =
    "stopping: finishing work in progress takes a few seconds at most; press Ctrl-C again to stop at once";
  const notice = setTimeout(() => context.report({ type: "notice", message }), NOTICE_AFTER_MS);
  for (const part of [...parts].reverse()) {
    try {
      await part.stop(drainUntil);
    } catch (error) {
      // The others still have to stop, and the run's own error must not be replaced.
      context.report({ type: "warning", message: `${part.name} did not stop cleanly: ${errorText(error)}` });
    }
  }
  clearTimeout(notice);
}
