import { examples } from "../../terminal/help.ts";
import type { Define } from "../command.ts";
import { defineCreate } from "./create.ts";
import { defineDelete } from "./delete.ts";
import { defineList, defineShow } from "./list.ts";
import { definePrune } from "./prune.ts";
import { defineRenew } from "./renew.ts";
import { defineUpdate } from "./update.ts";

export const define: Define = (command, act) => {
  for (const one of [defineList, defineShow, defineCreate, defineRenew, defineUpdate, defineDelete, definePrune]) {
    one(command, act);
  }
  command
    .addHelpText(
      "before",
      examples(
        "zoho-hooks channels list --expiring 24h          exits with 8 if any expires within a day",
        "zoho-hooks channels create Leads.create Deals.all --url https://example.com/webhooks/zoho/crm",
        "zoho-hooks channels renew --all",
        "zoho-hooks channels renew --every                keeps all of them alive until you stop it",
      ),
    )
    .addHelpText("after", HELP);
};

const HELP = `
A channel is a subscription in Zoho CRM, Bigin or Recruit: Zoho posts to its URL when records change. It expires without
notice: in CRM after a week at most, in Bigin after a day. Zoho silently turns a longer lifetime into one hour, so these
commands reject it. Guides that mention 30 days do not match what Zoho does.

Sign in first with zoho-hooks login, or set ZOHO_CLIENT_ID, ZOHO_CLIENT_SECRET, ZOHO_REFRESH_TOKEN and ZOHO_DC.`;
