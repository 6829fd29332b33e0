import { randomUUID } from "node:crypto";
import { type Delivery, headerValue, splitUrl, withHeader } from "../core/delivery.ts";
import { usageError } from "../core/errors.ts";
import { prettyJson } from "../core/json-print.ts";
import { maskBody } from "../core/mask.ts";
import { problemText, readPayload } from "../core/payload.ts";
import { redactPersonal } from "../core/redact.ts";

const FORM = "application/x-www-form-urlencoded";

/** A delivery's content as the text of a fixture: secrets never go along. Throws a UserError where it cannot be one. */
export function sampleText(
  { n, delivery }: { readonly n: number; readonly delivery: Delivery },
  redact: boolean,
): string {
  // A query is the content of a request without a body, and is masked as the form that it is written like.
  const hasBody = delivery.body.length > 0;
  const content = hasBody ? delivery.body : Buffer.from(splitUrl(delivery.url).query);
  const type = hasBody ? (headerValue(delivery, "content-type") ?? "") : FORM;
  const masked = maskBody(content, type);
  const body = redact ? redactPersonal(masked, type, randomUUID()) : masked;
  const { path } = splitUrl(delivery.url);
  const read = readPayload({ ...(hasBody ? delivery : withHeader(delivery, "content-type", FORM)), url: path, body });
  if (!read.ok) throw usageError(`the body of #${n} cannot be a sample: ${problemText(read.problem)}`);
  const { text, data } = read.payload;
  if (text === undefined && (typeof data !== "object" || data === null)) {
    throw usageError(`the body of #${n} cannot be a sample: it is ${data === undefined ? "empty" : "plain text"}`);
  }
  return `${prettyJson(text ?? JSON.stringify(data))}\n`;
}
