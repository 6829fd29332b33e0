/** A timer of Node's that is set for longer (24.8 days) fires at once. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Does a work after any time, in as many turns of a timer as that takes; returns how to call it off. */
export function afterLong(ms: number, work: () => void, longestMs = LONGEST_TIMER_MS): () => void {
  let timer: NodeJS.Timeout;
  const wait = (leftMs: number): void => {
    const turnMs = Math.min(leftMs, longestMs);
    timer = setTimeout(() => (leftMs > turnMs ? wait(leftMs - turnMs) : work()), turnMs);
  };
  wait(ms);
  return () => clearTimeout(timer);
}
