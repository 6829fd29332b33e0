import type { Product } from "../../core/product.ts";
import { guide } from "./guide.ts";
import { wire } from "./wire.ts";

export const survey = { id: "survey", title: "Zoho Survey", formats: [guide, wire] } as const satisfies Product;
