import type { Product } from "../../model/product.ts";
import { guide } from "./guide.ts";
import { wire } from "./wire.ts";

export const desk = { id: "desk", title: "Zoho Desk", formats: [guide, wire] } as const satisfies Product;
