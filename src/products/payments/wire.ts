import { z } from "zod";
import { event } from "../../core/declare-event.ts";
import { idsAt, textAt } from "../../core/field.ts";
import type { Format } from "../../core/product.ts";
import { valueAt } from "../../core/schema-check.ts";
import { answerProbe } from "../shared/empty-call.ts";
import { wireId } from "../shared/schema-parts.ts";
import { payment, paymentLink, payout, refund, virtualAccount } from "./objects.ts";
import { paymentsSignature } from "./signature.ts";

export const wire = {
  id: "wire",
  source: "https://www.zoho.com/us/payments/api/v1/webhooks-events/",
  proofs: [paymentsSignature],
  events: [
    event("payment.succeeded", "A payment succeeded", () => envelope("payment.succeeded")),
    event("payment.failed", "One attempt at a payment failed", () => envelope("payment.failed")),
    event("payment.pending", "A payment is waiting to be settled", () => envelope("payment.pending")),
    event("payment_link.paid", "A payment link was paid", () => envelope("payment_link.paid")),
    event("payment_link.expired", "A payment link expired", () => envelope("payment_link.expired")),
    event("payment_link.canceled", "A payment link was canceled", () => envelope("payment_link.canceled")),
    // In India only: https://www.zoho.com/in/payments/api/v1/webhooks/
    event("virtual_account.paid", "A virtual account was paid into", () => envelope("virtual_account.paid")),
    event("virtual_account.closed", "A virtual account was closed", () => envelope("virtual_account.closed")),
    event("refund.succeeded", "A refund succeeded", () => envelope("refund.succeeded")),
    event("refund.failed", "A refund failed", () => envelope("refund.failed")),
    event("payout.initiated", "A payout was initiated", () => envelope("payout.initiated")),
    event("payout.paid", "A payout was paid", () => envelope("payout.paid")),
    event("payout.failed", "A payout failed", () => envelope("payout.failed")),
  ],
  recognise: (payload) =>
    typeof valueAt(payload.data, ["event_object"]) === "object" ? textAt(payload.data, ["event_type"]) : undefined,
  records: recordsOf,
  // An endpoint whose URL does not answer once, when it is registered, is refused; by what request is not told.
  methods: ["GET", "HEAD"],
  handshake: answerProbe,
  answer: { withinMs: 15_000, endsBy: "two days of failures disable the endpoint" },
  // Zoho: deliveries may repeat, and are the same event where `event_id` is.
  identity: (data) => idsAt(data, ["event_id"])[0],
  hint: (_payload, name) =>
    name === "payment.failed"
      ? "payment.failed comes for each attempt: the payment may still succeed on the next one"
      : undefined,
} as const satisfies Format;

/** `payment.succeeded` is about a payment; the object of a payment link stands under the plural. */
function recordsOf(data: unknown, name: string): readonly string[] {
  const [about = ""] = name.split(".", 1);
  return [about, `${about}s`].flatMap((key) => idsAt(data, ["event_object", key, `${about}_id`])).slice(0, 1);
}

function envelope<const Name extends string>(name: Name) {
  return z.looseObject({
    event_id: wireId(),
    event_type: z.literal(name),
    account_id: wireId(),
    live_mode: z.boolean().nullish(),
    event_time: wireId(),
    // Under which key a payout and a virtual account come is not known for certain.
    event_object: z.looseObject({
      payment: payment().nullish(),
      payment_links: paymentLink().nullish(),
      refund: refund().nullish(),
      virtual_account: virtualAccount().nullish(),
      payout: payout().nullish(),
    }),
  });
}
