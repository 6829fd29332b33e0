import type { Product } from "../../core/product.ts";
import { guide } from "./guide.ts";
import { wire } from "./wire.ts";

export const campaigns = {
  id: "campaigns",
  title: "Zoho Campaigns",
  formats: [guide, wire],
} as const satisfies Product;
