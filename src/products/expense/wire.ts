import { financeFormat } from "../../core/finance-format.ts";

export const wire = financeFormat({
  source: "https://www.zoho.com/us/expense/help/automation/webhooks/",
  entities: ["expense"],
  twins: ["books", "inventory", "invoice"],
});
