import type { Product } from "../../core/product.ts";
import { wire } from "./wire.ts";

export const commerce = { id: "commerce", title: "Zoho Commerce", formats: [wire] } as const satisfies Product;
