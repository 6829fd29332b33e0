import { setMaxListeners } from "node:events";

/** The works that wait for each signal: one listener for all of them, for adding and removing one costs more. */
const waiting = new WeakMap<AbortSignal, Set<() => void>>();

/** Does a work when the signal aborts, at once when it has; returns how to call that off. */
export function onAbort(signal: AbortSignal | undefined, work: () => void): () => void {
  if (signal === undefined) return () => {};
  if (signal.aborted) {
    work();
    return () => {};
  }
  const works = waiting.get(signal) ?? listen(signal);
  works.add(work);
  return () => works.delete(work);
}

function listen(signal: AbortSignal): Set<() => void> {
  const works = new Set<() => void>();
  waiting.set(signal, works);
  // The signal of a whole run has many listeners, which is no leak.
  setMaxListeners(0, signal);
  signal.addEventListener("abort", () => {
    for (const work of works) work();
  });
  return works;
}
