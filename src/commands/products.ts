import { showProducts } from "../custom/show-products.ts";
import { examples } from "../terminal/help.ts";
import type { Define } from "./command.ts";

export const define: Define = (command, act) => {
  command
    .argument("[product]", "show the events of this product")
    .addHelpText(
      "before",
      examples(
        "zoho-hooks products",
        "zoho-hooks products crm",
        `zoho-hooks products --json | jq -r '.id + " " + .formats[].events[].name'`,
      ),
    )
    .addHelpText("after", HELP)
    .action(act(showProducts));
};

const HELP = `
A name such as <Module>.create stands for every module: Leads.create, Invoices.create, or a custom module.
To add a product of your own, put samples into a folder (fixtures/<event>.json) and name it in zoho-hooks.config.json:
  { "products": { "shop": { "path": "webhooks/shop" } } }`;
