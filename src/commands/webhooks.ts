import { type Command, Option } from "commander";
import { parseTime } from "../history/filter.ts";
import { listenerUrl } from "../history/running-listener.ts";
import { findProduct } from "../model/event-names.ts";
import { products } from "../products/index.ts";
import { loadConfig } from "../project/load.ts";
import { examples } from "../terminal/help.ts";
import { ExitCode, usageError } from "../util/errors.ts";
import { type CreateOptions, createWebhook } from "../zoho-webhooks/create.ts";
import { deleteWebhooks } from "../zoho-webhooks/delete.ts";
import { chosenLogs, type FailuresOptions, failures } from "../zoho-webhooks/failures.ts";
import { failureLogs, managedProducts, requireManagedProduct } from "../zoho-webhooks/index.ts";
import { listWebhooks } from "../zoho-webhooks/list.ts";
import type { ManagedProduct } from "../zoho-webhooks/product-api.ts";
import type { WebhookOptions } from "../zoho-webhooks/session.ts";
import type { Define } from "./command.ts";

export const define: Define = (command, act) => {
  defineList(command, act);
  defineCreate(command, act);
  defineDelete(command, act);
  defineFailures(command, act);
  // Commander also takes it behind a subcommand.
  command
    .option(
      "--profile <name>",
      "the sign-in to use (default: ZOHO_PROFILE, else the environment's, else the current profile)",
    )
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

const defineList: Define = (command, act) => {
  addWebhookOptions(command.command("list"))
    .description("List a product's webhooks, and point out those that no workflow rule calls.")
    .addHelpText(
      "before",
      examples(
        "zoho-hooks webhooks list --product books",
        "zoho-hooks webhooks list --product books --unused     exits with 8 if any has no rule",
      ),
    )
    .option("--unused", "only those that no workflow rule calls; exits with 8 if there are any")
    .action(
      act((context, options: WebhookOptions & { readonly unused?: boolean }) =>
        listWebhooks(context, loadConfig(context), chosenProduct(options), options),
      ),
    );
};

const defineCreate: Define = (command, act) => {
  addWebhookOptions(command.command("create"))
    .description("Create a webhook, and read it back from Zoho.")
    .argument(
      "<event...>",
      "Desk: Ticket_Add, Ticket_* …; Sign: Completed …; Books, Inventory: one module, such as invoice",
    )
    .option(
      "--url <url>",
      "the URL that Zoho posts to (default: the public https URL of this project's running listen)",
    )
    .option("--name <text>", "the webhook's name", "zoho-hooks")
    .option("--rule <add|add_edit|delete>", "also create the workflow rule that calls it (Books, Inventory)")
    .option("--dry-run", "print the request, send nothing; needs no sign-in")
    .addHelpText(
      "before",
      examples(
        "zoho-hooks webhooks create Ticket_Add Ticket_Update --product desk",
        "zoho-hooks webhooks create invoice --product books --rule add_edit --url https://example.com/hook",
        "zoho-hooks webhooks create Completed Declined --product sign --url https://example.com/hook",
      ),
    )
    .addHelpText("after", CREATE_HELP)
    .action(
      act(async (context, words: readonly string[], options: CreateOptions & { readonly url?: string }) => {
        const product = chosenProduct(options);
        const config = loadConfig(context, { needsSecrets: true });
        const findUrl = async (isZohoLocal: boolean): Promise<string> =>
          options.url ?? (await listenerUrl(context, config, product.id, isZohoLocal));
        await createWebhook(context, config, product, words, options, findUrl);
        return ExitCode.ok;
      }),
    );
};

const defineDelete: Define = (command, act) => {
  addWebhookOptions(command.command("delete"))
    .description("Delete webhooks, and read the list again to make sure.")
    .addHelpText("before", examples("zoho-hooks webhooks delete 460000000026049 --product inventory"))
    .argument("<id...>", "the webhooks' ids")
    .option("-y, --yes", "do not ask")
    .option("--dry-run", "print the requests, delete nothing; needs no sign-in")
    .action(
      act((context, ids: readonly string[], options: WebhookOptions & { readonly yes?: boolean }) =>
        deleteWebhooks(context, loadConfig(context), chosenProduct(options), ids, options),
      ),
    );
};

const defineFailures: Define = (command, act) => {
  command
    .command("failures")
    .description("List deliveries that failed on Zoho's side, and ask Zoho to resend them.")
    .addHelpText(
      "before",
      examples(
        "zoho-hooks webhooks failures",
        "zoho-hooks webhooks failures --product crm --since 2026-05-01T10:00",
        "zoho-hooks webhooks failures --product salesiq --resend",
      ),
    )
    .option(
      `--product <${failureLogs.map(({ id }) => id).join("|")}>`,
      "only this product (default: all that the sign-in may read)",
    )
    .option(
      "--since <time>",
      "only what failed in the last 10m, 2h or 7d, or since yesterday, 2026-05-01 or 2026-05-01T10:00",
      "7d",
    )
    .option("--resend", "ask Zoho to send them again (SalesIQ)")
    .option("-y, --yes", "do not ask")
    .option("--org <name>", "the screen name of the SalesIQ portal (default: the only one that you have access to)")
    .addHelpText("after", FAILURES_HELP)
    .action(
      act((context, options: FailuresOptions & { readonly since: string }) => {
        const logs = chosenLogs(options);
        const since = parseTime(options.since, "--since", context.now());
        return failures(context, loadConfig(context), logs, since, options);
      }),
    );
};

const ids = managedProducts.map(({ id }) => id);

function addWebhookOptions(command: Command): Command {
  return command
    .option(`--product <${ids.join("|")}>`, "the product of the webhooks")
    .addOption(
      new Option("--org <id>", "the organisation (default: the only one that you have access to)").helpGroup(
        "More options:",
      ),
    );
}

function chosenProduct({ product }: WebhookOptions): ManagedProduct {
  if (product !== undefined) return requireManagedProduct(product, findProduct(products, product)?.title);
  throw usageError("--product is required", `add one of ${ids.map((id) => `--product ${id}`).join(", ")}`);
}

const HELP = `
Manages the webhooks of Zoho Desk, Books, Inventory and Sign, which exist until they are deleted. For other products no
API is known to be documented: the commands then say where in the product's settings to set up a webhook. CRM, Bigin and
Recruit notify through channels: see zoho-hooks channels.

Sign in first, with the scopes of the product: zoho-hooks login --product desk.
Zoho documents the API calls for Desk and Books. For Inventory and Sign, these are the calls that existing integrations
use.`;

const CREATE_HELP = `
Books, Inventory and Sign sign with a secret: the one that listen uses for the product in this project
(ZOHO_WEBHOOK_SECRET, or the product's own). If there is none, a new one is created and stored in .zoho-hooks/keys; a
running listen uses it at once. Desk signs with Zoho's own key.

Desk calls the URL first, and creates no webhook unless it gets a 200: start listen before you create one.
A webhook of Books or Inventory never fires unless a workflow rule calls it: --rule creates one.

Set everything else in Zoho: departments, fields, the state before a change, a description.`;

const FAILURES_HELP = `
Zoho CRM lists the failed webhooks of its workflow rules, of which one call asks for the last 89 days. It has no call
that sends one again, and does not list notifications of channels. SalesIQ lists what its REST webhooks could not deliver, and sends it again.

CRM needs an additional scope: zoho-hooks login --scope ZohoCRM.settings.automation_actions.READ`;
