/** Asks no more often than every `ms`, and gives the last answer in between: for what is looked at with every event. */
export function atMostEvery<T>(ms: number, clock: () => number, ask: () => T): () => T {
  let last: { readonly answer: T; readonly at: number } | undefined;
  return () => {
    const at = clock();
    // A clock that was set back asks anew, too.
    if (last === undefined || Math.abs(at - last.at) >= ms) last = { answer: ask(), at };
    return last.answer;
  };
}

/** A timer of Node's that is set for longer (24.8 days) fires at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** Does a work after any time, in as many turns of a timer as that takes; returns how to call it off. */
export function afterLong(ms: number, work: () => void, longestMs = MAX_TIMER_MS): () => void {
  let timer: NodeJS.Timeout;
  const wait = (leftMs: number): void => {
    const turnMs = Math.min(leftMs, longestMs);
    timer = setTimeout(() => (leftMs > turnMs ? wait(leftMs - turnMs) : work()), turnMs);
  };
  wait(ms);
  return () => clearTimeout(timer);
}

/**
 * Does a work with a signal that aborts with any of the others, and after so long with a `TimeoutError`. In place of
 * `AbortSignal.timeout` within `AbortSignal.any`: where nothing else holds the first, Node 20 loses it to garbage
 * collection, and it never fires.
 */
export async function withTimeLimit<T>(
  ms: number,
  signals: readonly (AbortSignal | undefined)[],
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const limit = new AbortController();
  const others = signals.filter((each) => each !== undefined);
  const pass = (): void => limit.abort(others.find((each) => each.aborted)?.reason);
  for (const each of others) each.addEventListener("abort", pass, { once: true });
  if (others.some((each) => each.aborted)) pass();
  const timer = setTimeout(() => limit.abort(new DOMException(`no answer in ${ms / 1000} s`, "TimeoutError")), ms);
  try {
    return await work(limit.signal);
  } finally {
    clearTimeout(timer);
    for (const each of others) each.removeEventListener("abort", pass);
  }
}

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

/** What comes of the work, or a rejection with the signal's reason once it aborts: for work that does not heed it. */
export function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  // Left behind, its failure is nobody's unhandled rejection.
  work.catch(() => {});
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

/** Waits; resolves early, without an error, when the signal aborts. */
export type Sleep = (ms: number, signal?: AbortSignal) => Promise<void>;

export const sleepRealTime: Sleep = (ms, signal) =>
  new Promise((resolve) => {
    if (signal?.aborted) {
      resolve();
      return;
    }
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done, { once: true });
  });
