import type { Product } from "../../core/product.ts";
import { wire } from "./wire.ts";

export const cliq = { id: "cliq", title: "Zoho Cliq", formats: [wire] } as const satisfies Product;
