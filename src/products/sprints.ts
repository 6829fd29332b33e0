import type { Product } from "../model/product.ts";
import { customFormat } from "./shared/custom-format.ts";

const wire = customFormat({
  id: "wire",
  source: "https://help.zoho.com/portal/en/kb/zoho-sprints-2-0/automation/webhooks/articles/about-webhooks",
  evidence: "doc",
  encoding: "form",
  methods: ["GET", "PUT", "DELETE"],
  event: { name: "webhook", summary: "An event of a module called a user-defined webhook" },
});

export const sprints = { id: "sprints", title: "Zoho Sprints", formats: [wire] } as const satisfies Product;
