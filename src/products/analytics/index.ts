import type { Product } from "../../core/product.ts";
import { guide } from "./guide.ts";

export const analytics = { id: "analytics", title: "Zoho Analytics", formats: [guide] } as const satisfies Product;
