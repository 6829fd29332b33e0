import { parseTime } from "../history/filter.ts";
import { loadConfig } from "../project/load.ts";
import { reconcilableProduct, reconcile } from "../reconcile/reconcile.ts";
import { examples } from "../terminal/help.ts";
import type { Define } from "./command.ts";

interface ReconcileFlags {
  readonly product: string;
  readonly since: string;
  readonly deliver?: boolean;
}

export const define: Define = (command, act) => {
  command
    .description("Find what CRM and Bigin channels did not notify of, and have it delivered.")
    .option("--product <crm|bigin>", "the product of the channels", "crm")
    .option(
      "--since <time>",
      "changes of the last 10m, 2h or 7d, or since yesterday, 2026-05-01 or 2026-05-01T10:00",
      "24h",
    )
    .option("--deliver", "put a notification for what was missed into the event log, which listen forwards")
    .addHelpText(
      "before",
      examples(
        "zoho-hooks reconcile                             exits with 8 if something was missed",
        "zoho-hooks reconcile --since 2026-05-01T10:00",
        "zoho-hooks reconcile --deliver                   also has your app get it",
      ),
    )
    .addHelpText("after", HELP)
    .action(
      act((context, { product, since, deliver = false }: ReconcileFlags) => {
        const options = {
          product: reconcilableProduct(product),
          since: parseTime(since, "--since", context.now()),
          deliver,
        };
        return reconcile(context, loadConfig(context), options);
      }),
    );
};

const HELP = `
Compares Zoho's lists of changed and deleted records with the notifications in the event log: a record was missed if the
log has none from its last change on. It asks about the modules of this project's channels, and leaves out what they do
not watch. Without --deliver it writes nothing.

A channel with --fields notifies of some edits only, and Zoho does not say which fields have changed: such edits are
listed as perhaps missed, and never delivered. A notification that is on its way counts as missed.

--deliver puts one notification for each module, operation and up to 100 records into the log, and never one for what is
in it. Your app gets them with the header x-zoho-hooks-reconstructed.

Desk, Books and Sign are not covered: their deliveries carry the record.`;
