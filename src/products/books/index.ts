import type { Product } from "../../core/product.ts";
import { guide } from "./guide.ts";
import { wire } from "./wire.ts";

export const books = { id: "books", title: "Zoho Books", formats: [guide, wire] } as const satisfies Product;
