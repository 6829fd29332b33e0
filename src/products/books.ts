import { z } from "zod";
import { idsAt } from "../delivery/payload.ts";
import { type EventOptions, event, type Product } from "../model/product.ts";
import { financeFormat } from "./shared/finance.ts";
import { guideFormat, printedInGuide } from "./shared/guide-format.ts";
import { calendarDate, dateTime, lazyObject, optionalText, recordId, requiredText } from "./shared/schema-parts.ts";

const once = { once: true };
const envelope = lazyObject({ event: requiredText, organization_id: recordId, data: () => z.looseObject({}) });

const guide = guideFormat({
  ...printedInGuide("Zoho Books Webhook Payload"),
  events: [
    booksEvent("invoice_created", "An invoice was created", invoice, once),
    booksEvent("invoice_updated", "An invoice was updated", invoice),
    // A void invoice can be turned into a draft again.
    booksEvent("invoice_voided", "An invoice was voided", invoice),
    booksEvent(
      "invoice_deleted",
      "An invoice was deleted",
      () => invoice().partial().extend({ invoice_id: recordId() }),
      once,
    ),
    booksEvent("payment_received", "A customer's payment was received", payment, once),
    booksEvent("bill_created", "A bill was created", bill, once),
    booksEvent("bill_updated", "A bill was updated", bill),
    booksEvent("bill_deleted", "A bill was deleted", () => bill().partial().extend({ bill_id: recordId() }), once),
    booksEvent("expense_created", "An expense was created", expense, once),
    booksEvent("expense_updated", "An expense was updated", expense),
    booksEvent(
      "expense_deleted",
      "An expense was deleted",
      () => expense().partial().extend({ expense_id: recordId() }),
      once,
    ),
  ],
  envelope: () => envelope,
  // `invoice_created` is about an `invoice_id`, `payment_received` about a `payment_id`.
  records: (data, name) => idsAt(data, ["data", `${name.split("_", 1)[0]}_id`]),
});

function booksEvent<const Name extends string, Data extends z.ZodType>(
  name: Name,
  summary: string,
  data: () => Data,
  options?: EventOptions,
) {
  return event(name, summary, () => envelope().extend({ event: z.literal(name), data: data() }), options);
}

function invoice() {
  return z.looseObject({
    invoice_id: recordId(),
    invoice_number: z.string(),
    customer_id: recordId().nullish(),
    customer_name: optionalText(),
    total: z.number(),
    status: z.string(),
    date: calendarDate(),
    last_modified_time: dateTime().nullish(),
  });
}

function payment() {
  return z.looseObject({
    payment_id: recordId(),
    payment_number: optionalText(),
    customer_id: recordId().nullish(),
    customer_name: optionalText(),
    amount: z.number(),
    payment_mode: optionalText(),
    reference_number: optionalText(),
    date: calendarDate(),
    invoices: z
      .array(
        z.looseObject({ invoice_id: recordId(), invoice_number: optionalText(), amount_applied: z.number().nullish() }),
      )
      .nullish(),
  });
}

function bill() {
  return z.looseObject({
    bill_id: recordId(),
    bill_number: z.string(),
    vendor_id: recordId().nullish(),
    vendor_name: optionalText(),
    total: z.number(),
    status: z.string(),
    date: calendarDate(),
    due_date: calendarDate().nullish(),
    last_modified_time: dateTime().nullish(),
  });
}

function expense() {
  return z.looseObject({
    expense_id: recordId(),
    account_id: recordId().nullish(),
    account_name: optionalText(),
    paid_through_account_name: optionalText(),
    description: optionalText(),
    total: z.number(),
    status: optionalText(),
    date: calendarDate(),
    last_modified_time: dateTime().nullish(),
  });
}

const wire = financeFormat({
  id: "wire",
  source:
    "modelled on deliveries to receivers in use; set up as in https://www.zoho.com/books/help/settings/automation/workflow-actions/webhooks.html",
  evidence: "seen",
  entities: [
    "contact",
    "item",
    "estimate",
    "salesorder",
    "invoice",
    "purchaseorder",
    "bill",
    "expense",
    "creditnote",
    "payment",
  ],
});

export const books = { id: "books", title: "Zoho Books", formats: [guide, wire] } as const satisfies Product;
