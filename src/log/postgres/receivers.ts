import { randomUUID } from "node:crypto";
import type { Duty, LockOwner, LogLock, Role } from "../log.ts";
import { dateOf, maybeText, numberOf, type SqlRow } from "../rows.ts";
import type { Database } from "./connect.ts";
import { logError } from "./fault.ts";
import { identityKey, LIVING, requireLog } from "./schema.ts";

const HEARTBEAT_MS = 5000;

/** The processes that receive or deliver, of which each says that it lives. */
export function createReceivers(database: Database) {
  let id: string | undefined;
  let beating: NodeJS.Timeout | undefined;

  return {
    /** Id of this process; undefined before it is registered. */
    id: () => id,
    /** Any number of processes may have the log at once. */
    async lock({ pid, host, role = "both", since, ...owner }: LockOwner): Promise<LogLock> {
      const own = randomUUID();
      let { url } = owner;
      // As a whole each time: others remove one that seems dead, as after a pause of this process.
      const beat = () =>
        database.query(
          "work",
          `INSERT INTO receivers (id, pid, host, url, role, since, seen_at) VALUES (?, ?, ?, ?, ?, ?, clock_ms())
           ON CONFLICT (id) DO UPDATE SET url = excluded.url, seen_at = excluded.seen_at`,
          [own, pid, host ?? null, url ?? null, role, since.getTime()],
        );
      const remove = () => database.query("work", "DELETE FROM receivers WHERE id = ?", [own]);
      await beat();
      try {
        // Before it was registered, a later version may have upgraded the log.
        await requireLog(database);
      } catch (error) {
        await remove();
        throw error;
      }
      id = own;
      beating = setInterval(() => void beat().catch(() => {}), HEARTBEAT_MS).unref();
      return {
        held: true,
        async setUrl(text) {
          url = text;
          await beat();
        },
        endUnanswered: () => endUnanswered(database),
        async release() {
          if (id !== own) return;
          id = undefined;
          clearInterval(beating);
          await remove();
        },
      };
    },
    /** All active receivers. */
    async all(): Promise<readonly LockOwner[]> {
      const rows = await database.read(`SELECT * FROM receivers WHERE id IN (${LIVING}) ORDER BY since, id`);
      return rows.map((row) => ownerOf(database, row));
    },
    close(): void {
      clearInterval(beating);
    },
  };
}

/** Counts as failed what a dead receiver has left without an answer. Resolves to its number. */
async function endUnanswered(database: Database): Promise<number> {
  await database.query("durable", `DELETE FROM receivers WHERE id NOT IN (${LIVING})`);
  const ended = await database.query(
    "durable",
    `WITH ended AS (
       UPDATE deliveries SET status = 502, refusal = 'listen ended before the app had answered'
       WHERE status IS NULL AND accepted = 1 AND (receiver IS NULL OR receiver NOT IN (${LIVING}))
       RETURNING n, identity),
     forgotten AS (DELETE FROM identities USING ended WHERE identities.identity = ${identityKey("ended.identity")} AND identities.n = ended.n)
     SELECT n FROM ended`,
  );
  return ended.length;
}

/** An active one that has a URL, those of a machine first. */
export async function readOwner(database: Database, host: string): Promise<LockOwner | undefined> {
  const [row] = await database.read(
    `SELECT * FROM receivers WHERE url IS NOT NULL AND id IN (${LIVING}) ORDER BY host = ? DESC NULLS LAST, since DESC LIMIT 1`,
    [host],
  );
  return row && ownerOf(database, row);
}

function ownerOf({ path }: Database, row: SqlRow): LockOwner {
  const roles: readonly Role[] = ["receive", "deliver", "both"];
  try {
    return {
      pid: numberOf(row, "pid"),
      host: maybeText(row, "host"),
      url: maybeText(row, "url"),
      role: roles.find((role) => role === row.role),
      since: dateOf(row, "since"),
    };
  } catch (error) {
    throw logError(error, path);
  }
}

const CHECK_MS = 5000;

/** A lock of a session, which the server gives to another process when the connection ends. */
export async function takeDuty(database: Database, name: string): Promise<Duty | undefined> {
  const session = await database.session();
  const lost = new AbortController();
  const lose = (): void => {
    clearInterval(timer);
    lost.abort();
  };
  session.once("end", lose);
  session.once("error", lose);
  const timer = setInterval(check, CHECK_MS).unref();

  /** A network that has gone says nothing. */
  function check(): void {
    const late = setTimeout(lose, CHECK_MS).unref();
    session.query("SELECT 1").then(() => clearTimeout(late), lose);
  }

  const release = async (): Promise<void> => {
    clearInterval(timer);
    session.off("end", lose);
    await session.end().catch(() => {});
  };
  try {
    const { rows } = await session.query("SELECT pg_try_advisory_lock(hashtext($1), hashtext($2)) AS taken", [
      `${database.schema} duties`,
      name,
    ]);
    if (rows[0]?.taken === 1) return { signal: lost.signal, release };
  } catch (error) {
    await release();
    throw error;
  }
  await release();
  return undefined;
}
