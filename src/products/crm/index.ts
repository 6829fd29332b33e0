import type { Product } from "../../core/product.ts";
import { guide } from "./guide.ts";

export const crm = { id: "crm", title: "Zoho CRM", formats: [guide] } as const satisfies Product;
