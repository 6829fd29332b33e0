import { financeFormat } from "../shared/finance-format.ts";

export const wire = financeFormat({
  id: "wire",
  source: "modelled on Zoho Books, its sibling",
  entities: ["contact", "item", "estimate", "invoice", "expense", "payment"],
});
