import type { Product } from "../../core/product.ts";
import { guide } from "./guide.ts";
import { wire } from "./wire.ts";

export const forms = { id: "forms", title: "Zoho Forms", formats: [guide, wire] } as const satisfies Product;
