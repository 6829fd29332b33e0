import type { Product } from "../../core/product.ts";
import { guide } from "./guide.ts";
import { wire } from "./wire.ts";
import { workflow } from "./workflow.ts";

export const crm = { id: "crm", title: "Zoho CRM", formats: [guide, wire, workflow] } as const satisfies Product;
