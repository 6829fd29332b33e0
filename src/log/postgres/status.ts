import { numberOf, textOf } from "../rows.ts";
import { checkServer, connectTo, type DatabaseAddress, openDatabase } from "./connect.ts";
import { createTables, requireLog } from "./schema.ts";

/** The version of the server of a log, and the log's size with all indexes in bytes. */
export async function readServer(address: DatabaseAddress) {
  const database = openDatabase(await connectTo(address));
  const { path, schema } = database;
  try {
    const [row = {}] = await database.read(
      `SELECT current_setting('server_version') AS server,
         (SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class
          WHERE relnamespace = to_regnamespace(?) AND relkind = 'r') AS bytes`,
      [schema],
    );
    return { path, serverVersion: textOf(row, "server"), bytes: numberOf(row, "bytes") };
  } finally {
    await database.close();
  }
}

/** Throws a UserError for a server on which no log could be created or used. Changes nothing. */
export async function requireSuitableServer(address: DatabaseAddress): Promise<void> {
  const database = openDatabase(await connectTo(address));
  try {
    await checkServer(database);
    await createTables(database, "ROLLBACK");
  } finally {
    await database.close();
  }
}

/** Creates a log where there is none, or upgrades one of an earlier format. Resolves to its address for messages, and what was done. */
export async function createLog(address: DatabaseAddress) {
  const database = openDatabase(await connectTo(address));
  try {
    await checkServer(database);
    const done = await createTables(database);
    await requireLog(database);
    return { path: database.path, done };
  } finally {
    await database.close();
  }
}
