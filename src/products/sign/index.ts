import type { Product } from "../../core/product.ts";
import { wire } from "./wire.ts";

export const sign = { id: "sign", title: "Zoho Sign", formats: [wire] } as const satisfies Product;
