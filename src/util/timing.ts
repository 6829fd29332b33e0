import { setMaxListeners } from "node:events";
import { setTimeout as delay } from "node:timers/promises";

/** Caches the result of `read` for `ms`: for what is looked up with every event. */
export function cachedFor<T>(ms: number, clock: () => number, read: () => T): () => T {
  let last: { readonly value: T; readonly at: number } | undefined;
  return () => {
    const at = clock();
    // The difference is negative where the clock was set back.
    if (last === undefined || Math.abs(at - last.at) >= ms) last = { value: read(), at };
    return last.value;
  };
}

/** Node fires a timer with a longer delay (24.8 days) at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Milliseconds in a `Retry-After`, which holds seconds or a date by the server's clock.
 * https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
 */
export function retryAfterMs(header: string | undefined, now: Date | undefined): number | undefined {
  if (header === undefined) return undefined;
  if (/^\s*\d+(?:\.\d+)?\s*$/.test(header)) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) || now === undefined ? undefined : Math.max(0, at - now.getTime());
}

/** `setTimeout` for any delay, in as many timers as that takes. Returns a function that cancels it. */
export function setLongTimeout(ms: number, callback: () => void, maxTimerMs = MAX_TIMER_MS): () => void {
  let timer: NodeJS.Timeout;
  const wait = (leftMs: number): void => {
    const timerMs = Math.min(leftMs, maxTimerMs);
    timer = setTimeout(() => (leftMs > timerMs ? wait(leftMs - timerMs) : callback()), timerMs);
  };
  wait(ms);
  return () => clearTimeout(timer);
}

/**
 * Runs `work` with a signal that aborts with any of the given signals, and with a `TimeoutError` after `ms`. Not
 * `AbortSignal.any([AbortSignal.timeout(ms)])`: Node 20 collects the inner signal as garbage, and it never fires.
 */
export async function withTimeout<T>(
  ms: number,
  signals: readonly (AbortSignal | undefined)[],
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const given = signals.filter((each) => each !== undefined);
  const abort = (): void => controller.abort(given.find((each) => each.aborted)?.reason);
  for (const each of given) each.addEventListener("abort", abort, { once: true });
  if (given.some((each) => each.aborted)) abort();
  ends.set(
    controller.signal,
    Math.min(performance.now() + ms, ...given.map((each) => ends.get(each) ?? Number.POSITIVE_INFINITY)),
  );
  const timer = setTimeout(() => controller.abort(new DOMException(`no answer in ${ms / 1000} s`, "TimeoutError")), ms);
  try {
    return await work(controller.signal);
  } finally {
    clearTimeout(timer);
    for (const each of given) each.removeEventListener("abort", abort);
  }
}

/** When the signals of `withTimeout` abort, by performance.now(). */
const ends = new WeakMap<AbortSignal, number>();

/** How long work with this signal may still take, as far as its end is known. */
export function timeLeftMs(signal: AbortSignal | undefined): number {
  const end = signal && ends.get(signal);
  return end === undefined ? Number.POSITIVE_INFINITY : end - performance.now();
}

/** The abort reason of a run whose output nobody reads any more. */
export const STDOUT_CLOSED = "EPIPE";

export function isStdoutClosed({ reason }: AbortSignal): boolean {
  return reason === STDOUT_CLOSED;
}

/** Why a run was aborted, as the subject of a message. */
export function stoppedBy(signal: AbortSignal): string {
  if (isStdoutClosed(signal)) return "stopped because its output was closed";
  const isOther = typeof signal.reason === "string" && signal.reason !== "SIGINT";
  return `stopped by ${isOther ? signal.reason : "Ctrl-C"}`;
}

/** Rejects when the signal aborts, for work that does not take a signal. */
export function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  // After the abort nobody handles its rejection.
  work.catch(() => {});
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

/** The callbacks of each signal. They share one listener, since adding and removing listeners for each request is slow. */
const abortCallbacks = new WeakMap<AbortSignal, Set<() => void>>();

/** Calls back when the signal aborts, at once if it has. Returns a function that cancels that. */
export function onAbort(signal: AbortSignal | undefined, callback: () => void): () => void {
  if (signal === undefined) return () => {};
  if (signal.aborted) {
    callback();
    return () => {};
  }
  const callbacks = abortCallbacks.get(signal) ?? listen(signal);
  callbacks.add(callback);
  return () => callbacks.delete(callback);
}

function listen(signal: AbortSignal): Set<() => void> {
  const callbacks = new Set<() => void>();
  abortCallbacks.set(signal, callbacks);
  // The signal of a whole run has many listeners, which is no leak.
  setMaxListeners(0, signal);
  signal.addEventListener("abort", () => {
    for (const callback of callbacks) callback();
  });
  return callbacks;
}

/** Waits; resolves early, without an error, when the signal aborts. */
export type Sleep = (ms: number, signal?: AbortSignal) => Promise<void>;

export const sleepRealTime: Sleep = (ms, signal) =>
  delay(ms, undefined, signal && { signal }).catch((error) => {
    if (!signal?.aborted) throw error;
  });

/** Which of these comes first: a signal aborts, or the time is up. */
export function firstOf(signals: readonly AbortSignal[], timeoutMs?: number): Promise<"abort" | "timeout"> {
  return new Promise((resolve) => {
    const cancel = timeoutMs === undefined ? undefined : setLongTimeout(timeoutMs, () => resolve("timeout"));
    for (const signal of signals) {
      onAbort(signal, () => {
        cancel?.();
        resolve("abort");
      });
    }
  });
}
