import type { Product } from "../../core/product.ts";
import { guide } from "./guide.ts";
import { wire } from "./wire.ts";

export const creator = { id: "creator", title: "Zoho Creator", formats: [guide, wire] } as const satisfies Product;
