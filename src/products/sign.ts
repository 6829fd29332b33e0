import { z } from "zod";
import { type Delivery, headerValue } from "../delivery/delivery.ts";
import { idsAt, textAt } from "../delivery/payload.ts";
import { type EventOptions, event, type Format, type Product } from "../model/product.ts";
import { bodySignature } from "../signatures/body-signature.ts";
import type { BodyVariant } from "../signatures/body-variants.ts";
import { formatAge } from "../util/units.ts";
import { amount, lazyObject, optionalText, wireId } from "./shared/schema-parts.ts";

const TIMESTAMP = "x-zs-webhook-timestamp";
const SECONDS = /^\d{1,12}$/;
/** The tolerance of receivers in use. */
const FRESH_MS = 300_000;

/**
 * Zoho Sign. The formula on its page, "payload+secret_key", is notation: the secret is the key, not a part of the message.
 * https://help.zoho.com/portal/en/kb/zoho-sign/admin-guide/webhooks/articles/securing-zoho-sign-webhooks-with-hmac-authentication
 */
const signSignature = bodySignature({
  id: "sign-signature",
  header: "x-zs-webhook-signature",
  credential: "secret",
  key: "secret",
  exception: 'Zoho Sign\'s "Test URL" button sends none',
  remark: timestampRemark,
  openReadings: timestampReadings,
});

/** No known code signs the timestamp, so its age is remarked on but never a reason to reject. */
function timestampRemark(delivery: Delivery, now: Date): string | undefined {
  const seconds = headerValue(delivery, TIMESTAMP);
  if (seconds === undefined) return undefined;
  const ageMs = SECONDS.test(seconds.trim()) ? now.getTime() - Number(seconds) * 1000 : Number.NaN;
  if (Number.isNaN(ageMs)) return `${TIMESTAMP} is not a time in seconds`;
  return Math.abs(ageMs) <= FRESH_MS
    ? undefined
    : `${TIMESTAMP} is ${formatAge(Math.abs(ageMs))} ${ageMs > 0 ? "old" : "ahead of this machine's clock"}; the signature does not cover it`;
}

/** Zoho does not document what is signed when a timestamp is sent. */
function timestampReadings(delivery: Delivery): readonly BodyVariant[] {
  const time = headerValue(delivery, TIMESTAMP)?.trim();
  // Digits only: anything else could be a piece of a signed body.
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

const SIGNED = "RequestSigningSuccess";

/** Every operation posts the whole request, and what happened to it. */
const wire = {
  id: "wire",
  source:
    "modelled on deliveries to receivers in use; set up as in https://help.zoho.com/portal/en/kb/zoho-sign/admin-guide/webhooks/articles/webhooks-management",
  evidence: "seen",
  proofs: [signSignature],
  events: [
    operation("RequestSubmitted", "A document was sent for signature"),
    operation("RequestViewed", "A recipient viewed the document"),
    operation(SIGNED, "One recipient signed the document"),
    operation("RequestApproved", "An approver approved the document"),
    operation("RequestCompleted", "Everyone has signed the document", { once: true }),
    operation("RequestRejected", "A recipient declined the document"),
    operation("RequestRecalled", "The sender recalled the document"),
    operation("RequestForwarded", "A recipient forwarded the document to another"),
    operation("RequestExpired", "The document expired before all had signed"),
  ],
  body: {
    recognise: ({ data }) => textAt(data, ["notifications", "operation_type"]),
    envelope: () => envelope,
    records: (data) => idsAt(data, ["requests", "request_id"]),
  },
  sender: {
    answer: { withinMs: 5000, only200: true, endsBy: "20 failures in a row disable the webhook" },
    hint: (_payload, name) =>
      name === SIGNED ? `${SIGNED} is sent for each signer: wait for RequestCompleted` : undefined,
  },
} as const satisfies Format;

function operation<const Name extends string>(name: Name, summary: string, options?: EventOptions) {
  const notifications = () => envelope().shape.notifications.extend({ operation_type: z.literal(name) });
  return event(name, summary, () => envelope().extend({ notifications: notifications() }), options);
}

const envelope = lazyObject({
  requests: () =>
    z.looseObject({
      request_id: wireId(),
      request_name: optionalText(),
      request_status: optionalText(),
      request_type_id: wireId().nullish(),
      request_type_name: optionalText(),
      owner_id: wireId().nullish(),
      owner_email: optionalText(),
      owner_first_name: optionalText(),
      owner_last_name: optionalText(),
      org_id: wireId().nullish(),
      document_ids: z
        .array(
          z.looseObject({
            document_name: optionalText(),
            document_id: wireId().nullish(),
            document_size: amount(),
            document_order: amount(),
            is_editable: z.boolean().nullish(),
            total_pages: amount(),
          }),
        )
        .nullish(),
      self_sign: z.boolean().nullish(),
      is_deleted: z.boolean().nullish(),
      is_sequential: z.boolean().nullish(),
      modified_time: wireId().nullish(),
      action_time: wireId().nullish(),
      zsdocumentid: optionalText(),
      // Seen as a list of objects, and as a list of lists.
      actions: z.array(z.union([action(), z.array(z.unknown())])).nullish(),
    }),
  notifications: () =>
    z.looseObject({
      operation_type: z.string(),
      performed_by_email: optionalText(),
      performed_by_name: optionalText(),
      performed_at: wireId().nullish(),
      reason: optionalText(),
      activity: optionalText(),
      action_id: wireId().nullish(),
      ip_address: optionalText(),
      country: optionalText(),
      latitude: z.number().nullish(),
      longitude: z.number().nullish(),
      signing_order: z.number().nullish(),
    }),
});

function action() {
  return z.looseObject({
    action_id: wireId().nullish(),
    action_type: optionalText(),
    action_status: optionalText(),
    recipient_name: optionalText(),
    recipient_email: optionalText(),
    recipient_phonenumber: optionalText(),
    recipient_countrycode: optionalText(),
    role: optionalText(),
    signing_order: z.number().nullish(),
    verify_recipient: z.boolean().nullish(),
    allow_signing: z.boolean().nullish(),
    is_embedded: z.boolean().nullish(),
    is_revoked: z.boolean().nullish(),
  });
}

export const sign = { id: "sign", title: "Zoho Sign", formats: [wire] } as const satisfies Product;
