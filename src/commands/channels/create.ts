import { writeRequest } from "../../channels/api.ts";
import { type ChannelConfig, generateChannelId, generateToken } from "../../channels/channel.ts";
import { readBack, requestChannel } from "../../channels/create.ts";
import { warnOfDifferences } from "../../channels/differences.ts";
import { channelEvents } from "../../channels/events.ts";
import { chooseExpiry, expiryBy } from "../../channels/expiry.ts";
import { channelReport } from "../../channels/listing.ts";
import { notifyUrl } from "../../channels/notify-url.ts";
import { findWatchProduct } from "../../channels/products.ts";
import { withZoho, type ZohoSession } from "../../channels/session.ts";
import { warnOfMistypedModules } from "../../custom/project-products.ts";
import { listenerUrl } from "../../events/running-listener.ts";
import { products } from "../../products/index.ts";
import type { Context } from "../../project/context.ts";
import { examples } from "../../terminal/help.ts";
import { ExitCode, usageError } from "../../util/errors.ts";
import { oneLine } from "../../util/text.ts";
import { isRejection } from "../../zoho-api/errors.ts";
import { showRequest, type ZohoOptions } from "../../zoho-api/session.ts";
import { zohoTime } from "../../zoho-api/time.ts";
import type { Define } from "../command.ts";
import { addZohoOptions } from "../flags/zoho.ts";
import { newChannelId } from "./list.ts";
import {
  addChannelOptions,
  type ChannelOptions,
  conditionsFrom,
  configuredToken,
  rejectUnknownOptions,
  tokenFrom,
} from "./options.ts";

interface CreateOptions extends ZohoOptions, ChannelOptions {
  readonly id?: string;
  readonly dryRun?: boolean;
  readonly showSecrets?: boolean;
}

export const defineCreate: Define = (command, act) => {
  addChannelOptions(addZohoOptions(command.command("create")), URL_HELP)
    .description("Create a channel, and read it back from Zoho.")
    .argument(
      "<event...>",
      "Leads.create, Deals.all, …: <Module>.<create, edit, delete or all>; update is the same as edit",
    )
    .option("--id <digits>", "the channel's id (default: a new one)")
    .option("--show-secrets", "show the token instead of masking it")
    .option("--dry-run", "print the request, send nothing")
    .addHelpText(
      "before",
      examples(
        "zoho-hooks channels create Leads.create Deals.all --url https://example.com/webhooks/zoho/crm",
        "zoho-hooks channels create Deals.edit --fields Stage,Amount --values --url https://example.com/hook",
        "zoho-hooks channels create Contacts.all --product bigin --url https://example.com/hook",
      ),
    )
    .addHelpText("after", HELP)
    .action(act(create));
};

const URL_HELP = "the URL that Zoho posts to (default: the public https URL of this project's running listen)";

const HELP = `
The channel's token is that of --token-file, else of ZOHO_WEBHOOK_TOKEN (or ZOHO_WEBHOOK_TOKEN_CRM and the like), else a
new one. It is saved with your profile, so that zoho-hooks listen can verify it.`;

async function create(context: Context, names: readonly string[], options: CreateOptions): Promise<ExitCode> {
  const { id: productId } = findWatchProduct(options.product ?? "crm");
  const events = channelEvents(productId, names);
  const typed = events.map((event) => `${productId}:${event}`);
  warnOfMistypedModules(context, products, typed);
  const url = notifyUrl(context, options.url ?? (await listenerUrl(context, productId)));
  const id = options.id === undefined ? generateChannelId(context.now()) : newChannelId(options.id);
  return withZoho(context, options, async (session) => {
    const { command, product } = session;
    rejectUnknownOptions(product, options);
    const expiresAt = chooseExpiry(options.expires, product.lifetime, session.now());
    const given = await tokenFrom(context, options);
    const chosenToken = given ?? configuredToken(session.config, productId);
    const config: ChannelConfig = {
      id,
      events,
      notifyUrl: url,
      token: chosenToken ?? generateToken(),
      related: product.options.related ? options.related === true : undefined,
      values: product.options.values ? options.values === true : undefined,
      conditions: await conditionsFrom(session, context, options.fields, events),
    };
    context.knownSecrets.remember(config.token);
    if (options.dryRun === true) {
      return showRequest(context, session, writeRequest(product, "POST", [{ config, expiresAt }]));
    }
    if (options.id !== undefined) await rejectTaken(session, id);
    const endBy = (now: Date): Date => expiryBy(now, options.expires, product.lifetime);
    const warn = (message: string, hint: string): void => context.report({ type: "warning", message, hint });
    const granted = await context
      .waiting("creating the channel", () => requestChannel(session, config, endBy))
      .catch((error: unknown) => {
        const hint = `see ${command("list")}; if it exists, its token is already saved here`;
        if (!isRejection(error)) warn(`channel ${id} may have been created: Zoho did not answer`, hint);
        throw error;
      });
    const channel = await context
      .waiting("reading it back", () => readBack(session, config, granted))
      .catch((error: unknown) => {
        const until = granted.expiresAt === undefined ? "" : `, until ${zohoTime(granted.expiresAt)}`;
        const hint = `it exists: delete it with ${command(`delete ${id}`)}`;
        warn(`channel ${id} was created${until}, but could not be read back`, hint);
        throw error;
      });
    context.report(channelReport(session, "created", channel, options.showSecrets));
    if (chosenToken === undefined) {
      const message = `its token is a new one, which listen on this machine knows; for your app: ${command(`show ${id} --show-secrets`)}`;
      context.report({ type: "notice", message });
    }
    warnOfDifferences(context, session, { ...config, expiresAt: granted.requested }, channel);
    return ExitCode.ok;
  });
}

/** Zoho would overwrite the channel that has this id. */
async function rejectTaken({ client, command, product }: ZohoSession, id: string): Promise<void> {
  // A sign-in that may only create cannot look.
  const taken = await client.get(id).catch(() => undefined);
  if (taken === undefined) return;
  throw usageError(
    `${product.title} already has a channel ${id}, for ${oneLine(taken.events.join(", "))}`,
    `change it with ${command(`update ${id}`)}, or leave --id out to create a new one`,
  );
}
