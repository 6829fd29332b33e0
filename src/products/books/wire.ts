import { financeFormat } from "../shared/finance-format.ts";

export const wire = financeFormat({
  id: "wire",
  source: "https://www.zoho.com/books/help/settings/automation/workflow-actions/webhooks.html",
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
