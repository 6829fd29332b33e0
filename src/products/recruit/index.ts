import type { Product } from "../../core/product.ts";
import { guide } from "./guide.ts";

export const recruit = { id: "recruit", title: "Zoho Recruit", formats: [guide] } as const satisfies Product;
