import type { Product } from "../../core/product.ts";
import { wire } from "./wire.ts";
import { zobot } from "./zobot.ts";

export const salesiq = { id: "salesiq", title: "Zoho SalesIQ", formats: [wire, zobot] } as const satisfies Product;
