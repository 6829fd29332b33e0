import type { Product } from "../model/product.ts";
import { financeFormat } from "./shared/finance.ts";

const wire = financeFormat({
  id: "wire",
  source:
    "modelled on deliveries to receivers in use; set up as in https://www.zoho.com/us/expense/help/automation/webhooks/",
  evidence: "seen",
  entities: ["expense"],
});

export const expense = { id: "expense", title: "Zoho Expense", formats: [wire] } as const satisfies Product;
