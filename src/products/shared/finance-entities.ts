import { z } from "zod";
import { amount, looseId, optionalText, wireId } from "./schema-parts.ts";

const text = optionalText;
const id = () => wireId().nullish();
const many = () => z.array(z.looseObject({})).nullish();
const part = () => z.looseObject({}).nullish();

/** What most documents of the finance products have in common. */
const documentFields = () => ({
  status: text(),
  date: text(),
  reference_number: text(),
  customer_id: id(),
  customer_name: text(),
  currency_id: id(),
  currency_code: text(),
  exchange_rate: amount(),
  sub_total: amount(),
  tax_total: amount(),
  total: amount(),
  line_items: z
    .array(
      z.looseObject({
        line_item_id: id(),
        item_id: id(),
        name: text(),
        rate: amount(),
        quantity: amount(),
        item_total: amount(),
        tax_id: looseId(),
      }),
    )
    .nullish(),
  custom_fields: many(),
  billing_address: part(),
  shipping_address: part(),
  created_time: text(),
  last_modified_time: text(),
});

/**
 * The records that the finance products post, by the key that wraps them: the whole record as a GET of the product's
 * REST API answers it. Only what tells a record from another is required.
 */
export const financeEntities = {
  contact: () =>
    z.looseObject({
      contact_id: wireId(),
      contact_name: z.string(),
      company_name: text(),
      contact_type: text(),
      status: text(),
      currency_id: id(),
      currency_code: text(),
      payment_terms: amount(),
      payment_terms_label: text(),
      outstanding_receivable_amount: amount(),
      billing_address: part(),
      shipping_address: part(),
      contact_persons: many(),
      custom_fields: many(),
      created_time: text(),
      last_modified_time: text(),
    }),
  item: () =>
    z.looseObject({
      item_id: wireId(),
      name: z.string(),
      sku: text(),
      rate: amount(),
      available_stock: amount(),
      group_id: looseId(),
      attribute_name1: text(),
      attribute_option_name1: text(),
      status: text(),
    }),
  estimate: () => z.looseObject({ ...documentFields(), estimate_id: wireId(), estimate_number: text() }),
  salesorder: () =>
    z.looseObject({ ...documentFields(), salesorder_id: wireId(), salesorder_number: text(), shipment_date: text() }),
  invoice: () =>
    z.looseObject({
      ...documentFields(),
      invoice_id: wireId(),
      invoice_number: text(),
      due_date: text(),
      balance: amount(),
    }),
  purchaseorder: () => z.looseObject({ ...documentFields(), purchaseorder_id: wireId(), purchaseorder_number: text() }),
  bill: () => z.looseObject({ ...documentFields(), bill_id: wireId(), bill_number: text(), due_date: text() }),
  expense: () =>
    z.looseObject({
      expense_id: wireId(),
      date: text(),
      account_id: id(),
      account_name: text(),
      amount: amount(),
      total: amount(),
      currency_code: text(),
      customer_id: looseId(),
      status: text(),
      line_items: many(),
      created_time: text(),
    }),
  creditnote: () => z.looseObject({ ...documentFields(), creditnote_id: wireId(), creditnote_number: text() }),
  payment: () =>
    z.looseObject({
      payment_id: wireId(),
      payment_number: text(),
      customer_id: id(),
      customer_name: text(),
      amount: amount(),
      payment_mode: text(),
      reference_number: text(),
      date: text(),
      invoices: many(),
    }),
  subscription: () =>
    z.looseObject({
      subscription_id: wireId(),
      name: text(),
      status: text(),
      amount: amount(),
      currency_code: text(),
      current_term_starts_at: text(),
      current_term_ends_at: text(),
      next_billing_at: text(),
      interval: amount(),
      interval_unit: text(),
      plan: part(),
      addons: many(),
      customer: part(),
      custom_fields: many(),
    }),
};

export type FinanceEntity = keyof typeof financeEntities;
