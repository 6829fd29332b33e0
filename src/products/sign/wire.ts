import { z } from "zod";
import { event } from "../../core/declare-event.ts";
import { idsAt, textAt } from "../../core/field.ts";
import type { Format } from "../../core/product.ts";
import { valueAt } from "../../core/schema-check.ts";
import { optionalText, wireId } from "../shared/schema-parts.ts";
import { signSignature } from "./signature.ts";

const SIGNED = "RequestSigningSuccess";

/** Every operation posts the same two objects: the whole request, and what happened to it. */
export const wire = {
  id: "wire",
  source: "https://help.zoho.com/portal/en/kb/zoho-sign/admin-guide/webhooks/articles/webhooks-management",
  proofs: [signSignature],
  answer: { withinMs: 5000, only200: true, endsBy: "20 failures in a row disable the webhook" },
  events: [
    event("RequestSubmitted", "A document was sent for signature", () => envelope("RequestSubmitted")),
    event("RequestViewed", "A recipient viewed the document", () => envelope("RequestViewed")),
    event(SIGNED, "One recipient signed the document", () => envelope(SIGNED)),
    event("RequestApproved", "An approver approved the document", () => envelope("RequestApproved")),
    event("RequestCompleted", "Everyone has signed the document", () => envelope("RequestCompleted"), { once: true }),
    event("RequestRejected", "A recipient declined the document", () => envelope("RequestRejected")),
    event("RequestRecalled", "The sender recalled the document", () => envelope("RequestRecalled")),
    event("RequestForwarded", "A recipient handed the document on to another", () => envelope("RequestForwarded")),
    event("RequestExpired", "The document expired before all had signed", () => envelope("RequestExpired")),
  ],
  recognise: (payload) =>
    typeof valueAt(payload.data, ["requests"]) === "object"
      ? textAt(payload.data, ["notifications", "operation_type"])
      : undefined,
  records: (data) => idsAt(data, ["requests", "request_id"]),
  hint: (_payload, name) =>
    name === SIGNED ? `${SIGNED} comes for each signer and is not completion: wait for RequestCompleted` : undefined,
} as const satisfies Format;

function envelope<const Name extends string>(name: Name) {
  return z.looseObject({
    requests: z.looseObject({
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
        .array(z.looseObject({ document_name: optionalText(), document_id: wireId().nullish() }))
        .nullish(),
      self_sign: z.boolean().nullish(),
      is_deleted: z.boolean().nullish(),
      is_sequential: z.boolean().nullish(),
      modified_time: wireId().nullish(),
      action_time: wireId().nullish(),
      zsdocumentid: optionalText(),
      // Seen as a list of objects, and as a list of lists.
      actions: z.array(z.unknown()).nullish(),
    }),
    notifications: z.looseObject({
      operation_type: z.literal(name),
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
}
