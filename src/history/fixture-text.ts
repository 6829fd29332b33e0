import { randomUUID } from "node:crypto";
import { headerValue, splitUrl, withHeader } from "../delivery/delivery.ts";
import { maskBody, secretFieldNames } from "../delivery/mask.ts";
import { problemText, readPayload } from "../delivery/payload.ts";
import { redactPersonal } from "../delivery/redact.ts";
import type { KnownSecrets } from "../delivery/secrets.ts";
import type { LogEntry } from "../log/log.ts";
import { usageError } from "../util/errors.ts";
import { prettyJson } from "../util/json-print.ts";

const FORM = "application/x-www-form-urlencoded";

/** The content of a delivery as the text of a fixture. Secrets are always masked. */
export function fixtureText(
  { n, delivery, verdicts }: Pick<LogEntry, "n" | "delivery" | "verdicts">,
  { redact, known }: { readonly redact: boolean; readonly known: KnownSecrets },
): string {
  const { path, query } = splitUrl(delivery.url);
  // Without a body the query is the content, and has the syntax of a form.
  const hasBody = delivery.body.length > 0;
  const type = hasBody ? (headerValue(delivery, "content-type") ?? "") : FORM;
  const content = known.maskBody(hasBody ? delivery.body : Buffer.from(query));
  const masked = maskBody(content, type, secretFieldNames(verdicts));
  const body = redact ? redactPersonal(masked, type, randomUUID()) : masked;
  const read = readPayload({ ...(hasBody ? delivery : withHeader(delivery, "content-type", FORM)), url: path, body });
  if (!read.ok) throw usageError(`the body of #${n} cannot be a sample: ${problemText(read.problem)}`);
  const { text, data } = read.payload;
  if (text === undefined && (typeof data !== "object" || data === null)) {
    throw usageError(`the body of #${n} cannot be a sample: it is ${data === undefined ? "empty" : "plain text"}`);
  }
  return `${prettyJson(text ?? JSON.stringify(data))}\n`;
}
