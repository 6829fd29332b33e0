import type { Product } from "../../core/product.ts";
import { guide } from "./guide.ts";

export const subscriptions = {
  id: "subscriptions",
  title: "Zoho Subscriptions",
  formats: [guide],
} as const satisfies Product;
