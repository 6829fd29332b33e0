import type { Product } from "../../core/product.ts";
import { wire } from "./wire.ts";

export const inventory = { id: "inventory", title: "Zoho Inventory", formats: [wire] } as const satisfies Product;
