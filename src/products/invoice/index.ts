import type { Product } from "../../core/product.ts";
import { wire } from "./wire.ts";

export const invoice = { id: "invoice", title: "Zoho Invoice", formats: [wire] } as const satisfies Product;
