/** How many deliveries are on their way to one app at the same time, whatever their paths. */
export interface Places {
  free(): number;
  take(count: number): void;
  /** Gives places back and calls those who may want one, each first in its turn. */
  give(count: number): void;
  onFree(work: () => void): void;
}

export function createPlaces(most: number): Places {
  const waiters: (() => void)[] = [];
  let taken = 0;
  let first = 0;
  return {
    free: () => most - taken,
    take(count) {
      taken += count;
    },
    give(count) {
      taken -= count;
      if (waiters.length === 0) return;
      first = (first + 1) % waiters.length;
      for (let i = 0; i < waiters.length; i++) waiters[(first + i) % waiters.length]?.();
    },
    onFree(work) {
      waiters.push(work);
    },
  };
}
