import { z } from "zod";
import { event } from "../../core/declare-event.ts";
import { idsAt } from "../../core/field.ts";
import { guideFormat, printedInGuide } from "../shared/guide-format.ts";
import { calendarDate, dateTime, optionalText, recordId } from "../shared/schema-parts.ts";

const once = { once: true };

// The object is named after what the event is about: there is no `data`, and no organization.
export const guide = guideFormat({
  source: printedInGuide("Zoho Subscriptions Webhook Payload"),
  events: [
    event(
      "subscription_created",
      "A subscription was created",
      () => z.looseObject({ event: z.literal("subscription_created"), subscription: createdSubscription() }),
      once,
    ),
    event("subscription_updated", "A subscription was updated", () =>
      z.looseObject({ event: z.literal("subscription_updated"), subscription: subscription() }),
    ),
    event("subscription_renewed", "A subscription was renewed for its next term", () =>
      z.looseObject({ event: z.literal("subscription_renewed"), subscription: subscription() }),
    ),
    // A cancelled subscription can be reactivated.
    event("subscription_cancelled", "A subscription was cancelled", () =>
      z.looseObject({ event: z.literal("subscription_cancelled"), subscription: subscription() }),
    ),
    event(
      "payment_success",
      "A payment for a subscription succeeded",
      () => z.looseObject({ event: z.literal("payment_success"), payment: payment() }),
      once,
    ),
    event("payment_failed", "A payment for a subscription failed", () =>
      z.looseObject({ event: z.literal("payment_failed"), payment: payment() }),
    ),
    event(
      "invoice_created",
      "An invoice was created for a subscription",
      () => z.looseObject({ event: z.literal("invoice_created"), invoice: invoice() }),
      once,
    ),
  ],
  records: (data, name) => {
    const [about = ""] = name.split("_", 1);
    return idsAt(data, [about, `${about}_id`]);
  },
});

function subscription() {
  return z.looseObject({
    subscription_id: recordId(),
    subscription_number: optionalText(),
    customer_id: recordId().nullish(),
    plan_code: optionalText(),
    status: z.string(),
    created_time: dateTime().nullish(),
    next_billing_at: calendarDate().nullish(),
  });
}

function createdSubscription() {
  return subscription().extend({ customer_id: recordId(), plan_code: z.string(), created_time: dateTime() });
}

function payment() {
  return z.looseObject({
    payment_id: recordId(),
    payment_number: optionalText(),
    customer_id: recordId().nullish(),
    subscription_id: recordId().nullish(),
    invoice_id: recordId().nullish(),
    amount: z.number(),
    currency_code: optionalText(),
    payment_mode: optionalText(),
    status: z.string(),
    failure_reason: optionalText(),
    created_time: dateTime().nullish(),
  });
}

function invoice() {
  return z.looseObject({
    invoice_id: recordId(),
    invoice_number: z.string(),
    customer_id: recordId().nullish(),
    subscription_id: recordId().nullish(),
    total: z.number(),
    currency_code: optionalText(),
    status: z.string(),
    date: calendarDate(),
    due_date: calendarDate().nullish(),
    created_time: dateTime().nullish(),
  });
}
