import type { Product } from "../core/product.ts";
import { financeFormat } from "./shared/finance.ts";

const wire = financeFormat({
  id: "wire",
  source: "https://www.zoho.com/us/expense/help/automation/webhooks/",
  entities: ["expense"],
});

export const expense = { id: "expense", title: "Zoho Expense", formats: [wire] } as const satisfies Product;
