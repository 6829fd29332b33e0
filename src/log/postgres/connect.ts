import { randomUUID } from "node:crypto";
import type pg from "pg";
import { maskSetting } from "../../delivery/mask.ts";
import { errorCode, errorText, UserError } from "../../util/errors.ts";
import { timeoutError } from "../readiness.ts";
import type { SqlRow, SqlValue } from "../rows.ts";
import { isDeadlock, logError } from "./fault.ts";

/**
 * `durable`: committed on the disk before it resolves. `work`: committed, and after a crash of the server perhaps undone: a
 * claim, or that a delivery was made. `read`: without a limit of time.
 */
type Purpose = "durable" | "work" | "read";

type Value = SqlValue | boolean | readonly (string | number | null)[];

export type Database = ReturnType<typeof openDatabase>;

/** For a statement of a write on the server. */
const WRITE_TIMEOUT_MS = 5000;
const CONNECT_TIMEOUT_MS = 5000;
/**
 * For an append, connecting included: the least patient of Zoho's senders waits 5 s, and has to get its answer. The
 * server may still commit such an append. Its sender has got a 503 by then, and what it repeats is marked as a duplicate.
 */
export const APPEND_TIMEOUT_MS = 2000;
/** A function keeps a plan that was made while the tables were empty, and would read them whole when they have grown. */
const PLANNED = "SET enable_seqscan = off; SET jit = off";
const SETTINGS: Readonly<Record<Purpose, string>> = {
  durable: `SET statement_timeout = ${WRITE_TIMEOUT_MS}; ${PLANNED}`,
  work: `SET statement_timeout = ${WRITE_TIMEOUT_MS}; SET synchronous_commit = off; ${PLANNED}`,
  read: "SET default_transaction_read_only = on",
};
/** For each purpose. Flushes come one after the other, so few are enough. */
const MAX_CONNECTIONS = 3;

const DEFAULT_SCHEMA = "zoho_hooks";

/** `pg` is a package that the user installs. Rejects with a UserError where it is missing. */
async function loadDriver(): Promise<typeof pg> {
  try {
    const { default: driver } = await import("pg");
    return driver;
  } catch (error) {
    if (!/^(ERR_)?MODULE_NOT_FOUND$/.test(errorCode(error) ?? "")) throw error;
    const message = "an event log in PostgreSQL needs the package pg, which is not installed";
    throw new UserError("usage", message, "npm install pg", "log-unavailable");
  }
}

export interface DatabaseAddress {
  /** `postgres://user:password@host:port/database`, with `?schema=` for another one than `zoho_hooks`. */
  readonly address: string;
}

/** Connections to the database of an address. Nothing is connected before the first query. */
export async function connectTo({ address }: DatabaseAddress) {
  const driver = await loadDriver();
  const path = maskSetting(address);
  const schema = schemaOf(address);
  // An own object: the driver's parsers are those of the whole process.
  const types = {
    getTypeParser(oid: number, format?: "text" | "binary") {
      const { bool, int8 } = PARSERS;
      if (format !== "binary" && oid === bool.oid) return bool.parse;
      if (format !== "binary" && oid === int8.oid) return int8.parse;
      return driver.types.getTypeParser(oid, format);
    },
  };
  const config = {
    connectionString: withVerifiedTls(address.replace(SCHEMA_PARAMETER, "$1").replace(/[?&]$/, "")),
    application_name: "zoho-hooks",
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    types,
  };
  const { Client } = driver;
  try {
    // It reads the address, and connects only when told to.
    new Client(config);
  } catch (error) {
    throw new UserError(
      "usage",
      `the address of the event log ${path} cannot be used: ${errorText(error)}`,
      errorCode(error) === "ERR_INVALID_URL" ? ADDRESS_HINT : undefined,
    );
  }
  return { driver, Client, path, schema, config };
}

const ADDRESS_HINT =
  "write it as postgres://host:5432/database, with user:password@ before the host; in the password, # is %23, / is %2F and @ is %40";

/** To pg 8 these modes are names of `verify-full` (unless the address asks for libpq's), but it warns of them each time. */
function withVerifiedTls(address: string): string {
  if (/[?&]uselibpqcompat=true/i.test(address)) return address;
  return address.replace(/([?&]sslmode=)(?:prefer|require|verify-ca)(?=&|$)/i, "$1verify-full");
}

const SCHEMA_PARAMETER = /([?&])schema=[^&#]*&?/i;

function schemaOf(address: string): string {
  const schema = /[?&]schema=([^&#]*)/i.exec(address)?.[1] ?? DEFAULT_SCHEMA;
  if (/^[a-z_][a-z0-9_]{0,62}$/.test(schema)) return schema;
  const hint = "use lower-case letters, digits and underscores, such as ?schema=zoho_hooks";
  throw new UserError("usage", `the schema of the event log ${maskSetting(address)} has another kind of name`, hint);
}

const PARSERS = {
  /** As in SQLite. */
  bool: { oid: 16, parse: (text: string) => (text === "t" ? 1 : 0) },
  int8: { oid: 20, parse: Number },
};

export function openDatabase({ driver, Client, path, schema, config }: Awaited<ReturnType<typeof connectTo>>) {
  // Whatever the role's defaults are: at a higher level a flush would see what was there before it had its lock.
  const opening = `SET search_path = "${schema}"; SET default_transaction_isolation = 'read committed'; SET statement_timeout = 0`;
  const pools = new Map<Purpose, pg.Pool>();
  const opened = new WeakSet<pg.ClientBase>();
  const clients = new Set<pg.Client>();
  let provenAt = Number.NEGATIVE_INFINITY;
  let closed = false;

  function poolFor(purpose: Purpose): pg.Pool {
    if (closed) throw new Error("the event log is closed");
    const open = pools.get(purpose);
    if (open !== undefined) return open;
    const timeout = purpose === "read" ? {} : { query_timeout: WRITE_TIMEOUT_MS + 1000 };
    const connect = purpose === "durable" ? { connectionTimeoutMillis: APPEND_TIMEOUT_MS } : {};
    const pool = new driver.Pool({ ...config, ...timeout, ...connect, max: MAX_CONNECTIONS, Client });
    // A connection has ended: its query says so, and the next one opens another.
    pool.on("connect", (client) => client.on("error", () => {}));
    pool.on("error", () => {});
    pools.set(purpose, pool);
    return pool;
  }

  async function run({ purpose, sql, values, endsAt }: Query): Promise<readonly SqlRow[]> {
    const connecting = poolFor(purpose).connect();
    const client = await (endsAt === undefined ? connecting : connectedBefore(endsAt, connecting));
    const limit = () =>
      endsAt === undefined ? {} : { query_timeout: Math.max(1, Math.round(endsAt - performance.now())) };
    const ask = (text: string, given: readonly Value[] = []) =>
      client.query<SqlRow>({ text, values: [...given], ...limit() });
    try {
      if (!opened.has(client)) {
        await client.query({ text: `${opening}; ${SETTINGS[purpose]}`, ...limit() });
        if (purpose === "durable")
          rejectUnsynced(path, (await ask("SHOW synchronous_commit")).rows[0]?.synchronous_commit);
      }
      opened.add(client);
      const { rows } = await ask(sql, values);
      client.release();
      return rows;
    } catch (error) {
      // Its state is unknown: another one takes its place.
      client.release(true);
      throw error;
    }
  }

  /** A connection that comes too late goes back to its pool. */
  async function connectedBefore(endsAt: number, connecting: Promise<pg.PoolClient>): Promise<pg.PoolClient> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), endsAt - performance.now());
    });
    const client = await Promise.race([connecting, timeout]).finally(() => clearTimeout(timer));
    if (client !== undefined) return client;
    connecting.then(
      (late) => late.release(),
      () => {},
    );
    throw timeoutError(path, APPEND_TIMEOUT_MS);
  }

  async function runAgain({ purpose, sql, ...given }: Query): Promise<readonly SqlRow[]> {
    try {
      const rows = await orAgain(() => run({ purpose, sql: numbered(sql), ...given }));
      if (purpose === "durable") provenAt = performance.now();
      return rows;
    } catch (error) {
      if (purpose === "durable") provenAt = Number.NEGATIVE_INFINITY;
      throw logError(error, path);
    }
  }

  /** Rejects with a UserError for a fault of the server or the way to it. */
  function query(purpose: Purpose, sql: string, values: readonly Value[] = []): Promise<readonly SqlRow[]> {
    return runAgain({ purpose, sql, values, endsAt: undefined });
  }

  return {
    path,
    schema,
    query,
    /** A durable query with a limit of time, by `performance.now()`, in which it also connects. */
    queryBefore: (endsAt: number, sql: string, values: readonly Value[] = []) =>
      runAgain({ purpose: "durable", sql, values, endsAt }),
    /** When a durable query last succeeded, by `performance.now()`; -Infinity if the last one failed. */
    provenAt: () => provenAt,
    read: (sql: string, values: readonly Value[] = []) => query("read", sql, values),
    /** A separate connection, for locks and notifications, which belong to a session. The caller ends it. */
    async session(): Promise<pg.Client> {
      const client = new Client(config);
      client.on("error", () => {});
      clients.add(client);
      client.once("end", () => clients.delete(client));
      try {
        await client.connect();
        await client.query(opening);
        return client;
      } catch (error) {
        await client.end().catch(() => {});
        throw logError(error, path);
      }
    },
    async close(): Promise<void> {
      if (closed) return;
      closed = true;
      await Promise.all([...pools.values()].map((pool) => pool.end()));
      await Promise.all([...clients].map((client) => client.end().catch(() => {})));
    },
  };
}

interface Query {
  readonly purpose: Purpose;
  readonly sql: string;
  readonly values: readonly Value[];
  /** Deadline by `performance.now()`; undefined for the limit of the pool. */
  readonly endsAt: number | undefined;
}

async function orAgain<T>(work: () => Promise<T>): Promise<T> {
  for (let left = 3; ; left--) {
    try {
      return await work();
    } catch (error) {
      if (left === 0 || !isDeadlock(error)) throw error;
    }
  }
}

const numberedSql = new Map<string, string>();
const MAX_REMEMBERED = 200;

/** Names parameters as PostgreSQL does: `$1` for the first `?`. */
function numbered(sql: string): string {
  const known = numberedSql.get(sql);
  if (known !== undefined) return known;
  let count = 0;
  const made = sql.replace(/\?/g, () => `$${++count}`);
  if (numberedSql.size < MAX_REMEMBERED) numberedSql.set(sql, made);
  return made;
}

const MIN_VERSION = 150_000;

/** Throws a UserError for a server on which an answer of 200 would not mean what it says, or claims would not work. */
export async function checkServer(database: Database): Promise<void> {
  const [one, two] = [await database.session(), await database.session()];
  const refuse = (reason: string, hint: string): never => {
    throw unsuitable(database.path, reason, hint);
  };
  try {
    const setting = async (name: string): Promise<string> =>
      String((await one.query(`SELECT current_setting('${name}') AS value`)).rows[0]?.value);
    if (Number(await setting("server_version_num")) < MIN_VERSION)
      refuse(`it is on PostgreSQL ${await setting("server_version")}`, "use PostgreSQL 15 or later");
    rejectUnsynced(database.path, await setting("synchronous_commit"));
    if ((await setting("server_encoding")) !== "UTF8")
      refuse(
        `its database has the encoding ${await setting("server_encoding")}`,
        "create one with `createdb --encoding UTF8 --template template0`",
      );
    if (await isPooled(one, two))
      refuse(
        "it is behind a pooler that gives each transaction another session (transaction pooling), in which no locks are held and nothing is listened to",
        "use the address of the server itself, or a pool in session mode",
      );
  } finally {
    await Promise.all([one.end(), two.end()]);
  }
}

/** Called for every new connection: the setting of the role or the server may change after the start. */
function rejectUnsynced(path: string, synchronousCommit: unknown): void {
  if (synchronousCommit !== "off") return;
  throw unsuitable(
    path,
    "synchronous_commit is off, so what was answered with 200 could be lost",
    "ALTER ROLE … SET synchronous_commit = on, for the user of the address",
  );
}

function unsuitable(path: string, reason: string, hint: string): UserError {
  return new UserError("usage", `the event log ${path} cannot be used: ${reason}`, hint, "log-unsuitable");
}

/** Whether two connections share a session, or one loses its own between two transactions. */
async function isPooled(one: pg.Client, two: pg.Client): Promise<boolean> {
  const session = async (client: pg.Client) => (await client.query("SELECT pg_backend_pid() AS pid")).rows[0]?.pid;
  const name = `zoho_hooks.${randomUUID().replaceAll("-", "_").replace(/^/, "s")}`;
  await one.query(`SET ${name} = 'set'`);
  const pids = [await session(one), await session(two), await session(one), await session(two)];
  const seen = (await two.query(`SELECT current_setting('${name}', true) AS value`)).rows[0]?.value;
  return pids[0] !== pids[2] || pids[1] !== pids[3] || pids[0] === pids[1] || seen === "set";
}
