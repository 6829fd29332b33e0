import type { Registered } from "../channels/lines.ts";
import type { ReceivedEvent } from "../receiver/event-report.ts";
import type { ExitCode } from "../util/errors.ts";

/** Something that runs as long as `listen` does. Its `start…` function opens it, or throws and leaves nothing open. */
export interface Part {
  /** For the warning if it cannot be stopped. */
  readonly name: string;
  /** Shown with the ready block. */
  readonly notes?: readonly string[];
  /** Called for each delivery, also one that is filtered out or could not be recorded. Must not block. */
  onEvent?(event: ReceivedEvent): void;
  /** The tunnel has come back under another URL. */
  onMoved?(publicUrl: string): void;
  /** With a signal, accepted deliveries are forwarded first, until it aborts. */
  stop(drainUntil: AbortSignal | undefined): Promise<void>;
}

/** A channel or webhook that Zoho has while `listen` runs, and that is deleted at its end. */
export interface RegistrationPart extends Part {
  /** Undefined while another receiver on the log has it. */
  state(): Registered | undefined;
  /** Renews it no more, and leaves it to another receiver. */
  leave(): Promise<void>;
  /** 9: lost, 7: not deleted. */
  exitCode(): ExitCode;
}

/** All that this run has registered at Zoho. */
export interface RegisteredPart extends Part {
  state(): readonly Registered[];
  /** That of the worst. */
  exitCode(): ExitCode;
}
