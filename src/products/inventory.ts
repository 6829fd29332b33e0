import type { Product } from "../model/product.ts";
import { financeFormat } from "./shared/finance.ts";

const wire = financeFormat({
  id: "wire",
  source:
    "modelled on deliveries to receivers in use; set up as in https://www.zoho.com/inventory/help/settings/automation.html",
  evidence: "seen",
  entities: ["contact", "item", "salesorder", "invoice", "purchaseorder", "bill", "payment"],
});

export const inventory = { id: "inventory", title: "Zoho Inventory", formats: [wire] } as const satisfies Product;
