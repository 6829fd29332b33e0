import { financeFormat } from "../shared/finance-format.ts";

export const wire = financeFormat({
  id: "wire",
  source: "https://www.zoho.com/spend/help/admin/automation/webhooks; the engine of Zoho Books",
  entities: ["expense", "purchaseorder", "bill"],
});
