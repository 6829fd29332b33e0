import type { Data } from "../store.ts";

export interface FinanceModule {
  /** Wraps its record in answers and deliveries. */
  readonly key: string;
  /** Name in webhooks and rules. */
  readonly entity: string;
  /** Group of its scopes. */
  readonly scope: string;
  readonly required: readonly string[];
  readonly usual: Data;
  /** Of one with lines: the member with its contact, whose name is in `<party>_name`. */
  readonly party?: "customer" | "vendor";
  /** Member and beginning of its own numbers, such as `INV-000001`. */
  readonly number?: readonly [member: string, prefix: string];
  /** Members by which its list can be narrowed, with the variants that `suffixes` has. */
  readonly filters: readonly string[];
  /** `status/<name>` and the status that it gives. */
  readonly statuses?: Readonly<Record<string, string>>;
}

const DOCUMENT = {
  status: "draft",
  reference_number: "",
  currency_code: "USD",
  exchange_rate: 1,
  tax_total: 0,
  custom_fields: [],
};
const ADDRESSES = { billing_address: {}, shipping_address: {} };
/** Filters of all documents. */
const OF_DOCUMENTS = ["reference_number", "date", "status", "total"];

/** https://www.zoho.com/books/api/v3/ */
export const MODULES: Readonly<Record<string, FinanceModule>> = {
  contacts: {
    key: "contact",
    entity: "customer",
    scope: "contacts",
    required: ["contact_name"],
    usual: {
      company_name: "",
      contact_type: "customer",
      status: "active",
      currency_code: "USD",
      payment_terms: 0,
      payment_terms_label: "Due on Receipt",
      outstanding_receivable_amount: 0,
      ...ADDRESSES,
      contact_persons: [],
      custom_fields: [],
    },
    filters: ["contact_name", "company_name", "first_name", "last_name", "email", "phone", "contact_type", "status"],
    statuses: { active: "active", inactive: "inactive" },
  },
  items: {
    key: "item",
    entity: "item",
    scope: "settings",
    required: ["name", "rate"],
    usual: { sku: "", description: "", status: "active", custom_fields: [] },
    filters: ["name", "description", "rate", "sku", "status"],
    statuses: { active: "active", inactive: "inactive" },
  },
  estimates: {
    key: "estimate",
    entity: "estimate",
    scope: "estimates",
    required: ["customer_id", "line_items"],
    usual: { ...DOCUMENT, ...ADDRESSES },
    party: "customer",
    number: ["estimate_number", "EST"],
    filters: ["estimate_number", "customer_id", "customer_name", "expiry_date", ...OF_DOCUMENTS],
    statuses: { sent: "sent", accepted: "accepted", declined: "declined" },
  },
  salesorders: {
    key: "salesorder",
    entity: "salesorder",
    scope: "salesorders",
    required: ["customer_id", "line_items"],
    usual: { ...DOCUMENT, ...ADDRESSES },
    party: "customer",
    number: ["salesorder_number", "SO"],
    filters: ["salesorder_number", "customer_id", "customer_name", "shipment_date", ...OF_DOCUMENTS],
    statuses: { open: "open", void: "void" },
  },
  invoices: {
    key: "invoice",
    entity: "invoice",
    scope: "invoices",
    required: ["customer_id", "line_items"],
    usual: { ...DOCUMENT, ...ADDRESSES },
    party: "customer",
    number: ["invoice_number", "INV"],
    filters: ["invoice_number", "customer_id", "customer_name", "email", "due_date", "balance", ...OF_DOCUMENTS],
    statuses: { sent: "sent", draft: "draft", void: "void" },
  },
  purchaseorders: {
    key: "purchaseorder",
    entity: "purchaseorder",
    scope: "purchaseorders",
    required: ["vendor_id", "line_items"],
    usual: DOCUMENT,
    party: "vendor",
    number: ["purchaseorder_number", "PO"],
    filters: ["purchaseorder_number", "vendor_id", "vendor_name", ...OF_DOCUMENTS],
    statuses: { open: "open", billed: "billed", cancelled: "cancelled" },
  },
  bills: {
    key: "bill",
    entity: "bill",
    scope: "bills",
    required: ["vendor_id", "bill_number", "line_items"],
    usual: { ...DOCUMENT, status: "open" },
    party: "vendor",
    filters: ["bill_number", "vendor_id", "vendor_name", "due_date", ...OF_DOCUMENTS],
    statuses: { open: "open", void: "void" },
  },
  customerpayments: {
    key: "payment",
    entity: "customerpayment",
    scope: "customerpayments",
    required: ["customer_id", "payment_mode", "amount"],
    usual: { reference_number: "", description: "", invoices: [], custom_fields: [] },
    party: "customer",
    number: ["payment_number", "PAY"],
    filters: ["customer_id", "customer_name", "reference_number", "date", "amount", "payment_mode"],
  },
  expenses: {
    key: "expense",
    entity: "expense",
    scope: "expenses",
    required: ["account_id", "date", "amount"],
    usual: { description: "", reference_number: "", status: "unbilled", currency_code: "USD", custom_fields: [] },
    filters: ["description", "reference_number", "date", "status", "amount", "customer_id", "vendor_id"],
  },
};
