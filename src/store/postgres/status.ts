import { numberOf, textOf } from "../rows.ts";
import { checkServer, connectTo, type DatabaseAddress, openDatabase } from "./connect.ts";
import { checkVersion, migrate, readVersion, SCHEMA_VERSION } from "./schema.ts";

/** The server and the format of a log, and its size with all indexes in bytes. */
export async function readServer(address: DatabaseAddress) {
  const database = openDatabase(await connectTo(address));
  const { path, schema } = database;
  try {
    const version = await readVersion(database);
    checkVersion(version, path);
    const [row = {}] = await database.read(
      `SELECT current_setting('server_version') AS server,
         (SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class
          WHERE relnamespace = to_regnamespace(?) AND relkind = 'r') AS bytes`,
      [schema],
    );
    const serverVersion = textOf(row, "server");
    return { path, serverVersion, version, supported: SCHEMA_VERSION, bytes: numberOf(row, "bytes") };
  } finally {
    await database.close();
  }
}

/** Creates a log, or brings it to the format of this program. Resolves to the formats; 0 where there was none. */
export async function migrateServer(address: DatabaseAddress) {
  const database = openDatabase(await connectTo(address));
  const { path } = database;
  try {
    await checkServer(database);
    const before = await migrate(database);
    const after = await readVersion(database);
    checkVersion(after, path);
    return { path, before, after };
  } finally {
    await database.close();
  }
}
