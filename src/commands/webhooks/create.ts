import type { Context } from "../../context.ts";
import { eventNames, findFormat, findProduct, nearest } from "../../core/event-names.ts";
import { products } from "../../products/index.ts";
import { type ExitCode, usageError } from "../../util/errors.ts";
import { requireOperation } from "../../zoho/webhooks/index.ts";
import type { ManagedProduct, WebhookConfig, WebhookFilters } from "../../zoho/webhooks/managed-product.ts";
import { listenerUrl, notifyUrl } from "../channels/options.ts";
import type { Define } from "../command.ts";
import { showCalls } from "./delete.ts";
import { chooseSecret, makeWebhook, type SecretOptions } from "./make-webhook.ts";
import { addWebhookOptions, chosenProduct, type WebhookOptions, type WebhookSession, withWebhooks } from "./session.ts";

interface CreateOptions extends WebhookOptions, SecretOptions {
  readonly url?: string;
  readonly name: string;
  readonly description?: string;
  readonly rule?: string;
  readonly departments?: string;
  readonly fields?: string;
  readonly previous?: boolean;
  readonly direction?: string;
  readonly dryRun?: boolean;
  readonly showSecrets?: boolean;
}

export const defineCreate: Define = (command, act) => {
  addWebhookOptions(command.command("create"))
    .description("Create a webhook, and read it back from Zoho.")
    .argument("<event...>", "Desk: Ticket_Add …; Sign: Completed …; Books, Inventory: one module, such as invoice")
    .option(
      "--url <url>",
      "the URL for Zoho to post to (default: the public https URL of the listen that runs in this project)",
    )
    .option("--name <text>", "the webhook's name", "zoho-hooks")
    .option("--description <text>", "what it is for (Desk, Books, Inventory)")
    .option("--secret-file <path>", "read the signing secret from a file, - for standard input")
    .option("--unsigned", "create it without a signing secret (Books, Inventory, Sign)")
    .option("--rule <add|add_edit|delete>", "also create the workflow rule that calls it (Books, Inventory)")
    .option("--departments <ids>", "only events of these departments (Desk)")
    .option("--fields <a,b>", "only if one of these fields has changed (Desk, Ticket_Update)")
    .option("--previous", "include the state before the change (Desk, updates)")
    .option("--direction <way>", "only this direction: in or out (Desk, Ticket_Thread_Add)")
    .option("--show-secrets", "show the secret instead of masking it")
    .option("--dry-run", "print the request, send nothing")
    .addHelpText("after", HELP)
    .action(
      act(async (context, words: readonly string[], options: CreateOptions) => {
        const product = chosenProduct(options);
        requireOperation(product, "create");
        const filters = filtersFrom(product, options);
        refuseRule(product, options.rule);
        const events = namesFor(context, product, words);
        const url = notifyUrl(context, options.url ?? (await listenerUrl(context, product.id)), product);
        return withWebhooks(context, options, async (session) => {
          const chosen = await chooseSecret(context, session.config, product, options);
          const { name, description } = options;
          const config: WebhookConfig = { name, description, url, events, secret: chosen?.value, filters };
          const refusal = product.rejection?.(config);
          if (refusal !== undefined) throw usageError(refusal);
          const warning = product.warn?.(config);
          if (warning !== undefined) context.report({ type: "warning", message: warning });
          return options.dryRun === true
            ? showCreation(context, session, config, options.rule)
            : makeWebhook(context, session, { config, chosen, rule: options.rule, show: options.showSecrets === true });
        });
      }),
    );
};

const HELP = `
Webhooks of Books, Inventory and Sign are signed with a secret. It is the one that listen checks the product with in this
project (ZOHO_WEBHOOK_SECRET, or the product's own). If there is none, a new one is created and saved in .zoho-hooks/keys;
a running listen uses it at once. Desk signs with Zoho's own key.

Desk calls the URL first, and creates no webhook unless it gets a 200: start listen before you create one.
A webhook of Books or Inventory never fires unless a workflow rule calls it: --rule creates one.

Examples:
  $ zoho-hooks webhooks create Ticket_Add Ticket_Update --product desk
  $ zoho-hooks webhooks create invoice --product books --rule add_edit --url https://example.com/hook
  $ zoho-hooks webhooks create Completed Declined --product sign --url https://example.com/hook
`;

const list = (text: string | undefined): readonly string[] | undefined =>
  text?.split(",").flatMap((each) => each.trim() || []);

/** Refuses what the product's API does not document, before anything is sent. */
function filtersFrom(product: ManagedProduct, options: CreateOptions): WebhookFilters {
  const filters: WebhookFilters = {
    departments: list(options.departments),
    fields: list(options.fields),
    previous: options.previous,
    direction: options.direction,
  };
  const foreign = Object.entries(filters).find(
    ([name, value]) => value !== undefined && !product.filters.some((each) => each === name),
  );
  if (foreign === undefined) return filters;
  throw usageError(`--${foreign[0]} is not known to be a filter of ${product.title}`, "leave it out");
}

function refuseRule({ title, rules }: ManagedProduct, kind: string | undefined): void {
  if (kind === undefined || rules?.kinds.includes(kind)) return;
  throw rules === undefined
    ? usageError(`--rule: ${title} posts without workflow rules`, "leave it out")
    : usageError(`--rule ${kind} is not known`, `use one of ${rules.kinds.join(", ")}`);
}

function showCreation(
  context: Context,
  session: WebhookSession,
  config: WebhookConfig,
  rule: string | undefined,
): ExitCode {
  const { product } = session;
  const creation = requireOperation(product, "create").call(config);
  const calls = rule === undefined ? [] : [product.rules?.call({ id: "<its id>", config }, rule)];
  return showCalls(context, session, [creation, ...calls.filter((each) => each !== undefined)]);
}

/**
 * The names in the product's own spelling. One that is not known is sent as it is written, with a warning: Zoho adds
 * names, and says no to those that it does not know.
 */
function namesFor(context: Context, product: ManagedProduct, words: readonly string[]): readonly string[] {
  const { noun, many, aliases = {} } = product.events;
  const known = product.events.known ?? wireNames(product.id);
  if (words.length === 0) throw usageError(`which ${noun}? none is named`, `such as ${known.slice(0, 6).join(", ")}`);
  if (!many && words.length > 1)
    throw usageError(`a webhook of ${product.title} is of one ${noun}, and ${words.length} are named`, "make one each");
  const names = words
    .flatMap((word) => word.split(","))
    .filter((word) => word.trim() !== "")
    .map((word) => {
      const name = word.trim();
      const found = known.find((each) => each.toLowerCase() === name.toLowerCase()) ?? aliases[name.toLowerCase()];
      if (found === undefined) warnOfUnknown(context, product, name, known);
      return found ?? name;
    });
  return [...new Set(names)];
}

function wireNames(id: string): readonly string[] {
  const product = findProduct(products, id);
  const format = product === undefined ? undefined : findFormat(product, "wire");
  return format === undefined ? [] : eventNames(format);
}

function warnOfUnknown(context: Context, product: ManagedProduct, name: string, known: readonly string[]): void {
  const near = nearest(name, known, 3);
  context.report({
    type: "warning",
    message: `${JSON.stringify(name)} is no ${product.events.noun} of ${product.title} that is known here`,
    hint: near.length === 0 ? `known: ${known.join(", ")}` : `did you mean ${near.join(" or ")}?`,
  });
}
