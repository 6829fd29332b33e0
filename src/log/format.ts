import { UserError } from "../util/errors.ts";

/** The format of the log's tables, on both engines. Another number is for a change that this program cannot read or write. */
export const LOG_FORMAT = 2;

/** Throws a UserError for a log of another format, which is left as it is. `remedy`: how to start a new one in its place. */
export function rejectOtherFormat(format: number, path: string, remedy: string): void {
  if (format === LOG_FORMAT) return;
  throw new UserError(
    "usage",
    `the event log ${path} was written by another version of zoho-hooks (format ${format}, this version has format ${LOG_FORMAT})`,
    `${remedy}; or use another log with --store`,
    "log-format",
  );
}
