import { financeFormat } from "../shared/finance-format.ts";

export const wire = financeFormat({
  id: "wire",
  source: "https://www.zoho.com/procurement/help/settings/automation/webhooks; the engine of Zoho Books",
  entities: ["purchaseorder", "bill"],
});
