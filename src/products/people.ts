import type { Product } from "../model/product.ts";
import { customFormat } from "./shared/custom-format.ts";

const wire = customFormat({
  id: "wire",
  source: "https://help.zoho.com/portal/en/kb/people/administrator-guide/common-settings/articles/webhooks-zoho-people",
  evidence: "doc",
  encoding: "form",
  methods: ["GET"],
  event: { name: "webhook", summary: "A workflow of a form called a user-defined webhook" },
});

export const people = { id: "people", title: "Zoho People", formats: [wire] } as const satisfies Product;
