import { notifyUrl } from "../../channels/notify-url.ts";
import { eventNames, findFormat, findProduct, nearest } from "../../contract/event-names.ts";
import { listenerUrl } from "../../events/running-listener.ts";
import { products } from "../../products/index.ts";
import type { Context } from "../../project/context.ts";
import { examples } from "../../terminal/help.ts";
import { usageError } from "../../util/errors.ts";
import { requireOperation } from "../../webhooks/index.ts";
import { chooseSecret, makeWebhook, type SecretOptions } from "../../webhooks/make-webhook.ts";
import type { ManagedProduct, WebhookConfig, WebhookFilters } from "../../webhooks/managed-product.ts";
import {
  addWebhookOptions,
  chosenProduct,
  showCalls,
  type WebhookOptions,
  withWebhooks,
} from "../../webhooks/session.ts";
import type { Define } from "../command.ts";

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
      "the URL that Zoho posts to (default: the public https URL of this project's running listen)",
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
    .option("--dry-run", "print the request, send nothing; needs no sign-in")
    .addHelpText(
      "before",
      examples(
        "zoho-hooks webhooks create Ticket_Add Ticket_Update --product desk",
        "zoho-hooks webhooks create invoice --product books --rule add_edit --url https://example.com/hook",
        "zoho-hooks webhooks create Completed Declined --product sign --url https://example.com/hook",
      ),
    )
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
          const chosen = await chooseSecret(context, session, options);
          const { name, description, rule } = options;
          const config: WebhookConfig = { name, description, url, events, secret: chosen?.value, filters };
          const refusal = product.rejection?.(config);
          if (refusal !== undefined) throw usageError(refusal);
          const warning = product.warn?.(config);
          if (warning !== undefined) context.report({ type: "warning", message: warning });
          if (options.dryRun !== true)
            return makeWebhook(context, session, { config, chosen, rule, showSecret: options.showSecrets === true });
          const creation = requireOperation(product, "create").call(config);
          const ruleCall = rule === undefined ? undefined : product.rules?.call({ id: "<its id>", config }, rule);
          return showCalls(context, session, ruleCall === undefined ? [creation] : [creation, ruleCall]);
        });
      }),
    );
};

const HELP = `
Books, Inventory and Sign sign with a secret: the one that listen uses for the product in this project
(ZOHO_WEBHOOK_SECRET, or the product's own). If there is none, a new one is created and stored in .zoho-hooks/keys; a
running listen uses it at once. Desk signs with Zoho's own key.

Desk calls the URL first, and creates no webhook unless it gets a 200: start listen before you create one.
A webhook of Books or Inventory never fires unless a workflow rule calls it: --rule creates one.`;

/** Rejects filters that the product's API does not document, before anything is sent. */
function filtersFrom({ title, filters: documented }: ManagedProduct, options: CreateOptions): WebhookFilters {
  const items = (text: string | undefined): readonly string[] | undefined =>
    text?.split(",").flatMap((each) => each.trim() || []);
  const filters: WebhookFilters = {
    departments: items(options.departments),
    fields: items(options.fields),
    previous: options.previous,
    direction: options.direction,
  };
  for (const [name, value] of Object.entries(filters)) {
    if (value !== undefined && !documented.some((each) => each === name))
      throw usageError(`--${name} is not a documented filter of ${title}`, "leave it out");
  }
  return filters;
}

function refuseRule({ title, rules }: ManagedProduct, kind: string | undefined): void {
  if (kind === undefined || rules?.kinds.includes(kind)) return;
  throw rules === undefined
    ? usageError(`--rule: ${title} needs no workflow rules`, "leave it out")
    : usageError(`--rule ${kind} is not known`, `use one of ${rules.kinds.join(", ")}`);
}

/** Names in the product's spelling. Unknown ones are sent with a warning: Zoho adds names, and rejects wrong ones. */
function namesFor(context: Context, product: ManagedProduct, words: readonly string[]): readonly string[] {
  const { noun, many, aliases = {} } = product.events;
  const known = product.events.known ?? wireNames(product.id);
  if (words.length === 0) throw usageError(`no ${noun} given`, `name one, such as ${known.slice(0, 6).join(", ")}`);
  if (!many && words.length > 1)
    throw usageError(
      `a ${product.title} webhook has one ${noun}, but ${words.length} are given`,
      "create one for each",
    );
  const names = words
    .flatMap((word) => word.split(","))
    .flatMap((word) => word.trim() || [])
    .map((name) => {
      const found = known.find((each) => each.toLowerCase() === name.toLowerCase()) ?? aliases[name.toLowerCase()];
      if (found !== undefined) return found;
      const near = nearest(name, known, 3);
      context.report({
        type: "warning",
        message: `${JSON.stringify(name)} is not a known ${noun} of ${product.title}`,
        hint: near.length === 0 ? `known: ${known.join(", ")}` : `did you mean ${near.join(" or ")}?`,
      });
      return name;
    });
  return [...new Set(names)];
}

function wireNames(id: string): readonly string[] {
  const product = findProduct(products, id);
  const format = product === undefined ? undefined : findFormat(product, "wire");
  return format === undefined ? [] : eventNames(format);
}
