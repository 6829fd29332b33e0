import type { Context } from "../../context.ts";
import { errorText } from "../../core/errors.ts";
import type { Ledger } from "../../receiver/ledger.ts";
import type { Log } from "../../store/log.ts";
import { ROW_BYTES } from "../../store/retention.ts";

/** Keeps the log within its limits while it grows. */
export interface Pruning {
  /** The ledger, with what it is given counted. */
  watching(ledger: Ledger): Ledger;
  /** Begins, unless it is under way. */
  prune(): void;
  /** Ends with the batch that is under way. */
  stop(): Promise<void>;
}

const EVERY_MS = 10 * 60_000;
/** Of the limit, after which it is looked at again: so the log never grows far past it. */
const GROWTH_SHARE = 0.1;

export function regularPruning(context: Context, log: Log, maxBytes = Number.POSITIVE_INFINITY): Pruning {
  let grown = 0;
  const stopped = new AbortController();
  let underWay: Promise<void> | undefined;

  const prune = (): void => {
    if (underWay !== undefined || stopped.signal.aborted) return;
    grown = 0;
    underWay = log
      .prune(undefined, stopped.signal)
      .then(
        () => {},
        (error: unknown) =>
          context.report({ type: "warning", message: `the log could not be pruned: ${errorText(error)}` }),
      )
      .finally(() => {
        underWay = undefined;
      });
  };
  const timer = setInterval(prune, EVERY_MS);
  return {
    watching: (ledger) => ({
      keep(entry) {
        grown += entry.arrival.delivery.body.length + ROW_BYTES;
        if (grown > maxBytes * GROWTH_SHARE) prune();
        return ledger.keep(entry);
      },
    }),
    prune,
    async stop() {
      stopped.abort();
      clearInterval(timer);
      await underWay;
    },
  };
}
