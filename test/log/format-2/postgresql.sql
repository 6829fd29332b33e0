-- Format 2, as the first release creates it. Frozen: a later change of the tables is a step in src/log/format.ts.
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
  receiver uuid
);
CREATE INDEX deliveries_by_time ON deliveries (received_at);
CREATE INDEX deliveries_by_event ON deliveries (product, event, n) WHERE event IS NOT NULL;
CREATE INDEX deliveries_invalid ON deliveries (n) WHERE invalid = 1;
CREATE INDEX deliveries_unanswered ON deliveries (n) WHERE status IS NULL;
CREATE INDEX deliveries_refused ON deliveries (n, status) WHERE status >= 300;

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
  order_key text COLLATE "C",
  lease uuid
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX forwards_of_delivery ON forwards (n);
CREATE INDEX forwards_due ON forwards (target, due_at, id) WHERE state = 0;
CREATE INDEX forwards_in_order ON forwards (target, order_key, id) WHERE state < 2 AND order_key IS NOT NULL;
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

-- Numbers are given under a lock that is held until all of it is visible: whoever has read one has read all before it. Those of
-- one call follow each other. A row of the result is of a delivery, or of one for a target.
CREATE FUNCTION append(
  given_deliveries json, given_forwards json, bodies bytea, sent_at bigint, lease_ms integer,
  awaited text[]
) RETURNS TABLE (i integer, n bigint, duplicate_of bigint, forward bigint, target text, claimed integer)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  now_ms bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext(current_schema()), 1);
  now_ms := clock_ms();
  RETURN QUERY
  WITH given AS MATERIALIZED (
    SELECT *, nextval('delivery_numbers') AS n, sha256(convert_to(identity, 'UTF8')) AS key
    FROM json_to_recordset(given_deliveries) AS g (
      i integer, received_at bigint, method text, url text, remote text, product text, format text, event text,
      known smallint, accepted smallint, invalid smallint, status integer, refusal text, identity text, records text,
      verdicts text, issues text, receiver uuid, headers text, body_start integer, body_length integer, first integer)
  ), found AS MATERIALIZED (
    SELECT given.*, (SELECT n FROM identities AS old
      WHERE old.identity = given.key AND old.received_at >= given.received_at - 86400000) AS original
    FROM given
  ), marked AS MATERIALIZED (
    SELECT found.*, coalesce(original, CASE WHEN first < i THEN n - i + first END) AS duplicate_of FROM found
  ), remembered AS (
    INSERT INTO identities (identity, n, received_at)
    SELECT key, n, received_at FROM found WHERE i = first AND original IS NULL ORDER BY key
    ON CONFLICT (identity) DO UPDATE SET n = excluded.n, received_at = excluded.received_at
  ), added AS (
    INSERT INTO deliveries (n, received_at, method, url, remote, product, format, event, known, accepted, invalid, status,
      refusal, identity, duplicate_of, records, verdicts, issues, receiver)
    SELECT n, received_at, method, url, remote, product, format, event, known, accepted, invalid, status,
      refusal, identity, duplicate_of, records, verdicts, issues, receiver FROM marked
  ), stored AS (
    INSERT INTO contents (n, headers, body)
    SELECT n, headers, substring(bodies FROM body_start FOR body_length) FROM given
  ), this AS MATERIALIZED (
    SELECT *, nextval('forward_ids') AS id, (SELECT min(n) FROM given) + i AS n FROM json_to_recordset(given_forwards) AS f (
      i integer, target text, received_at bigint, order_key text, behind boolean, claim uuid)
  ), queued AS MATERIALIZED (
    SELECT this.*, order_key IS NOT NULL AND (behind OR (EXISTS (SELECT 1 FROM forwards AS earlier
    WHERE earlier.target = this.target AND earlier.state < 2 AND earlier.order_key IS NOT NULL  AND earlier.order_key IN (this.order_key, substr(this.order_key, 1, instr(this.order_key, ':')) || '*')) OR (this.order_key = substr(this.order_key, 1, instr(this.order_key, ':')) || '*' AND EXISTS (SELECT 1 FROM forwards AS earlier
    WHERE earlier.target = this.target AND earlier.state < 2 AND earlier.order_key IS NOT NULL  AND earlier.order_key >= substr(this.order_key, 1, instr(this.order_key, ':')) AND earlier.order_key < rtrim(substr(this.order_key, 1, instr(this.order_key, ':')), ':') || ';')))) AS blocked FROM this
  ), forwarded AS (
    INSERT INTO forwards (id, n, target, state, due_at, order_key, lease)
    SELECT id, n, target, CASE WHEN blocked THEN 1 ELSE 0 END,
      CASE WHEN blocked OR claim IS NULL THEN received_at + now_ms - sent_at ELSE now_ms + lease_ms END,
      order_key, CASE WHEN blocked THEN NULL ELSE claim END
    FROM queued
  )
  SELECT i, n, duplicate_of, NULL::bigint, NULL, 0 FROM marked
  UNION ALL SELECT i, n, NULL, id, target, CASE WHEN blocked OR claim IS NULL THEN 0 ELSE 1 END FROM queued;
  PERFORM pg_notify(current_schema(), each) FROM unnest(awaited) AS each;
END $$;

-- Records attempts, and what becomes of their deliveries where the claim is still the caller's. A delivery that another process
-- has settled meanwhile is due: the next of its order became due then, and nobody was woken.
CREATE FUNCTION settle(given_attempts json, sent_at bigint, in_order boolean)
RETURNS TABLE (i integer, attempt integer, result text)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  shift bigint := clock_ms() - sent_at;
  given record;
  closed bigint;
  key text;
  every text;
  changes integer;
BEGIN
  IF in_order THEN
    PERFORM pg_advisory_xact_lock(hashtext(current_schema()), 1);
  END IF;
  PERFORM pg_advisory_xact_lock(hashtext(current_schema()), 2);
  FOR given IN SELECT * FROM json_to_recordset(given_attempts) AS g (i integer, id bigint, lease uuid, n bigint, target text,
    at bigint, status integer, latency_ms double precision, error text, reply text, replay text, state smallint, due_at bigint, mends boolean)
  LOOP
    i := given.i;
    result := 'done';
    key := NULL;
    INSERT INTO attempts AS made (id, n, attempt, target, at, status, latency_ms, error, reply, replay)
    VALUES (nextval('attempt_ids'), given.n,
      1 + coalesce((SELECT max(a.attempt) FROM attempts AS a WHERE a.n = given.n AND a.target = given.target), 0),
      given.target, given.at, given.status, given.latency_ms, given.error, given.reply, given.replay)
    RETURNING made.attempt INTO attempt;
    IF given.id IS NOT NULL THEN
      UPDATE forwards AS f
      SET state = given.state, attempts = f.attempts + 1, due_at = coalesce(given.due_at + shift, f.due_at), lease = NULL
      WHERE f.id = given.id AND f.lease = given.lease AND f.state = 0
      RETURNING f.id, CASE WHEN f.state >= 2 THEN f.order_key END INTO closed, key;
      IF NOT FOUND THEN
        result := CASE WHEN EXISTS (SELECT 1 FROM forwards AS f WHERE f.id = given.id AND f.lease = given.lease)
          THEN 'due' ELSE 'lost' END;
      END IF;
    ELSIF given.mends THEN
      UPDATE forwards AS f SET state = 2
      WHERE f.n = given.n AND f.target = given.target AND f.state <> 2
      RETURNING f.id, f.order_key INTO closed, key;
    END IF;
    IF key IS NOT NULL THEN
      every := split_part(key, ':', 1) || ':*';
      IF key = every THEN
        UPDATE forwards AS this SET state = 0
     WHERE target = given.target AND order_key >= rtrim(every, '*') AND order_key < rtrim(every, ':*') || ';' AND state < 2
       AND id <= coalesce((SELECT min(id) FROM forwards WHERE target = given.target AND order_key = every AND state < 2 ), 9007199254740991) AND state = 1
       AND NOT (EXISTS (SELECT 1 FROM forwards AS earlier
    WHERE earlier.target = this.target AND earlier.state < 2 AND earlier.order_key IS NOT NULL AND earlier.id < this.id AND earlier.order_key IN (this.order_key, substr(this.order_key, 1, instr(this.order_key, ':')) || '*')) OR (this.order_key = substr(this.order_key, 1, instr(this.order_key, ':')) || '*' AND EXISTS (SELECT 1 FROM forwards AS earlier
    WHERE earlier.target = this.target AND earlier.state < 2 AND earlier.order_key IS NOT NULL AND earlier.id < this.id AND earlier.order_key >= substr(this.order_key, 1, instr(this.order_key, ':')) AND earlier.order_key < rtrim(substr(this.order_key, 1, instr(this.order_key, ':')), ':') || ';')));
      ELSE
        UPDATE forwards AS this SET state = 0
     WHERE id IN (SELECT min(id) FROM forwards WHERE target = given.target AND order_key = key AND state < 2 AND id > closed UNION ALL SELECT min(id) FROM forwards WHERE target = given.target AND order_key = every AND state < 2 AND id > closed) AND state = 1 AND NOT (EXISTS (SELECT 1 FROM forwards AS earlier
    WHERE earlier.target = this.target AND earlier.state < 2 AND earlier.order_key IS NOT NULL AND earlier.id < this.id AND earlier.order_key IN (this.order_key, substr(this.order_key, 1, instr(this.order_key, ':')) || '*')) OR (this.order_key = substr(this.order_key, 1, instr(this.order_key, ':')) || '*' AND EXISTS (SELECT 1 FROM forwards AS earlier
    WHERE earlier.target = this.target AND earlier.state < 2 AND earlier.order_key IS NOT NULL AND earlier.id < this.id AND earlier.order_key >= substr(this.order_key, 1, instr(this.order_key, ':')) AND earlier.order_key < rtrim(substr(this.order_key, 1, instr(this.order_key, ':')), ':') || ';')));
      END IF;
      GET DIAGNOSTICS changes = ROW_COUNT;
      IF changes > 0 THEN
        result := 'due';
        -- Whoever completes a claim looks for the next one; after a replay nobody else does.
        PERFORM pg_notify(current_schema(), '') WHERE given.mends;
      END IF;
    END IF;
    RETURN NEXT;
  END LOOP;
END $$;

CREATE FUNCTION give_up(given_target text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  changes bigint;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext(current_schema()), 1);
  UPDATE forwards SET state = 3
    WHERE id IN (SELECT id FROM (SELECT id, target, due_at FROM forwards WHERE state = 0
  UNION ALL SELECT id, target, due_at FROM forwards WHERE state < 2 AND order_key IS NOT NULL AND state = 1) AS waiting WHERE target = given_target) AND state < 2;
  GET DIAGNOSTICS changes = ROW_COUNT;
  RETURN changes;
END $$;
