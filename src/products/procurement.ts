import type { Product } from "../core/product.ts";
import { financeFormat } from "./shared/finance.ts";

const wire = financeFormat({
  id: "wire",
  source: "https://www.zoho.com/procurement/help/settings/automation/webhooks; the engine of Zoho Books",
  entities: ["purchaseorder", "bill"],
});

export const procurement = { id: "procurement", title: "Zoho Procurement", formats: [wire] } as const satisfies Product;
