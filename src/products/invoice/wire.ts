import { financeFormat } from "../../core/finance-format.ts";

export const wire = financeFormat({
  id: "wire",
  source: "modelled on Zoho Books, whose automation it shares",
  entities: ["contact", "item", "estimate", "invoice", "expense", "payment"],
  twins: ["books", "inventory", "expense"],
});
