import type { Product } from "../../core/product.ts";
import { wire } from "./wire.ts";

export const payments = { id: "payments", title: "Zoho Payments", formats: [wire] } as const satisfies Product;
