import type { Product } from "../../core/product.ts";
import { guide } from "./guide.ts";
import { wire } from "./wire.ts";

export const analytics = {
  id: "analytics",
  title: "Zoho Analytics",
  formats: [guide, wire],
} as const satisfies Product;
