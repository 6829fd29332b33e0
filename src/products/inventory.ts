import type { Product } from "../core/product.ts";
import { financeFormat } from "./shared/finance.ts";

const wire = financeFormat({
  id: "wire",
  source: "https://www.zoho.com/inventory/help/settings/automation.html; the engine of Zoho Books",
  entities: ["contact", "item", "salesorder", "invoice", "purchaseorder", "bill", "payment"],
});

export const inventory = { id: "inventory", title: "Zoho Inventory", formats: [wire] } as const satisfies Product;
