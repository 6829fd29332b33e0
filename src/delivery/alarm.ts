/** Calls once at the earliest of the times that it was set to. */
export interface Alarm {
  set(at: Date): void;
  clear(): void;
}

/** A timer of Node's that is set for longer fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

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
