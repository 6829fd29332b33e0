/** What the signal of a run aborts with where nobody reads its output any more. */
export const NO_READER = "EPIPE";

export function hasLostReader({ reason }: AbortSignal): boolean {
  return reason === NO_READER;
}

/** Why a run ended before its work was done, for a person. */
export function stoppedBy(signal: AbortSignal): string {
  if (hasLostReader(signal)) return "stopped, because nobody reads its output any more,";
  const isOther = typeof signal.reason === "string" && signal.reason !== "SIGINT";
  return `stopped by ${isOther ? signal.reason : "Ctrl-C"}`;
}
