import { financeFormat } from "../../core/finance-format.ts";

export const wire = financeFormat({
  source: "modelled on Zoho Books, whose automation it shares",
  entities: ["contact", "item", "estimate", "invoice", "expense", "payment"],
  twins: ["books", "inventory", "expense"],
});
