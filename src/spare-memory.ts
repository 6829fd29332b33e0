import { PerformanceObserver } from "node:perf_hooks";
import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";

/**
 * The space for new objects, in bytes as V8 counts it. Below it every object that is under way is copied again and again;
 * above it little gets faster under load, and the process gets larger.
 */
const NEW_SPACE_BYTES = 16 * 1024 * 1024;

/**
 * Holds the heap near what is in it: on a machine with much memory V8 lets it grow far beyond. V8 takes the limit of its
 * new space at the start only, so its growth is stopped when it is there.
 */
export function spareMemory(onExit: (work: () => void) => void): void {
  let factor = 2;
  const setGrowth = (wanted: number): void => {
    if (wanted !== factor) setFlagsFromString(`--semi-space-growth-factor=${wanted}`);
    factor = wanted;
  };
  setFlagsFromString("--heap-growing-percent=20");
  const observer = new PerformanceObserver(() => {
    const { space_size: bytes = 0 } = getHeapSpaceStatistics().find(isNewSpace) ?? {};
    setGrowth(bytes < NEW_SPACE_BYTES ? 2 : 1);
  });
  observer.observe({ entryTypes: ["gc"] });
  // Code that was compiled under other flags than those of the start would be of no use to the next run.
  onExit(() => {
    observer.disconnect();
    setGrowth(2);
    setFlagsFromString("--heap-growing-percent=0");
  });
}

function isNewSpace({ space_name: name }: { readonly space_name: string }): boolean {
  return name === "new_space";
}
