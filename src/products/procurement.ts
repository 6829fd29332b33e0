import type { Product } from "../model/product.ts";
import { financeFormat } from "./shared/finance.ts";

const wire = financeFormat({
  id: "wire",
  source:
    "modelled on Zoho Books, whose engine it shares; set up as in https://www.zoho.com/procurement/help/settings/automation/webhooks",
  evidence: "modelled",
  entities: ["purchaseorder", "bill"],
});

export const procurement = { id: "procurement", title: "Zoho Procurement", formats: [wire] } as const satisfies Product;
