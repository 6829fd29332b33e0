import { financeFormat } from "../shared/finance-format.ts";

/** Webhooks of workflow rules, as in Zoho Books; those of the older event screen are `wire`. */
export const workflow = financeFormat({
  id: "workflow",
  source: "https://www.zoho.com/us/billing/help/settings/automation.html",
  entities: ["subscription", "invoice", "payment"],
});
