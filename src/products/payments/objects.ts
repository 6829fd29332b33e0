import { z } from "zod";
import { amount, looseId, optionalText, wireId } from "../shared/schema-parts.ts";

const text = optionalText;
const own = () => wireId().nullish();
/** Of what there may be none, which is an empty text then. */
const other = looseId;
const time = looseId;
/** What the merchant's own app has sent along, to find its order again. */
const metaData = () => z.array(z.looseObject({ key: text(), value: text() })).nullish();

/**
 * What a payment is told as: the pages of the events print some of its parts, those of the API's own objects the others.
 * Money is text, `"200.50"`.
 */
export function payment() {
  return z.looseObject({
    payment_id: own(),
    payments_session_id: other(),
    payment_link_id: other(),
    amount: amount(),
    amount_captured: amount(),
    amount_refunded: amount(),
    fee_amount: amount(),
    net_tax_amount: amount(),
    total_fee_amount: amount(),
    net_amount: amount(),
    currency: text(),
    status: text(),
    date: time(),
    receipt_email: text(),
    phone: text(),
    reference_number: text(),
    transaction_reference_number: text(),
    invoice_number: text(),
    description: text(),
    statement_descriptor: text(),
    fraud_alert: text(),
    failure_reason: text(),
    fee_details: z.looseObject({}).nullish(),
    payment_method: z
      .looseObject({ type: text(), card: z.looseObject({ last_four_digits: text() }).nullish() })
      .nullish(),
    meta_data: metaData(),
  });
}

export function paymentLink() {
  return z.looseObject({
    payment_link_id: own(),
    url: text(),
    amount: amount(),
    amount_paid: amount(),
    currency: text(),
    status: text(),
    reference_id: text(),
    description: text(),
    email: text(),
    phone: text(),
    return_url: text(),
    expires_at: text(),
    created_time: time(),
    payments: z
      .array(z.looseObject({ payment_id: other(), amount: amount(), type: text(), status: text(), date: time() }))
      .nullish(),
  });
}

export function virtualAccount() {
  return z.looseObject({
    virtual_account_id: own(),
    account_number: text(),
    ifsc_code: text(),
    beneficiary_name: text(),
    customer_id: other(),
    minimum_amount: amount(),
    maximum_amount: amount(),
    amount_paid: amount(),
    reference_number: text(),
    description: text(),
    status: text(),
    expires_at: text(),
    created_time: time(),
    last_modified_time: time(),
    meta_data: metaData(),
  });
}

export function refund() {
  return z.looseObject({
    refund_id: own(),
    payment_id: other(),
    amount: amount(),
    type: text(),
    reason: text(),
    description: text(),
    status: text(),
    reference_number: text(),
    network_reference_number: text(),
    failure_reason: text(),
    date: time(),
  });
}

export function payout() {
  return z.looseObject({
    payout_id: own(),
    amount: amount(),
    currency: text(),
    status: text(),
    type: text(),
    failure_code: text(),
    failure_message: text(),
    statement_descriptor: text(),
    initiated_time: time(),
    processed_date: text(),
    payout_bank_reference_id: text(),
    bank_account_details: z.looseObject({}).nullish(),
  });
}
