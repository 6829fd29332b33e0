import type { Product } from "../model/product.ts";
import { financeFormat } from "./shared/finance.ts";

const wire = financeFormat({
  id: "wire",
  source:
    "modelled on Zoho Books, whose engine it shares; set up as in https://www.zoho.com/spend/help/admin/automation/webhooks",
  evidence: "modelled",
  entities: ["expense", "purchaseorder", "bill"],
});

export const spend = { id: "spend", title: "Zoho Spend", formats: [wire] } as const satisfies Product;
