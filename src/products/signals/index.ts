import type { Product } from "../../core/product.ts";
import { wire } from "./wire.ts";

export const signals = { id: "signals", title: "Catalyst Signals", formats: [wire] } as const satisfies Product;
