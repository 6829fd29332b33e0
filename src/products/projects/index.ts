import type { Product } from "../../core/product.ts";
import { guide } from "./guide.ts";

export const projects = { id: "projects", title: "Zoho Projects", formats: [guide] } as const satisfies Product;
