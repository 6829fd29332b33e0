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
