import type { Product } from "../../core/product.ts";
import { guide } from "./guide.ts";

export const creator = { id: "creator", title: "Zoho Creator", formats: [guide] } as const satisfies Product;
