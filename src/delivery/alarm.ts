import { LONGEST_TIMER_MS } from "../core/long-timer.ts";

/** Calls once at the earliest of the times that it was set to, or before that where it is more than 24 days away. */
export interface Alarm {
  set(at: Date): void;
  clear(): void;
}

export function createAlarm(now: () => Date, ring: () => void): Alarm {
  let timer: NodeJS.Timeout | undefined;
  let setTo = Number.POSITIVE_INFINITY;
  const clear = (): void => {
    clearTimeout(timer);
    setTo = Number.POSITIVE_INFINITY;
  };
  return {
    set(at) {
      if (at.getTime() >= setTo) return;
      clear();
      setTo = at.getTime();
      timer = setTimeout(
        () => {
          clear();
          ring();
        },
        Math.min(Math.max(0, setTo - now().getTime()), LONGEST_TIMER_MS),
      );
    },
    clear,
  };
}
