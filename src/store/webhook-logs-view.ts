import { MASK } from "../core/mask.ts";
import { STATE } from "./schema.ts";

/**
 * The view that any SQLite client can read, so its masking can use nothing but SQL: a function of ours would be missing
 * there, and a masked copy of every body would double the log. JSON is masked value by value, by the names of
 * `core/mask.ts`. What SQL cannot take apart (forms, multipart, broken JSON) is shown only where it cannot hold a secret,
 * and so is JSON in which a secret is left after masking (a name twice, more names than `MOST_MASKED`).
 */
export function webhookLogsView(): string {
  return `
DROP VIEW webhook_logs;
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

/** What other clients of SQLite could not read: said to be of another charset, or refused before it was read. */
const CHARSETS = "replace(lower(headers), '\\\"', '')";
const IS_NO_UTF8 = `(instr(${CHARSETS}, 'charset=') > 0 AND instr(${CHARSETS}, 'charset=utf-8') = 0
    AND instr(${CHARSETS}, 'charset=utf8') = 0 AND instr(${CHARSETS}, 'charset=us-ascii') = 0)
  OR refusal LIKE '%is not valid % text' OR (accepted = 0 AND status IN (404, 405))`;

/** A field that the user has chosen for a value which lets its holder in, whatever its name is. */
const HOLDS_CHOSEN = `EXISTS (
  SELECT 1 FROM json_each(verdicts) WHERE instr(CAST(body AS TEXT), json_extract(value, '$.secretIn')) > 0)`;

/** Each one costs a pass over the body. */
const MOST_MASKED = 50;

const ANYWHERE: readonly string[] =
  "token secret signature password passwd passphrase authorization cookie jwt hmac".split(" ");
/** Secret as a whole word alone: `user_auth`, not `oauth`. */
const WORDS: readonly string[] = "auth sign sig pwd credential credentials".split(" ");
/** Before `key`. */
const KEYS = ["api", "private", "secret", "signing", "auth", "access", "app", "hook", "shared"];

/** A row of `json_tree` with a value to mask. A name with a backslash was not decoded by an older SQLite. */
const IS_SECRET = `type NOT IN ('null', 'true', 'false') AND atom IS NOT '' AND atom IS NOT '${MASK}' AND (
  instr(key, '\\') > 0
  ${endings(ANYWHERE)}
  ${endings(KEYS.flatMap((name) => [`${name}key`, `${name}_key`]))}
  ${words(WORDS)})`;

const BEHIND_SCHEME = "substr(atom, instr(atom, '://') + 3)";
const AUTHORITY = `substr(${BEHIND_SCHEME}, 1, instr(${BEHIND_SCHEME} || '/', '/'))`;

/** A text that is JSON itself, or an address with parameters or a password in it. */
const HOLDS_ANOTHER = `(type = 'text' AND CASE
  WHEN ltrim(atom, char(32, 9, 10, 13)) GLOB '[[{]*' THEN json_valid(atom) AND (${mayHoldSecret("lower(atom)")})
  WHEN instr(atom, '://') = 0 THEN 0
  WHEN instr(${AUTHORITY}, '@') > 0 AND instr(${AUTHORITY}, ' ') = 0 THEN 1
  ELSE ${secretParameters("lower(atom)")} END)`;

const MASKED_JSON = `
  WITH RECURSIVE
    secrets(i, path) AS (
      SELECT row_number() OVER (ORDER BY id), fullkey FROM json_tree(CAST(body AS TEXT)) WHERE ${IS_SECRET}
      LIMIT ${MOST_MASKED}),
    masked(i, text) AS (
      SELECT 0, CAST(body AS TEXT)
      UNION ALL
      SELECT secrets.i, json_replace(text, path, '${MASK}') FROM masked JOIN secrets ON secrets.i = masked.i + 1)
  SELECT CASE WHEN EXISTS (SELECT 1 FROM json_tree(text) WHERE ${IS_SECRET} OR ${HOLDS_ANOTHER}) THEN ${HIDDEN} ELSE text END
  FROM masked ORDER BY i DESC LIMIT 1`;

/** In LIKE an underscore stands for any character, so for the hyphen too. */
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

/** Whether the address in a text has a secret among its parameters. */
function secretParameters(text: string): string {
  const names = [...ANYWHERE, ...KEYS.flatMap((name) => [`${name}key`, `${name}_key`, `${name}-key`])];
  const anywhere = names.map((name) => `instr(${text}, '${name}=') > 0`);
  return [...anywhere, ...WORDS.map((name) => `${text} GLOB '*[?&]${name}=*'`)].join(" OR ");
}

/**
 * Whether a text names a secret anywhere. No encoder writes a letter as `%74`, but one who wants to hide a name may.
 */
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
