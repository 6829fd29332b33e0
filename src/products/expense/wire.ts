import { financeFormat } from "../shared/finance-format.ts";

export const wire = financeFormat({
  id: "wire",
  source: "https://www.zoho.com/us/expense/help/automation/webhooks/",
  entities: ["expense"],
});
