import type { Product } from "../../core/product.ts";
import { guide } from "./guide.ts";

export const survey = { id: "survey", title: "Zoho Survey", formats: [guide] } as const satisfies Product;
