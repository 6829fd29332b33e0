import type { Product } from "../../core/product.ts";
import { wire } from "./wire.ts";

export const spend = { id: "spend", title: "Zoho Spend", formats: [wire] } as const satisfies Product;
