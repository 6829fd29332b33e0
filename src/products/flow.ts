import type { Product } from "../model/product.ts";
import { customFormat } from "./shared/custom-format.ts";

const wire = customFormat({
  id: "wire",
  source: "https://help.zoho.com/portal/en/kb/flow/user-guide/create-a-flow/articles/outgoing-webhooks",
  evidence: "doc",
  encoding: "json",
  methods: ["GET", "PUT", "PATCH", "DELETE"],
  event: { name: "webhook", summary: "A flow made a user-defined HTTP request" },
});

export const flow = { id: "flow", title: "Zoho Flow", formats: [wire] } as const satisfies Product;
