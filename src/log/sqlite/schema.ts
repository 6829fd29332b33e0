import { MASK } from "../../delivery/mask.ts";
import { ANYWHERE, KEYS, WORDS } from "../masking.ts";
import { STATE } from "../states.ts";

/**
 * Times are milliseconds since 1970. Bodies and headers have a table of their own, so that reading a million deliveries
 * reads none of their bytes. AUTOINCREMENT prevents the reuse of numbers after pruning. The partial indexes cost nothing
 * for the rows that they leave out, which are nearly all.
 */
const TABLES = `
CREATE TABLE deliveries (
  n INTEGER PRIMARY KEY AUTOINCREMENT,
  received_at INTEGER NOT NULL,
  method TEXT NOT NULL,
  url TEXT NOT NULL,
  remote TEXT,
  product TEXT,
  format TEXT,
  event TEXT,
  known INTEGER NOT NULL,
  accepted INTEGER NOT NULL,
  invalid INTEGER NOT NULL,
  status INTEGER,
  refusal TEXT,
  identity TEXT,
  duplicate_of INTEGER,
  records TEXT,
  verdicts TEXT,
  issues TEXT,
  reconstructed INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX deliveries_by_time ON deliveries (received_at);
CREATE INDEX deliveries_by_event ON deliveries (product, event, n) WHERE event IS NOT NULL;
CREATE INDEX deliveries_by_identity ON deliveries (identity) WHERE accepted = 1 AND duplicate_of IS NULL;
CREATE INDEX deliveries_invalid ON deliveries (n) WHERE invalid = 1;
CREATE INDEX deliveries_unanswered ON deliveries (n) WHERE status IS NULL;
CREATE INDEX deliveries_refused ON deliveries (n, status) WHERE status >= 300;
CREATE INDEX deliveries_reconstructed ON deliveries (n) WHERE reconstructed = 1;

CREATE TABLE contents (
  n INTEGER PRIMARY KEY,
  headers TEXT NOT NULL,
  body BLOB NOT NULL
) STRICT;

CREATE TABLE forwards (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  n INTEGER NOT NULL,
  target TEXT NOT NULL,
  state INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  due_at INTEGER NOT NULL
) STRICT;
CREATE INDEX forwards_of_delivery ON forwards (n);
CREATE INDEX forwards_due ON forwards (target, due_at, id) WHERE state = 0;
CREATE INDEX forwards_failed ON forwards (n) WHERE state = 3;

CREATE TABLE attempts (
  id INTEGER PRIMARY KEY,
  n INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  target TEXT NOT NULL,
  at INTEGER NOT NULL,
  status INTEGER,
  latency_ms REAL NOT NULL,
  error TEXT,
  reply TEXT,
  replay TEXT
) STRICT;
CREATE INDEX attempts_of_delivery ON attempts (n);
CREATE INDEX attempts_replayed ON attempts (n) WHERE replay = 'same';

CREATE TABLE holder (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  pid INTEGER NOT NULL,
  url TEXT,
  since INTEGER NOT NULL
) STRICT;
`;

/**
 * The SQL that creates a log: its tables, and a view for any SQLite client, so its masking is pure SQL: a function of ours would be missing there, and a masked copy of
 * every body would double the log. JSON is masked value by value, by the names of `core/mask.ts`. Bodies that SQL cannot
 * parse (forms, multipart, broken JSON) are shown only when they cannot contain a secret, and so is JSON with a secret
 * left after masking (a repeated name, more names than `MAX_MASKED`).
 */
export function logSchema(): string {
  return `${TABLES}
CREATE VIEW webhook_logs AS
SELECT
  json_extract(records, '$[0]') AS webhook_id,
  CASE instr(coalesce(event, ''), '.') WHEN 0 THEN product ELSE substr(event, 1, instr(event, '.') - 1) END AS module,
  CASE instr(coalesce(event, ''), '.') WHEN 0 THEN event ELSE substr(event, instr(event, '.') + 1) END AS operation,
  CASE
    WHEN instr(body, x'00') > 0 OR ${IS_NO_UTF8} THEN ${HIDDEN}
    WHEN ${HOLDS_CHOSEN} THEN ${HIDDEN}
    WHEN json_valid(CAST(body AS TEXT)) THEN (${MASKED_JSON})
    WHEN ${mayHoldSecret("lower(CAST(body AS TEXT))")} THEN ${HIDDEN}
    ELSE CAST(body AS TEXT) END AS payload,
  ${STATE} AS status,
  strftime('%Y-%m-%d %H:%M:%f', received_at / 1000.0, 'unixepoch') AS received_at
FROM deliveries JOIN contents USING (n);
`;
}

const HIDDEN = `'${MASK.slice(0, -1)}: run zoho-hooks events show ' || n || ']'`;

/** Bodies in another charset, or rejected before they were read. */
const CHARSETS = "replace(lower(headers), '\\\"', '')";
const IS_NO_UTF8 = `(instr(${CHARSETS}, 'charset=') > 0 AND instr(${CHARSETS}, 'charset=utf-8') = 0
    AND instr(${CHARSETS}, 'charset=utf8') = 0 AND instr(${CHARSETS}, 'charset=us-ascii') = 0)
  OR refusal LIKE '%is not valid % text' OR (accepted = 0 AND status IN (404, 405))`;

/** A field that the user has configured to hold a secret, whatever its name is. */
const HOLDS_CHOSEN = `EXISTS (
  SELECT 1 FROM json_each(verdicts) WHERE instr(CAST(body AS TEXT), json_extract(value, '$.secretIn')) > 0)`;

/** Each one costs a pass over the body. */
const MAX_MASKED = 50;

/** A row of `json_tree` with a value to mask. Older SQLite leaves escapes in names undecoded. */
const IS_SECRET = `type NOT IN ('null', 'true', 'false') AND atom IS NOT '' AND atom IS NOT '${MASK}' AND (
  instr(key, '\\') > 0
  ${endings(ANYWHERE)}
  ${endings(KEYS.flatMap((name) => [`${name}key`, `${name}_key`]))}
  ${words(WORDS)})`;

const BEHIND_SCHEME = "substr(atom, instr(atom, '://') + 3)";
const AUTHORITY = `substr(${BEHIND_SCHEME}, 1, instr(${BEHIND_SCHEME} || '/', '/'))`;

/** A text that is JSON itself, or a URL with a secret in its parameters or user info. */
const HOLDS_ANOTHER = `(type = 'text' AND CASE
  WHEN ltrim(atom, char(32, 9, 10, 13)) GLOB '[[{]*' THEN json_valid(atom) AND (${mayHoldSecret("lower(atom)")})
  WHEN instr(atom, '://') = 0 THEN 0
  WHEN instr(${AUTHORITY}, '@') > 0 AND instr(${AUTHORITY}, ' ') = 0 THEN 1
  ELSE ${secretParameters("lower(atom)")} END)`;

const MASKED_JSON = `
  WITH RECURSIVE
    secrets(i, path) AS (
      SELECT row_number() OVER (ORDER BY id), fullkey FROM json_tree(CAST(body AS TEXT)) WHERE ${IS_SECRET}
      LIMIT ${MAX_MASKED}),
    masked(i, text) AS (
      SELECT 0, CAST(body AS TEXT)
      UNION ALL
      SELECT secrets.i, json_replace(text, path, '${MASK}') FROM masked JOIN secrets ON secrets.i = masked.i + 1)
  SELECT CASE WHEN EXISTS (SELECT 1 FROM json_tree(text) WHERE ${IS_SECRET} OR ${HOLDS_ANOTHER}) THEN ${HIDDEN} ELSE text END
  FROM masked ORDER BY i DESC LIMIT 1`;

/** In LIKE an underscore matches any character, so the hyphen too. */
function endings(names: readonly string[]): string {
  return names.map((name) => `OR lower(key) LIKE '%${name}'`).join(" ");
}

/** Names that are secret only as a whole word: `user_auth`, `userAuth`, not `oauth`. */
function words(names: readonly string[]): string {
  return names
    .flatMap((name) => {
      const [first = "", ...rest] = [...name].map((letter) => `[${letter}${letter.toUpperCase()}]`);
      return [
        `OR lower(key) = '${name}' OR lower(key) GLOB '*[-_.]${name}'`,
        `OR key GLOB '*[a-z]${first.slice(2, 3)}${rest.join("")}'`,
      ];
    })
    .join(" ");
}

/** Whether the URL in a text has a secret parameter. */
function secretParameters(text: string): string {
  const names = [...ANYWHERE, ...KEYS.flatMap((name) => [`${name}key`, `${name}_key`, `${name}-key`])];
  const anywhere = names.map((name) => `instr(${text}, '${name}=') > 0`);
  return [...anywhere, ...WORDS.map((name) => `${text} GLOB '*[?&]${name}=*'`)].join(" OR ");
}

/** Whether a text names a secret anywhere. Percent-encoded letters count: no encoder writes them, but a sender may. */
function mayHoldSecret(text: string): string {
  const keys = KEYS.flatMap((name) => [`${name}key`, `${name}_key`, `${name}-key`]);
  const names = WORDS.flatMap((name) => [`${name}=`, `${name}"`, `name=${name}`, `${name}\\"`]);
  return [
    ...[...ANYWHERE, ...keys, ...names].map((word) => `instr(${text}, '${word}') > 0`),
    `${text} GLOB '*%[46][1-9a-f]*'`,
    `${text} GLOB '*%[57][0-9a]*'`,
    `instr(${text}, '\\u00') > 0`,
  ].join(" OR ");
}
