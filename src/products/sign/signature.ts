import { type Delivery, headerValue } from "../../core/delivery.ts";
import { bodySignature } from "../../core/proofs/body-signature.ts";
import type { BodyVariant } from "../../core/proofs/body-variants.ts";
import { formatDuration } from "../../core/units.ts";

const TIMESTAMP = "x-zs-webhook-timestamp";
const SECONDS = /^\d{1,12}$/;
/** What the receivers that are known allow. */
const FRESH_MS = 300_000;

/**
 * Zoho Sign. The formula on its page, "payload+secret_key", is notation: the secret is the key, not a part of the message.
 * https://help.zoho.com/portal/en/kb/zoho-sign/admin-guide/webhooks/articles/securing-zoho-sign-webhooks-with-hmac-authentication
 */
export const signSignature = bodySignature({
  id: "sign-signature",
  header: "x-zs-webhook-signature",
  credential: "secret",
  key: "secret",
  exception: 'Zoho Sign\'s "Test URL" button sends none',
  remark: timestampRemark,
  openReadings: timestampReadings,
});

/** In all code that is known the time is no part of what is signed, so its age is worth a word and never a refusal. */
function timestampRemark(delivery: Delivery, now: Date): string | undefined {
  const seconds = headerValue(delivery, TIMESTAMP);
  if (seconds === undefined) return undefined;
  const ageMs = SECONDS.test(seconds.trim()) ? now.getTime() - Number(seconds) * 1000 : Number.NaN;
  if (Number.isNaN(ageMs)) return `${TIMESTAMP} is not a time in seconds`;
  return Math.abs(ageMs) <= FRESH_MS
    ? undefined
    : `${TIMESTAMP} is ${formatDuration(Math.abs(ageMs))} ${ageMs > 0 ? "old" : "ahead of this machine's clock"}; the signature does not cover it`;
}

/** No page of Zoho's tells what is signed once the time is sent. */
function timestampReadings(delivery: Delivery): readonly BodyVariant[] {
  const time = headerValue(delivery, TIMESTAMP)?.trim();
  // Digits only: anything else could be a piece that was cut off a signed body.
  if (time === undefined || !SECONDS.test(time)) return [];
  const remedy = `leave ${TIMESTAMP} out of what is signed`;
  const reading = (id: string, meaning: string, before: string, after = ""): BodyVariant => ({
    id,
    meaning,
    remedy,
    body: Buffer.concat([Buffer.from(before), delivery.body, Buffer.from(after)]),
  });
  return [
    reading("time-dot-body", "the time, a dot and the body were signed", `${time}.`),
    reading("time-body", "the time and the body were signed", time),
    reading("body-time", "the body and the time were signed", "", time),
  ];
}
