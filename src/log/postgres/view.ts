import { MASK } from "../../delivery/mask.ts";
import { ANYWHERE, KEYS, WORDS } from "../masking.ts";
import { STATE } from "../states.ts";

/** A name, or a part of one with brackets, that is secret. A small letter before a capital one ends a word. */
const SECRET_NAME = `((${ANYWHERE.join("|")}|(${KEYS.join("|")})[-_]?key)|(^|[-_.[])(${WORDS.join("|")}))($|[][])`;
/** A text that names a secret anywhere: percent-encoded or escaped letters count, too. */
const MAY_HOLD_SECRET = [
  ...ANYWHERE,
  `(${KEYS.join("|")})[-_]?key`,
  `(${WORDS.join("|")})\\\\?["=]`,
  `name=(${WORDS.join("|")})`,
  "%[46][1-9a-f]|%[57][0-9a]",
  "\\\\u00",
].join("|");
const SECRET_PARAMETER = `(${ANYWHERE.join("|")}|(${KEYS.join("|")})[-_]?key)=|[?&](${WORDS.join("|")})=`;
/** A text in JSON, and the colon behind it where it is a name. */
const JSON_TEXT = '"((?:[^"\\\\]|\\\\.)*)"(\\s*:)?';

/** A column of JSON, without the characters in it that PostgreSQL's text cannot have: one of them would fail the whole query. */
function readable(column: string): string {
  return `regexp_replace(${column}, '\\\\u(0000|d[89a-f]..)', '\\\\ufffd', 'g')::json`;
}

/**
 * The guide's table for any client. Bodies are masked in their text, so that ids keep all digits: a text or number below a
 * secret name is replaced. What cannot be read and may hold a secret is hidden, and so is what has one below a secret name in
 * another form, or within a text of its own.
 */
export const VIEW = `
CREATE OR REPLACE FUNCTION masked_body(body bytea) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
  given text;
  made text;
  part text[];
  plain text;
BEGIN
  BEGIN
    given := convert_from(body, 'UTF8');
  EXCEPTION WHEN OTHERS THEN
    RETURN NULL;
  END;
  BEGIN
    PERFORM given::jsonb;
  EXCEPTION WHEN OTHERS THEN
    RETURN CASE WHEN given ~* '${MAY_HOLD_SECRET}' THEN NULL ELSE given END;
  END;
  made := given;
  FOR part IN SELECT DISTINCT tokens.matched FROM regexp_matches(given, '${JSON_TEXT}', 'g') AS tokens (matched) LOOP
    plain := ('"' || part[1] || '"')::json #>> '{}';
    IF part[2] IS NULL THEN
      IF (plain ~ '^\\s*[[{]' AND plain ~* '${MAY_HOLD_SECRET}') OR (plain ~ '://'
        AND (plain ~ '://[^/ ]*@' OR plain ~* '${SECRET_PARAMETER}')) THEN
        RETURN NULL;
      END IF;
    ELSIF regexp_replace(plain, '([a-z])([A-Z])', '\\1_\\2', 'g') ~* '${SECRET_NAME}' THEN
      -- Every character of the name stands for itself.
      part[1] := '("' || regexp_replace(part[1], '([^[:alnum:]_])', '\\\\\\1', 'g') || '"\\s*:\\s*)';
      made := regexp_replace(made, part[1] || '("(?:[^"\\\\]|\\\\.)+"|-?[0-9][-+.0-9eE]*)', '\\1"${MASK}"', 'g');
      IF made ~ (part[1] || '[[{]') THEN
        RETURN NULL;
      END IF;
    END IF;
  END LOOP;
  RETURN made;
END $$;

CREATE OR REPLACE VIEW webhook_logs AS
SELECT
  ${readable("records")} ->> 0 AS webhook_id,
  CASE strpos(coalesce(event, ''), '.') WHEN 0 THEN product ELSE split_part(event, '.', 1) END AS module,
  CASE strpos(coalesce(event, ''), '.') WHEN 0 THEN event ELSE substr(event, strpos(event, '.') + 1) END AS operation,
  coalesce(CASE
    WHEN (charsets ~ 'charset=' AND charsets !~ 'charset=(utf-?8|us-ascii)') OR refusal LIKE '%is not valid % text'
      OR (accepted = 0 AND status IN (404, 405)) THEN NULL
    WHEN EXISTS (SELECT 1 FROM json_array_elements(${readable("verdicts")}) AS verdict
      WHERE position(convert_to(verdict ->> 'secretIn', 'UTF8') IN body) > 0) THEN NULL
    ELSE masked_body(body) END, '${MASK.slice(0, -1)}: run zoho-hooks events show ' || n || ']') AS payload,
  ${STATE} AS status,
  to_char(to_timestamp(received_at / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.MS') AS received_at
FROM deliveries JOIN contents USING (n)
CROSS JOIN LATERAL (SELECT replace(lower(headers), '\\"', '') AS charsets) AS header;
`;
