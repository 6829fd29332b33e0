import type { Product } from "../../core/product.ts";
import { wire } from "./wire.ts";

export const bigin = { id: "bigin", title: "Zoho Bigin", formats: [wire] } as const satisfies Product;
