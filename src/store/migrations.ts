import { UserError } from "../core/errors.ts";
import type { NativeDatabase } from "./engine.ts";
import { schema } from "./schema.ts";
import { webhookLogsView } from "./webhook-logs-view.ts";

/** Marks a SQLite file as ours, so that another program's database is never taken for a log: "ZHks". */
const APPLICATION_ID = 0x5a486b73;

/** Claims stood in the log once, each with its end. */
const WITHOUT_CLAIMS = "DROP INDEX IF EXISTS forwards_leased; UPDATE forwards SET state = 0 WHERE state = 1";

/** What has no answer yet is found by an index of its own. */
const FINDS_UNANSWERED = "CREATE INDEX IF NOT EXISTS deliveries_unanswered ON deliveries (n) WHERE status IS NULL";

/**
 * Each brings the tables from the version of its index to the next one: a new one goes to the end. The view is made anew
 * after all of them, so that an empty one does where it hides more than before, or tells more.
 */
const MIGRATIONS: readonly string[] = [schema, "", "", "", "", "", WITHOUT_CLAIMS, FINDS_UNANSWERED];

/** Makes the tables or brings them up to date. Safe when several processes do it at once. */
export function migrate(database: NativeDatabase, path: string): void {
  if (formatVersion(database, path) === MIGRATIONS.length) return;
  database.exec("BEGIN IMMEDIATE");
  try {
    for (const step of MIGRATIONS.slice(formatVersion(database, path))) database.exec(step);
    database.exec(webhookLogsView());
    database.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${MIGRATIONS.length}; COMMIT`);
  } catch (error) {
    try {
      database.exec("ROLLBACK");
    } catch {
      // SQLite has already rolled back; the first error is the one that counts.
    }
    throw error;
  }
}

/** The version of a log; 0 for an empty file. Throws a UserError for a database that is no log. */
export function formatVersion(database: NativeDatabase, path: string): number {
  const current = pragma(database, "user_version");
  const application = pragma(database, "application_id");
  const tables = Number(database.prepare("SELECT count(*) AS count FROM sqlite_schema").get()?.count ?? 0);
  if (application !== APPLICATION_ID && (application !== 0 || current !== 0 || tables !== 0)) {
    throw new UserError(
      "usage",
      `${path} is the database of another program, not an event log`,
      "use another file with --store",
      "log-foreign",
    );
  }
  if (current > MIGRATIONS.length) {
    throw new UserError(
      "usage",
      `the event log ${path} was written by a newer version of zoho-hooks (format ${current}, this one knows ${MIGRATIONS.length})`,
      "update zoho-hooks, or use another log with --store",
      "log-too-new",
    );
  }
  return current;
}

function pragma(database: NativeDatabase, name: string): number {
  return Number(database.prepare(`PRAGMA ${name}`).get()?.[name] ?? 0);
}
