import { UserError } from "../util/errors.ts";

/** SQL that upgrades a log from one format to the next. */
export interface FormatStep {
  readonly sqlite: string;
  readonly postgresql: string;
}

/** The first format that is supported. A number is never used twice. */
const FIRST_FORMAT = 2;

/**
 * The steps from `FIRST_FORMAT` on. Add one with every change of the tables, indexes or functions of either engine; never change
 * one that was released. PostgreSQL's functions are replaced after the steps, so that a step has only to drop one whose
 * arguments or result have changed. All that a log needs run in one transaction, while no receiver uses it. Commands of an
 * earlier version that read or replay may have it open, and so may a receiver that was paused: what a column or function means
 * must not change under its old name.
 */
export const formatSteps: FormatStep[] = [
  // Format 3: deliveries that `reconcile` has put into the log.
  {
    sqlite: `
      ALTER TABLE deliveries ADD COLUMN reconstructed INTEGER NOT NULL DEFAULT 0;
      CREATE INDEX deliveries_reconstructed ON deliveries (n) WHERE reconstructed = 1;`,
    postgresql: `
      ALTER TABLE deliveries ADD COLUMN reconstructed smallint NOT NULL DEFAULT 0;
      CREATE INDEX deliveries_reconstructed ON deliveries (n) WHERE reconstructed = 1;`,
  },
  // Format 4: deliveries of one record no longer wait for each other.
  {
    sqlite: `
      UPDATE forwards SET state = 0 WHERE state = 1;
      DROP INDEX forwards_in_order;
      ALTER TABLE forwards DROP COLUMN order_key;`,
    postgresql: `
      UPDATE forwards SET state = 0 WHERE state = 1;
      ALTER TABLE forwards DROP COLUMN order_key;
      DROP FUNCTION settle(json, bigint, boolean);`,
  },
  // Format 5: replays of deliveries that were never queued may have failed.
  {
    sqlite: "CREATE INDEX attempts_replayed ON attempts (n) WHERE replay = 'same'",
    postgresql: "CREATE INDEX attempts_replayed ON attempts (n) WHERE replay = 'same'",
  },
];

/** The format that this program reads and writes, on both engines. */
export function logFormat(): number {
  return FIRST_FORMAT + formatSteps.length;
}

/** The steps that upgrade a log of an earlier format; none for any other log. */
export function stepsFrom(format: number): readonly FormatStep[] {
  return format >= FIRST_FORMAT ? formatSteps.slice(format - FIRST_FORMAT) : [];
}

/** Throws a UserError for a log of another format, which is left as it is. `newLog`: how to start one in its place. */
export function rejectOtherFormat(format: number, path: string, newLog: string): void {
  if (format === logFormat()) return;
  const listen = format > logFormat() ? "npx zoho-hooks@latest listen" : "its listen";
  throw new UserError(
    "usage",
    `the event log ${path} was written by another version of zoho-hooks (format ${format}, this version has format ${logFormat()})`,
    stepsFrom(format).length > 0
      ? "`zoho-hooks listen` upgrades it and keeps all that is in it"
      : `let that version deliver what waits: ${listen}, with your usual flags; then ${newLog}, or use another log with ZOHO_HOOKS_STORE`,
    "log-format",
  );
}

/** Error for a log of an earlier format that receivers still use; they are named as `process 12 on example`. */
export function earlierInUse(format: number, path: string, receivers: readonly string[]): UserError {
  return new UserError(
    "usage",
    `the event log ${path} has format ${format} and is in use: ${receivers.join(", ")}`,
    `stop every listen that uses it, then start this one: it upgrades the log to format ${logFormat()} and keeps all that is in it`,
    "log-format",
  );
}
