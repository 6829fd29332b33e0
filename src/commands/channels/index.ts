import type { Define } from "../command.ts";
import { defineCreate } from "./create.ts";
import { defineDelete } from "./delete.ts";
import { defineDisable } from "./disable.ts";
import { defineList } from "./list.ts";
import { definePrune } from "./prune.ts";
import { defineRenew } from "./renew.ts";
import { defineShow } from "./show.ts";
import { defineUpdate } from "./update.ts";

export const define: Define = (command, act) => {
  for (const one of [
    defineList,
    defineShow,
    defineCreate,
    defineRenew,
    defineUpdate,
    defineDisable,
    defineDelete,
    definePrune,
  ]) {
    one(command, act);
  }
  command.addHelpText("after", HELP);
};

const HELP = `
A channel is a subscription of Zoho CRM, Bigin or Recruit: Zoho posts to its URL when records change. It expires without
a word: after a week at most in CRM (a day in API v2 and v3; and in v6, of which Zoho's pages disagree), after a day in Bigin.
A longer expiry is not refused by Zoho but made one hour, so it is refused here; guides that speak of 30 days do not match
what Zoho does.

Sign in first with zoho-hooks login, or set ZOHO_CLIENT_ID, ZOHO_CLIENT_SECRET, ZOHO_REFRESH_TOKEN and ZOHO_DC.

Examples:
  $ zoho-hooks channels list --expiring 24h          exits with 8 when any expires within a day
  $ zoho-hooks channels create Leads.create Deals.all --url https://example.com/webhooks/zoho/crm
  $ zoho-hooks channels renew --all
  $ zoho-hooks channels renew --every                keeps all of them alive until it is stopped
`;
