import type { Product } from "../../core/product.ts";
import { guide } from "./guide.ts";
import { wire } from "./wire.ts";
import { workflow } from "./workflow.ts";

export const subscriptions = {
  id: "subscriptions",
  title: "Zoho Subscriptions (Zoho Billing)",
  formats: [guide, wire, workflow],
} as const satisfies Product;
