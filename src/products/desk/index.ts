import type { Product } from "../../core/product.ts";
import { guide } from "./guide.ts";

export const desk = { id: "desk", title: "Zoho Desk", formats: [guide] } as const satisfies Product;
