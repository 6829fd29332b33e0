/** What the signal of a run aborts with where nobody reads its output any more. */
const NO_READER = "EPIPE";

export function hasLostReader({ reason }: AbortSignal): boolean {
  return reason === NO_READER;
}

/** Why a run ended before its work was done, for a person. */
export function stoppedBy(signal: AbortSignal): string {
  return hasLostReader(signal) ? "stopped, since its output is not read any more," : "stopped by Ctrl-C";
}
