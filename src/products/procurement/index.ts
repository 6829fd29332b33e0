import type { Product } from "../../core/product.ts";
import { wire } from "./wire.ts";

export const procurement = { id: "procurement", title: "Zoho Procurement", formats: [wire] } as const satisfies Product;
