import type { Product } from "../core/product.ts";
import { financeFormat } from "./shared/finance.ts";

const wire = financeFormat({
  id: "wire",
  source: "https://www.zoho.com/spend/help/admin/automation/webhooks; the engine of Zoho Books",
  entities: ["expense", "purchaseorder", "bill"],
});

export const spend = { id: "spend", title: "Zoho Spend", formats: [wire] } as const satisfies Product;
