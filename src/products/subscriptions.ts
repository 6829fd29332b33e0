import { z } from "zod";
import { idsAt, textAt, valueAt } from "../delivery/payload.ts";
import { type EventOptions, event, type Format, type Product } from "../model/product.ts";
import { financeSignature } from "../signatures/finance-signature.ts";
import { parseJson } from "../util/json.ts";
import { financeFormat } from "./shared/finance.ts";
import { guideFormat, printedInGuide } from "./shared/guide-format.ts";
import {
  amount,
  calendarDate,
  dateTime,
  lazyObject,
  optionalText,
  recordId,
  requiredText,
  wireId,
} from "./shared/schema-parts.ts";

const once = { once: true };
const RECORDS = ["subscription", "payment", "invoice"] as const;

/** Envelopes, by the key of the record that the event is about. */
const guideEnvelopes = {
  subscription: lazyObject({ event: requiredText, subscription: () => z.looseObject({ subscription_id: recordId() }) }),
  payment: lazyObject({ event: requiredText, payment: () => z.looseObject({ payment_id: recordId() }) }),
  invoice: lazyObject({ event: requiredText, invoice: () => z.looseObject({ invoice_id: recordId() }) }),
};

const guide = guideFormat({
  ...printedInGuide("Zoho Subscriptions Webhook Payload"),
  events: [
    guideEvent(
      "subscription_created",
      "A subscription was created",
      () => ({ subscription: createdSubscription() }),
      once,
    ),
    guideEvent("subscription_updated", "A subscription was updated", withSubscription),
    guideEvent("subscription_renewed", "A subscription was renewed for its next term", withSubscription),
    // A cancelled subscription can be reactivated.
    guideEvent("subscription_cancelled", "A subscription was cancelled", withSubscription),
    guideEvent("payment_success", "A payment for a subscription succeeded", () => ({ payment: payment() }), once),
    guideEvent("payment_failed", "A payment for a subscription failed", () => ({ payment: payment() })),
    guideEvent("invoice_created", "An invoice was created for a subscription", () => ({ invoice: invoice() }), once),
  ],
  envelope: (data) => guideEnvelopes[RECORDS.find((record) => Object.hasOwn(data, record)) ?? "subscription"],
  records: (data, name) => {
    const [about = ""] = name.split("_", 1);
    return idsAt(data, [about, `${about}_id`]);
  },
});

/** The object is named after what the event is about; there are no `data` and no organization. */
function guideEvent<const Name extends string, Shape extends z.ZodRawShape>(
  name: Name,
  summary: string,
  members: () => Shape,
  options?: EventOptions,
) {
  return event(name, summary, () => z.looseObject({ event: z.literal(name) }).extend(members()), options);
}

function withSubscription() {
  return { subscription: subscription() };
}

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

const wireEvents = [
  wireEvent("subscription_created", "A subscription was created", once),
  wireEvent("subscription_activation", "A subscription became active"),
  wireEvent("subscription_renewed", "A subscription was renewed for its next term"),
  wireEvent("subscription_unpaid", "A subscription was marked as unpaid"),
  wireEvent("subscription_cancelled", "A subscription was cancelled"),
  wireEvent("subscription_deleted", "A subscription was deleted", once),
  wireEvent("payment_thankyou", "A payment succeeded", once),
  wireEvent("payment_declined", "A payment was declined"),
  wireEvent("payment_refunded", "A payment was refunded"),
  wireEvent("payment_voided", "A payment was voided"),
  wireEvent("invoice_created", "An invoice was created", once),
] as const;

/**
 * The event object of Zoho Billing. Depending on the age of the webhook, its record is under `data`, beside the event's own
 * fields, or as JSON text in `payload` or under its own name.
 */
const wire = {
  id: "wire",
  source: "modelled on receivers in use and on the event objects of https://www.zoho.com/billing/api/v1/events/",
  evidence: "seen",
  proofs: [financeSignature],
  events: wireEvents,
  body: {
    // Some webhooks have no id, but the record beside the event's name. A record alone is the body of a workflow rule.
    envelope: (data) => (Object.hasOwn(data, "event_type") ? envelopeWithRecord : envelope),
    recognise: ({ data }) => textAt(data, ["event_type"]),
    records(data, name) {
      const [about = ""] = name.split("_", 1);
      const places = [data, valueAt(data, ["data"]), jsonAt(data, "payload"), { [about]: jsonAt(data, about) }];
      return places.flatMap((each) => idsAt(each, [about, `${about}_id`])).slice(0, 1);
    },
    // The same however often the event is resent, and wherever its record is.
    identity: (data) => idsAt(data, ["event_id"])[0],
  },
} as const satisfies Format;

/** The data of a member that holds JSON as text. */
function jsonAt(data: unknown, name: string): unknown {
  const text = textAt(data, [name]);
  const parsed = text === undefined ? undefined : parseJson(text);
  return parsed?.ok ? parsed.value : undefined;
}

function wireEvent<const Name extends string>(name: Name, summary: string, options?: EventOptions) {
  const schema = () =>
    envelopeWithRecord()
      .extend({ event_type: z.literal(name) })
      .refine(hasSubject, { path: ["event_id"], error: "an id of digits, as a string or number" });
  return event(name, summary, schema, options);
}

/** All event objects have an id, and all bodies without one their record. */
function hasSubject(body: object): boolean {
  return ["event_id", "data", "payload", ...RECORDS].some((name) => (valueAt(body, [name]) ?? null) !== null);
}

const envelopeMembers = {
  event_id: () => wireId().nullish(),
  event_type: requiredText,
  event_time: optionalText,
  created_time: optionalText,
  created_date: optionalText,
  data: () =>
    z
      .looseObject({
        // zod reads a getter when it first parses: other bodies with `data` need none of these.
        get subscription() {
          return wireSubscription().nullish();
        },
        get payment() {
          return wirePayment().nullish();
        },
        get invoice() {
          return wireInvoice().nullish();
        },
      })
      .nullish(),
  payload: anything,
};

/** Members that a body of the user's own may have as well. */
const PLAIN = ["event_type", "created_time", "created_date", "data", "payload"];

const envelope = lazyObject(envelopeMembers, PLAIN);
const envelopeWithRecord = lazyObject(
  {
    ...envelopeMembers,
    subscription: anything,
    payment: anything,
    invoice: anything,
  },
  PLAIN,
);

function anything() {
  return z.unknown().optional();
}

function wireSubscription() {
  return z.looseObject({
    subscription_id: wireId(),
    name: optionalText(),
    status: optionalText(),
    amount: amount(),
    currency_code: optionalText(),
    created_at: optionalText(),
    activated_at: optionalText(),
    current_term_starts_at: optionalText(),
    current_term_ends_at: optionalText(),
    next_billing_at: optionalText(),
    interval: amount(),
    interval_unit: optionalText(),
    auto_collect: z.boolean().nullish(),
    product_id: wireId().nullish(),
    product_name: optionalText(),
    plan: z
      .looseObject({ plan_code: optionalText(), name: optionalText(), price: amount(), quantity: amount() })
      .nullish(),
    addons: z.array(z.looseObject({})).nullish(),
    customer: z
      .looseObject({ customer_id: wireId().nullish(), display_name: optionalText(), email: optionalText() })
      .nullish(),
    custom_fields: z.array(z.looseObject({})).nullish(),
    reference_id: optionalText(),
  });
}

function wirePayment() {
  return z.looseObject({
    payment_id: wireId(),
    customer_id: wireId().nullish(),
    amount: amount(),
    payment_mode: optionalText(),
    reference_number: optionalText(),
    invoices: z.array(z.looseObject({ invoice_id: wireId().nullish(), amount_applied: amount() })).nullish(),
  });
}

function wireInvoice() {
  return z.looseObject({
    invoice_id: wireId(),
    invoice_number: optionalText(),
    status: optionalText(),
    total: amount(),
  });
}

/** Webhooks of workflow rules, as in Zoho Books. `wire` is that of the older events screen. */
const workflow = financeFormat({
  id: "workflow",
  source:
    "modelled on Zoho Books, whose engine it shares; set up as in https://www.zoho.com/us/billing/help/settings/automation.html",
  evidence: "modelled",
  entities: ["subscription", "invoice", "payment"],
});

export const subscriptions = {
  id: "subscriptions",
  title: "Zoho Subscriptions (Zoho Billing)",
  formats: [guide, wire, workflow],
} as const satisfies Product;
