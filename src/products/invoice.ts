import type { Product } from "../model/product.ts";
import { financeFormat } from "./shared/finance.ts";

const wire = financeFormat({
  id: "wire",
  source: "modelled on Zoho Books, its sibling",
  evidence: "modelled",
  entities: ["contact", "item", "estimate", "invoice", "expense", "payment"],
});

export const invoice = { id: "invoice", title: "Zoho Invoice", formats: [wire] } as const satisfies Product;
