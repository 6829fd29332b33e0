import { DUPLICATE_WINDOW_MS } from "../../delivery/delivery.ts";
import { UserError } from "../../util/errors.ts";
import { earlierInUse, logFormat, rejectOtherFormat, stepsFrom } from "../format.ts";
import { DELIVERED, giveUp, WAITING } from "../states.ts";
import type { Database } from "./connect.ts";
import { logError } from "./fault.ts";
import { VIEW } from "./view.ts";

/**
 * The tables of SQLite's log, by the same names, so that the same queries read both. Times are milliseconds since 1970, by
 * the clock of the database where something is due. Text is compared by its bytes.
 */
const TABLES = `
CREATE TABLE meta (name text PRIMARY KEY, value text NOT NULL);
CREATE SEQUENCE delivery_numbers;
CREATE SEQUENCE forward_ids;
CREATE SEQUENCE attempt_ids;

CREATE TABLE deliveries (
  n bigint PRIMARY KEY,
  received_at bigint NOT NULL,
  method text NOT NULL,
  url text NOT NULL,
  remote text,
  product text COLLATE "C",
  format text,
  event text COLLATE "C",
  known smallint NOT NULL,
  accepted smallint NOT NULL,
  invalid smallint NOT NULL,
  status integer,
  refusal text,
  identity text,
  duplicate_of bigint,
  records text,
  verdicts text,
  issues text,
  receiver uuid,
  reconstructed smallint NOT NULL DEFAULT 0
);
CREATE INDEX deliveries_by_time ON deliveries (received_at);
CREATE INDEX deliveries_by_event ON deliveries (product, event, n) WHERE event IS NOT NULL;
CREATE INDEX deliveries_invalid ON deliveries (n) WHERE invalid = 1;
CREATE INDEX deliveries_unanswered ON deliveries (n) WHERE status IS NULL;
CREATE INDEX deliveries_refused ON deliveries (n, status) WHERE status >= 300;
CREATE INDEX deliveries_reconstructed ON deliveries (n) WHERE reconstructed = 1;

CREATE TABLE contents (n bigint PRIMARY KEY, headers text NOT NULL, body bytea NOT NULL);
ALTER TABLE contents ALTER body SET STORAGE EXTERNAL;

CREATE TABLE identities (identity bytea PRIMARY KEY, n bigint NOT NULL, received_at bigint NOT NULL);
CREATE INDEX identities_by_time ON identities (received_at);

CREATE TABLE forwards (
  id bigint PRIMARY KEY,
  n bigint NOT NULL,
  target text COLLATE "C" NOT NULL,
  state smallint NOT NULL,
  attempts integer NOT NULL DEFAULT 0,
  due_at bigint NOT NULL,
  lease uuid
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX forwards_of_delivery ON forwards (n);
CREATE INDEX forwards_due ON forwards (target, due_at, id) WHERE state = ${WAITING};
CREATE INDEX forwards_failed ON forwards (n) WHERE state = 3;

CREATE TABLE attempts (
  id bigint PRIMARY KEY,
  n bigint NOT NULL,
  attempt integer NOT NULL,
  target text COLLATE "C" NOT NULL,
  at bigint NOT NULL,
  status integer,
  latency_ms double precision NOT NULL,
  error text,
  reply text,
  replay text
);
CREATE INDEX attempts_of_delivery ON attempts (n);
CREATE INDEX attempts_replayed ON attempts (n) WHERE replay = 'same';

CREATE TABLE receivers (
  id uuid PRIMARY KEY,
  pid integer NOT NULL,
  host text,
  url text,
  role text NOT NULL,
  since bigint NOT NULL,
  seen_at bigint NOT NULL
);

CREATE TABLE secrets (name text PRIMARY KEY, value bytea NOT NULL);

CREATE FUNCTION instr(text, text) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT strpos($1, $2)';
CREATE FUNCTION instr(bytea, bytea) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT position($2 IN $1)';
CREATE FUNCTION clock_ms() RETURNS bigint LANGUAGE sql VOLATILE AS
  'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint';
`;

/** The locks of what gives deliveries and attempts their numbers. They end with their transaction. */
export const LOCK_DELIVERIES = "pg_advisory_xact_lock(hashtext(current_schema()), 1)";
const LOCK_ATTEMPTS = "pg_advisory_xact_lock(hashtext(current_schema()), 2)";

/**
 * SQL for the difference between the database's clock and the caller's, which is the parameter. Due times are compared by the
 * clock of the database, since those of machines differ.
 */
export const CLOCK_SHIFT = "(clock_ms() - ?::bigint)";

/** SQL for the key of a table that has every identity once, however long it is. */
export function identityKey(identity: string): string {
  return `sha256(convert_to(${identity}, 'UTF8'))`;
}

/** A process that has not been seen for so long is dead. */
const DEAD_AFTER_MS = 30_000;

/** SQL for the ids of the receivers that live. */
export const LIVING = `SELECT id FROM receivers WHERE seen_at > clock_ms() - ${DEAD_AFTER_MS}`;

/**
 * A flush is one call, and so a transaction of its own: no process that is held up leaves one open, with locks that others
 * wait for.
 */
const FUNCTIONS = `
-- Numbers are given under a lock that is held until all of it is visible: whoever has read one has read all before it. Those of
-- one call follow each other. A row of the result is of a delivery, or of one for a target.
CREATE OR REPLACE FUNCTION append(
  given_deliveries json, given_forwards json, bodies bytea, sent_at bigint, lease_ms integer,
  awaited text[]
) RETURNS TABLE (i integer, n bigint, duplicate_of bigint, forward bigint, target text, claimed integer)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  now_ms bigint;
BEGIN
  PERFORM ${LOCK_DELIVERIES};
  now_ms := clock_ms();
  RETURN QUERY
  WITH given AS MATERIALIZED (
    SELECT *, nextval('delivery_numbers') AS n, ${identityKey("identity")} AS key
    FROM json_to_recordset(given_deliveries) AS g (
      i integer, received_at bigint, method text, url text, remote text, product text, format text, event text,
      known smallint, accepted smallint, invalid smallint, status integer, refusal text, identity text, records text,
      verdicts text, issues text, receiver uuid, reconstructed smallint, headers text, body_start integer, body_length integer, first integer)
  ), found AS MATERIALIZED (
    SELECT given.*, (SELECT n FROM identities AS old
      WHERE old.identity = given.key AND old.received_at >= given.received_at - ${DUPLICATE_WINDOW_MS}) AS original
    FROM given
  ), marked AS MATERIALIZED (
    SELECT found.*, coalesce(original, CASE WHEN first < i THEN n - i + first END) AS duplicate_of FROM found
  ), remembered AS (
    INSERT INTO identities (identity, n, received_at)
    SELECT key, n, received_at FROM found WHERE i = first AND original IS NULL ORDER BY key
    ON CONFLICT (identity) DO UPDATE SET n = excluded.n, received_at = excluded.received_at
  ), added AS (
    INSERT INTO deliveries (n, received_at, method, url, remote, product, format, event, known, accepted, invalid, status,
      refusal, identity, duplicate_of, records, verdicts, issues, receiver, reconstructed)
    SELECT n, received_at, method, url, remote, product, format, event, known, accepted, invalid, status,
      refusal, identity, duplicate_of, records, verdicts, issues, receiver, coalesce(reconstructed, 0) FROM marked
  ), stored AS (
    INSERT INTO contents (n, headers, body)
    SELECT n, headers, substring(bodies FROM body_start FOR body_length) FROM given
  ), this AS MATERIALIZED (
    SELECT *, nextval('forward_ids') AS id, (SELECT min(n) FROM given) + i AS n FROM json_to_recordset(given_forwards) AS f (
      i integer, target text, received_at bigint, claim uuid)
  ), forwarded AS (
    INSERT INTO forwards (id, n, target, state, due_at, lease)
    SELECT id, n, target, ${WAITING},
      CASE WHEN claim IS NULL THEN received_at + now_ms - sent_at ELSE now_ms + lease_ms END, claim
    FROM this
  )
  SELECT i, n, duplicate_of, NULL::bigint, NULL, 0 FROM marked
  UNION ALL SELECT i, n, NULL, id, target, CASE WHEN claim IS NULL THEN 0 ELSE 1 END FROM this;
  PERFORM pg_notify(current_schema(), each) FROM unnest(awaited) AS each;
END $$;

-- Records attempts, and what becomes of their deliveries where the claim is still the caller's.
CREATE OR REPLACE FUNCTION settle(given_attempts json, sent_at bigint)
RETURNS TABLE (i integer, attempt integer, result text)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  shift bigint := clock_ms() - sent_at;
  given record;
BEGIN
  PERFORM ${LOCK_ATTEMPTS};
  FOR given IN SELECT * FROM json_to_recordset(given_attempts) AS g (i integer, id bigint, lease uuid, n bigint, target text,
    at bigint, status integer, latency_ms double precision, error text, reply text, replay text, state smallint, due_at bigint, mends boolean)
  LOOP
    i := given.i;
    result := 'done';
    INSERT INTO attempts AS made (id, n, attempt, target, at, status, latency_ms, error, reply, replay)
    VALUES (nextval('attempt_ids'), given.n,
      1 + coalesce((SELECT max(a.attempt) FROM attempts AS a WHERE a.n = given.n AND a.target = given.target), 0),
      given.target, given.at, given.status, given.latency_ms, given.error, given.reply, given.replay)
    RETURNING made.attempt INTO attempt;
    IF given.id IS NOT NULL THEN
      UPDATE forwards AS f
      SET state = given.state, attempts = f.attempts + 1, due_at = coalesce(given.due_at + shift, f.due_at), lease = NULL
      WHERE f.id = given.id AND f.lease = given.lease AND f.state = ${WAITING};
      -- A replay that has delivered it meanwhile has left the lease.
      IF NOT FOUND AND NOT EXISTS (SELECT 1 FROM forwards AS f WHERE f.id = given.id AND f.lease = given.lease) THEN
        result := 'lost';
      END IF;
    ELSIF given.mends THEN
      UPDATE forwards AS f SET state = ${DELIVERED}
      WHERE f.n = given.n AND f.target = given.target AND f.state <> ${DELIVERED};
    END IF;
    RETURN NEXT;
  END LOOP;
END $$;

CREATE OR REPLACE FUNCTION give_up(given_target text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  changes bigint;
BEGIN
  ${giveUp("given_target")};
  GET DIAGNOSTICS changes = ROW_COUNT;
  RETURN changes;
END $$;
`;

/** The format of the log in a database; undefined where there is none. */
export async function readFormat({ read, schema }: Pick<Database, "read" | "schema">): Promise<number | undefined> {
  const [found] = await read("SELECT to_regclass(?) IS NOT NULL AS is_there", [`${schema}.meta`]);
  if (found?.is_there !== 1) return undefined;
  const [row] = await read("SELECT value FROM meta WHERE name = 'format'");
  return Number(row?.value ?? 0);
}

/** Throws a UserError where there is no log, and for one of another format. */
export async function requireLog(database: Database): Promise<void> {
  const { path } = database;
  const format = await readFormat(database);
  if (format === undefined)
    throw new UserError(
      "usage",
      `there is no event log at ${path}`,
      "`zoho-hooks listen` creates one; ZOHO_HOOKS_STORE names another",
      "log-missing",
    );
  rejectOtherFormat(format, path, "start a new log in another schema (?schema=name in the address)");
}

/**
 * Creates the tables where there is no log, or upgrades one of an earlier format, all or nothing. Safe when several processes do
 * it at once. Rejects with a UserError where a log of an earlier format has active receivers. With `ROLLBACK` it only shows what it
 * could do.
 */
export async function createTables(
  database: Database,
  end: "COMMIT" | "ROLLBACK" = "COMMIT",
): Promise<"created" | "upgraded" | "unchanged"> {
  const { schema, path } = database;
  const client = await database.session();
  try {
    await client.query(`BEGIN; SELECT pg_advisory_xact_lock(hashtext('${schema}'), 3)`);
    const format = await readFormat(database);
    const steps = format === undefined ? [] : stepsFrom(format);
    if (format === undefined) {
      const { rows } = await client.query("SELECT to_regnamespace($1) AS namespace", [schema]);
      // Even IF NOT EXISTS needs the right to create one.
      if (rows[0]?.namespace === null) await client.query(`CREATE SCHEMA "${schema}"`);
      await client.query(TABLES + FUNCTIONS + VIEW);
      await client.query(`INSERT INTO meta (name, value) VALUES ('format', '${logFormat()}')`);
    } else if (steps.length > 0) {
      // A receiver registers itself and then checks the format, so it is seen here or sees the new one.
      await client.query("LOCK TABLE receivers IN SHARE ROW EXCLUSIVE MODE");
      const { rows } = await client.query(`SELECT pid, host FROM receivers WHERE id IN (${LIVING}) ORDER BY since`);
      const receivers = rows.map(({ pid, host }) => `process ${pid} on ${host ?? "an unknown host"}`);
      if (receivers.length > 0) throw earlierInUse(format, path, receivers);
      for (const { postgresql } of steps) await client.query(postgresql);
      await client.query(FUNCTIONS);
      await client.query(`UPDATE meta SET value = '${logFormat()}' WHERE name = 'format'`);
    }
    await client.query(end);
    if (format === undefined) return "created";
    return steps.length > 0 ? "upgraded" : "unchanged";
  } catch (error) {
    throw logError(error, path);
  } finally {
    await client.end().catch(() => {});
  }
}
