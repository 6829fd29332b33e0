import { examples } from "../../terminal/help.ts";
import type { Define } from "../command.ts";
import { defineCreate } from "./create.ts";
import { defineDelete } from "./delete.ts";
import { defineFailures } from "./failures.ts";
import { defineList } from "./list.ts";

export const define: Define = (command, act) => {
  for (const define of [defineList, defineCreate, defineDelete, defineFailures]) define(command, act);
  command
    .addHelpText(
      "before",
      examples(
        "zoho-hooks webhooks list --product books --unused   exits with 8 if any has no rule",
        "zoho-hooks webhooks create Ticket_Add --product desk",
        "zoho-hooks webhooks delete 460000000026049 --product inventory --yes",
        "zoho-hooks webhooks failures --since 1d              what Zoho could not deliver",
      ),
    )
    .addHelpText("after", HELP);
};

const HELP = `
Manages the webhooks of Zoho Desk, Books, Inventory and Sign, which exist until they are deleted. For other products no
API is known to be documented: the commands then say where in the product's settings to set up a webhook. CRM, Bigin and
Recruit notify through channels: see zoho-hooks channels.

Sign in first, with the scopes of the product: zoho-hooks login --product desk.
Zoho documents the API calls for Desk and Books. For Inventory and Sign, these are the calls that existing integrations
use.`;
