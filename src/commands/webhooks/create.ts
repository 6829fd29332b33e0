import type { Context } from "../../context.ts";
import { ExitCode, errorText, UserError, usageError } from "../../core/errors.ts";
import { MASK } from "../../core/mask.ts";
import { requireOperation } from "../../zoho/webhooks/index.ts";
import type { ManagedProduct, Webhook, WebhookConfig, WebhookFilters } from "../../zoho/webhooks/managed-product.ts";
import { notifyUrl } from "../channels/channel-options.ts";
import { listenerUrl } from "../channels/listener-url.ts";
import type { Define } from "../command.ts";
import { namesFor } from "./event-names.ts";
import { nameOrphans, webhookReport } from "./list.ts";
import { showCalls } from "./show-call.ts";
import { type ChosenSecret, chooseSecret, type SecretOptions } from "./webhook-secret.ts";
import {
  addWebhookOptions,
  chosenProduct,
  type WebhookOptions,
  type WebhookSession,
  withWebhooks,
} from "./webhooks-session.ts";

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
    .description("Create a webhook, and read back what Zoho made of it.")
    .argument("<event...>", "Desk: Ticket_Add …; Sign: Completed …; Books, Inventory: one module, such as invoice")
    .option("--url <url>", "where Zoho shall post to (default: the public https URL of the listener in this project)")
    .option("--name <text>", "its name", "zoho-hooks")
    .option("--description <text>", "a word on what it is for (Desk, Books, Inventory)")
    .option("--secret-file <path>", "read the secret that it signs with from a file, - for standard input")
    .option("--unsigned", "let it sign nothing (Books, Inventory, Sign)")
    .option("--rule <kind>", "make the workflow rule that calls it, too: add, add_edit or delete (Books, Inventory)")
    .option("--departments <ids>", "only of these departments (Desk)")
    .option("--fields <a,b>", "only when one of these fields has changed (Desk, Ticket_Update)")
    .option("--previous", "with the state before the change (Desk, updates)")
    .option("--direction <way>", "in or out (Desk, Ticket_Thread_Add)")
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
        const url = notifyUrl(context, options.url ?? (await listenerUrl(context, product.id)));
        return withWebhooks(context, options, async (session) => {
          const chosen = await chooseSecret(context, session.config, product, options);
          const { name, description } = options;
          const config: WebhookConfig = { name, description, url, events, secret: chosen?.value, filters };
          const refusal = product.refuse?.(config);
          if (refusal !== undefined) throw usageError(refusal);
          const warning = product.warn?.(config);
          if (warning !== undefined) context.report({ type: "warning", message: warning });
          return options.dryRun === true
            ? showCreation(context, session, config, options.rule)
            : createWebhook(context, session, config, chosen, options);
        });
      }),
    );
};

const HELP = `
A webhook of Books, Inventory and Sign signs with a secret. It is the one that listen checks the product with in this
project (ZOHO_WEBHOOK_SECRET, or the product's own); where there is none, a new one is made and kept in .zoho-hooks/keys,
and a listen that is running knows it at once. Desk signs with a key of Zoho's own.

Desk tries the URL first, and makes no webhook unless something there answers with 200: start listen before.
A webhook of Books and Inventory never fires unless a workflow rule calls it: --rule makes one.

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

async function createWebhook(
  context: Context,
  session: WebhookSession,
  config: WebhookConfig,
  chosen: ChosenSecret | undefined,
  { rule, showSecrets }: CreateOptions,
): Promise<ExitCode> {
  const { product, centre } = session;
  const client = await session.client();
  const id = await context.waiting("creating the webhook", () => client.create(config));
  // Kept before anything else can fail: Sign never shows a secret again.
  keepSecret(context, product, id, chosen);
  const failure = rule === undefined ? undefined : await failureOf(client.addRule({ id, config }, rule));
  const listed = (await client.list()).find((webhook) => webhook.id === id);
  if (listed === undefined) {
    throw new UserError(
      "zohoApi",
      `${product.title} says that it has made webhook ${id}, and does not list it`,
      `look again in a moment: ${context.invocation} webhooks list --product ${product.id}`,
      "not_listed",
    );
  }
  const secret = chosen === undefined ? undefined : showSecrets === true ? chosen.value : MASK;
  context.report(webhookReport("created", product, listed, secret));
  warnOfDifferences(context, config, listed);
  if (failure !== undefined) {
    throw new UserError(
      "zohoApi",
      `webhook ${id} was created, and the workflow rule that is to call it was not: ${failure.message}`,
      `make the rule in ${product.title}'s settings, or delete the webhook: ${context.invocation} webhooks delete ${id} --product ${product.id}`,
      "no_rule",
    );
  }
  nameOrphans(context, product, [listed]);
  const note = product.note?.(config, id, centre);
  if (note !== undefined) context.report({ type: "notice", message: note });
  return ExitCode.ok;
}

function keepSecret(context: Context, { id: product }: ManagedProduct, id: string, chosen: ChosenSecret | undefined) {
  try {
    const file = chosen?.keep?.();
    if (file !== undefined) context.report({ type: "notice", message: `its secret is kept in ${file}` });
  } catch (error) {
    throw usageError(
      `webhook ${id} was created, and its secret could not be kept: ${errorText(error)}`,
      `delete it, and make it again: ${context.invocation} webhooks delete ${id} --product ${product}`,
    );
  }
}

async function failureOf(work: Promise<void>): Promise<UserError | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
}

/** Tells where what Zoho lists is not what was asked for. */
function warnOfDifferences(context: Context, asked: WebhookConfig, { id, url, events, enabled }: Webhook): void {
  const warn = (message: string): void => context.report({ type: "warning", message });
  if (url !== asked.url) warn(`Zoho posts to ${url ?? "an unknown URL"}, not to ${asked.url}`);
  const missing = asked.events.filter((event) => !events.includes(event));
  if (missing.length > 0) warn(`Zoho does not list ${missing.join(", ")} for webhook ${id}`);
  if (enabled === false) warn(`Zoho has made webhook ${id}, and not switched it on`);
}
