import { z } from "zod";
import { event } from "../../core/declare-event.ts";
import { idsAt } from "../../core/field.ts";
import { guideFormat, printedInGuide } from "../shared/guide-format.ts";
import { recordId } from "../shared/schema-parts.ts";
import { bill, expense, invoice, payment } from "./entities.ts";

const once = { once: true };

export const guide = guideFormat({
  source: printedInGuide("Zoho Books Webhook Payload"),
  events: [
    event("invoice_created", "An invoice was created", () => envelope("invoice_created", invoice()), once),
    event("invoice_updated", "An invoice was updated", () => envelope("invoice_updated", invoice())),
    // A void invoice can be turned into a draft again.
    event("invoice_voided", "An invoice was voided", () => envelope("invoice_voided", invoice())),
    event(
      "invoice_deleted",
      "An invoice was deleted",
      () => envelope("invoice_deleted", invoice().partial().extend({ invoice_id: recordId() })),
      once,
    ),
    event("payment_received", "A customer's payment was received", () => envelope("payment_received", payment()), once),
    event("bill_created", "A bill was created", () => envelope("bill_created", bill()), once),
    event("bill_updated", "A bill was updated", () => envelope("bill_updated", bill())),
    event(
      "bill_deleted",
      "A bill was deleted",
      () => envelope("bill_deleted", bill().partial().extend({ bill_id: recordId() })),
      once,
    ),
    event("expense_created", "An expense was created", () => envelope("expense_created", expense()), once),
    event("expense_updated", "An expense was updated", () => envelope("expense_updated", expense())),
    event(
      "expense_deleted",
      "An expense was deleted",
      () => envelope("expense_deleted", expense().partial().extend({ expense_id: recordId() })),
      once,
    ),
  ],
  // `invoice_created` is about an `invoice_id`, `payment_received` about a `payment_id`.
  records: (data, name) => idsAt(data, ["data", `${name.split("_", 1)[0]}_id`]),
});

function envelope<const Name extends string, Data extends z.ZodType>(name: Name, data: Data) {
  return z.looseObject({ event: z.literal(name), organization_id: recordId(), data });
}
