import type { Product } from "../../core/product.ts";
import { wire } from "./wire.ts";

export const mail = { id: "mail", title: "Zoho Mail", formats: [wire] } as const satisfies Product;
