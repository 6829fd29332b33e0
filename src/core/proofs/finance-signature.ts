import { createHmac } from "node:crypto";
import { headerValue, withHeader } from "../delivery.ts";
import { isSecretName, MASK, maskBody } from "../mask.ts";
import { readPayload } from "../payload.ts";
import type { Proof } from "../product.ts";
import { type Secret, sameBytes } from "../secret.ts";
import { counted } from "../units.ts";
import { whyAltered } from "./altered.ts";
import { explainHmac } from "./explain-hmac.ts";
import {
  type FinanceParts,
  financeCanonical,
  financeMistakes,
  financeParts,
  openReadings,
} from "./finance-canonical.ts";
import { type Judged, judgeHeader } from "./header-present.ts";

const HEADER = "x-zoho-webhook-signature";
const HEX = /^[0-9a-f]{64}$/i;
/** Of what anybody can send not every reading is tried: to sort half a million pairs six times takes seconds. */
const MOST_PAIRS = 2_000;
const LEFT_OUT = "anybody could have added the other one, so do not repeat a parameter in the webhook's URL";
const BASE64 = /^[A-Za-z0-9+/]{43}=?$/;

/**
 * Zoho's finance products (Books, Inventory, Invoice, Expense, Billing): HMAC-SHA256 of the sorted query and form pairs
 * and the raw body. Zoho states neither the encoding nor a few corners of the string; whatever of these a signature
 * takes, a match with the secret proves it genuine, so each is accepted and named: but for one that leaves out a pair which
 * contradicts what is signed. An `event=invoice.deleted` put before the signed `event=invoice.created` would go for it.
 * https://www.zoho.com/us/billing/kb/webhooks/securing-webhooks.html
 */
export const financeSignature: Proof = {
  id: "finance-signature",
  proves: "body",
  credential: "secret",
  header: HEADER,
  coversQuery: true,
  title: `${HEADER}: HMAC-SHA256 of the sorted query and form pairs and the raw body`,
  sign(delivery, secret) {
    const read = readPayload(delivery);
    const canonical = read.ok ? financeCanonical(financeParts(delivery, read.payload)) : delivery.body;
    return withHeader(delivery, HEADER, hmac(canonical, secret).toString("hex"));
  },
  verify(delivery, payload, secrets) {
    const { id, proves } = this;
    const value = headerValue(delivery, HEADER);
    return judgeHeader({ id, proves, header: HEADER, key: "secret" }, value, secrets, (signature) => {
      const given = decoded(signature);
      if (given === undefined) return { verdict: "failed", reason: whyUnreadable(signature) };
      const parts = financeParts(delivery, payload);
      const matching = (canonical: Buffer): Secret | undefined =>
        secrets.find((secret) => sameBytes(hmac(canonical, secret), given.bytes));
      const how = `over ${ingredients(parts)}${given.encoding === "hex" ? "" : ", in base64"}`;
      const exact = matching(financeCanonical(parts));
      if (exact !== undefined) return { verdict: "passed", reason: `signed with ${exact.origin} ${how}` };
      const readings = parts.query.length + parts.form.length > MOST_PAIRS ? [] : openReadings(delivery, payload);
      for (const { body, meaning, contradicts } of readings) {
        const open = matching(body);
        if (open === undefined) continue;
        return contradicts
          ? { verdict: "failed", reason: `matches only if ${meaning}: ${LEFT_OUT}` }
          : { verdict: "passed", reason: `signed with ${open.origin} ${how}; ${meaning}` };
      }
      return whyNot(parts, payload.text, matching);
    });
  },
  explain(delivery, payload, secrets, product) {
    const parts = financeParts(delivery, payload);
    const value = headerValue(delivery, HEADER);
    const given = value === undefined ? undefined : decoded(value);
    const prefix = financeCanonical({ ...parts, raw: Buffer.alloc(0) });
    const explanation = explainHmac({
      algorithm: "sha256",
      encoding: given?.encoding ?? "hex",
      body: parts.raw,
      text: parts.form.length > 0 ? undefined : payload.text,
      signed: (body) => Buffer.concat([prefix, body]),
      readings: [...openReadings(delivery, payload), ...financeMistakes(delivery, payload)],
      canonical: `${financeCanonical(maskedParts(parts)).toString("utf8")}\n(${ingredients(parts)}; Zoho does not say how the signature is encoded: ${given?.encoding ?? "hex"} is assumed)`,
      signature: given?.encoding === "hex" ? value?.trim().toLowerCase() : value?.trim(),
      header: HEADER,
      configured: secrets.for(this.credential, product),
      others: secrets.all(),
    });
    return { ...explanation, received: value };
  },
};

/** For a person to look at. */
function maskedParts({ query, form, raw }: FinanceParts): FinanceParts {
  const masked = (pairs: FinanceParts["query"]): FinanceParts["query"] =>
    pairs.map(([name, value]) => [name, isSecretName(name) ? MASK : value]);
  return { query: masked(query), form: masked(form), raw: maskBody(raw, "") };
}

/** The parts that were there, in words: `2 query pairs and 53 bytes of body`. */
function ingredients({ query, form, raw }: FinanceParts): string {
  const parts = [
    ...(query.length > 0 ? [counted(query.length, "query pair")] : []),
    ...(form.length > 0 ? [counted(form.length, "form pair")] : []),
    ...(raw.length > 0 ? [`${raw.length} bytes of body`] : []),
  ];
  return parts.length === 0 ? "nothing: no query, no form and no body" : parts.join(" and ");
}

function decoded(value: string): { bytes: Buffer; encoding: "hex" | "base64" } | undefined {
  const text = value.trim();
  if (HEX.test(text)) return { bytes: Buffer.from(text, "hex"), encoding: "hex" };
  return BASE64.test(text) ? { bytes: Buffer.from(text, "base64"), encoding: "base64" } : undefined;
}

function whyUnreadable(value: string): string {
  return /^\s*t=\d+\s*,/.test(value)
    ? `${HEADER} looks like that of Zoho Payments (t=…,v=…): is this the right product?`
    : `${HEADER} is neither 64 hex digits nor 32 bytes in base64`;
}

function whyNot(
  parts: FinanceParts,
  text: string | undefined,
  matching: (canonical: Buffer) => Secret | undefined,
): Judged {
  // A form is taken apart before it is signed.
  const altered =
    parts.form.length > 0
      ? undefined
      : whyAltered(parts.raw, text, (raw) => matching(financeCanonical({ ...parts, raw })) !== undefined);
  if (altered !== undefined) return altered;
  if (parts.query.length > 0 && matching(financeCanonical({ ...parts, query: [] })) !== undefined)
    return {
      verdict: "failed",
      reason: "the signature matches without the query: it was added to the URL after signing, or was not signed",
    };
  return {
    verdict: "failed",
    reason: `the signature does not match ${ingredients(parts)}: the secret is different, or the query or body was changed`,
  };
}

function hmac(canonical: Buffer, secret: Secret): Buffer {
  return createHmac("sha256", secret.reveal()).update(canonical).digest();
}
