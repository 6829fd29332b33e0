import { financeFormat } from "../shared/finance-format.ts";

export const wire = financeFormat({
  id: "wire",
  source: "https://www.zoho.com/inventory/help/settings/automation.html; the engine of Zoho Books",
  entities: ["contact", "item", "salesorder", "invoice", "purchaseorder", "bill", "payment"],
});
