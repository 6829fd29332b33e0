import { z } from "zod";
import { calendarDate, dateTime, optionalText, recordId } from "../shared/schema-parts.ts";

export function invoice() {
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

export function payment() {
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

export function bill() {
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

export function expense() {
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
