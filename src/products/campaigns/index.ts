import type { Product } from "../../core/product.ts";
import { guide } from "./guide.ts";

export const campaigns = { id: "campaigns", title: "Zoho Campaigns", formats: [guide] } as const satisfies Product;
