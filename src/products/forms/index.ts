import type { Product } from "../../core/product.ts";
import { guide } from "./guide.ts";

export const forms = { id: "forms", title: "Zoho Forms", formats: [guide] } as const satisfies Product;
