import type { Product } from "../../core/product.ts";
import { wire } from "./wire.ts";

export const expense = { id: "expense", title: "Zoho Expense", formats: [wire] } as const satisfies Product;
