import type { Product } from "../../core/product.ts";
import { wire } from "./wire.ts";

export const flow = { id: "flow", title: "Zoho Flow", formats: [wire] } as const satisfies Product;
