import type { Product } from "../model/product.ts";
import { watchFormat } from "./shared/modules.ts";

const wire = watchFormat({
  source:
    "modelled on deliveries to an integration in use; set up as in https://www.bigin.com/developer/docs/apis/v2/notifications/enable.html",
  evidence: "seen",
  api: "bigin",
  modules: ["Contacts", "Pipelines", "Accounts", "Products", "Tasks", "Events", "Calls"],
  documented: true,
});

export const bigin = { id: "bigin", title: "Zoho Bigin", formats: [wire] } as const satisfies Product;
