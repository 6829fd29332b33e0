import type { Product } from "../../core/product.ts";
import { wire } from "./wire.ts";

export const people = { id: "people", title: "Zoho People", formats: [wire] } as const satisfies Product;
