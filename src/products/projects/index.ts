import type { Product } from "../../core/product.ts";
import { guide } from "./guide.ts";
import { wire } from "./wire.ts";

export const projects = { id: "projects", title: "Zoho Projects", formats: [guide, wire] } as const satisfies Product;
