import type { Product } from "../../core/product.ts";
import { guide } from "./guide.ts";

export const books = { id: "books", title: "Zoho Books", formats: [guide] } as const satisfies Product;
