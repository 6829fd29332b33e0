import { setTimeout as delay } from "node:timers/promises";

/** Does a work again and again until it succeeds. Rejects with its last error once `signal` is aborted. */
export type Insist = (work: () => Promise<void>) => Promise<void>;

/** For a log that may refuse for a while, full or locked: what it is to be told must not be lost. */
export function createInsist(everyMs: number, signal: AbortSignal, onTrouble: (error: unknown) => void): Insist {
  return async (work) => {
    for (let said = false; ; said = true) {
      try {
        return await work();
      } catch (error) {
        if (signal.aborted) throw error;
        if (!said) onTrouble(error);
      }
      await delay(everyMs, undefined, { signal }).catch(() => {});
    }
  };
}
