import type { Product } from "../../core/product.ts";
import { wire } from "./wire.ts";

export const sprints = { id: "sprints", title: "Zoho Sprints", formats: [wire] } as const satisfies Product;
