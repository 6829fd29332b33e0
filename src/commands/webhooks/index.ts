import type { Define } from "../command.ts";
import { defineCreate } from "./create.ts";
import { defineDelete } from "./delete.ts";
import { defineList } from "./list.ts";

export const define: Define = (command, act) => {
  for (const one of [defineList, defineCreate, defineDelete]) one(command, act);
  command.addHelpText("after", HELP);
};

const HELP = `
A webhook of Zoho Desk, Books, Inventory or Sign lives until it is deleted. Of other products Zoho is not known to
document an API for it: there these commands say where in its settings it is set up. The notifications of CRM, Bigin and
Recruit are channels: zoho-hooks channels.

Sign in first, with the scopes of the product: zoho-hooks login --product desk.
What these commands call is documented by Zoho for Desk and Books; for Inventory and Sign it is what integrations in use
call.

Examples:
  $ zoho-hooks webhooks list --product books --orphans   exits with 8 when any has no rule
  $ zoho-hooks webhooks create Ticket_Add --product desk
  $ zoho-hooks webhooks delete 460000000026049 --product inventory --yes
`;
