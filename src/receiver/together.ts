/**
 * A point at which requests wait for each other for a moment, to be gone on with one after the other: all are read, then
 * all are judged, then all are told of. A processor keeps at hand what it has just used; where each request went all its
 * way by itself, every one of them cost a third more.
 */
export type Together = () => Promise<void>;

/** Resolves, for all who have asked meanwhile, when the event loop has looked twice for what else has come. */
export function together(): Together {
  let waiting: Promise<void> | undefined;
  return () => {
    waiting ??= new Promise((resolve) => {
      setImmediate(() =>
        setImmediate(() => {
          waiting = undefined;
          resolve();
        }),
      );
    });
    return waiting;
  };
}
