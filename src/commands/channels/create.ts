import type { Context } from "../../context.ts";
import { ExitCode, usageError } from "../../core/errors.ts";
import { oneLine } from "../../core/one-line.ts";
import { products } from "../../products/index.ts";
import { isRefusal } from "../../zoho/api-error.ts";
import { chooseExpiry, expiryBy, zohoTime } from "../../zoho/channel-time.ts";
import { type ChannelConfig, generateChannelId, generateToken } from "../../zoho/channels.ts";
import { writeRequest } from "../../zoho/watch.ts";
import { findWatchProduct } from "../../zoho/watch-products.ts";
import { channelEvents } from "../channel-events.ts";
import type { Define } from "../command.ts";
import { tellMistypedModules } from "../mistyped-modules.ts";
import { showRequest } from "../unsent-request.ts";
import { addZohoOptions, withZoho, type ZohoOptions, type ZohoSession } from "../zoho-session.ts";
import {
  addChannelOptions,
  type ChannelOptions,
  conditionsFrom,
  notifyUrl,
  refuseUnknownOptions,
  tokenFrom,
} from "./channel-options.ts";
import { channelReport, newChannelId } from "./channel-view.ts";
import { listenerUrl } from "./listener-url.ts";
import { askForChannel, settleChannel, warnOfDifferences } from "./make-channel.ts";

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
    .addHelpText("after", HELP)
    .action(
      act(async (context, names: readonly string[], options: CreateOptions) => {
        const product = findWatchProduct(options.product ?? "crm", options.apiVersion).id;
        const events = channelEvents(product, names);
        tellMistypedModules(
          context,
          products,
          events.map((event) => `${product}:${event}`),
        );
        const url = notifyUrl(context, options.url ?? (await listenerUrl(context, product)));
        const id = options.id === undefined ? generateChannelId(context.now()) : newChannelId(options.id);
        return withZoho(context, options, async (session) => {
          const { product } = session;
          refuseUnknownOptions(product, options);
          const expiresAt = chooseExpiry(options.expires, product.lifetime, session.now());
          const end = (now: Date): Date => expiryBy(now, options.expires, product.lifetime);
          const config: ChannelConfig = {
            id,
            events,
            notifyUrl: url,
            token: (await tokenFrom(context, options)) ?? generateToken(),
            related: product.options.related ? options.related === true : undefined,
            values: product.options.values ? options.values === true : undefined,
            conditions: await conditionsFrom(session, context, options.fields, events),
          };
          if (options.dryRun === true) {
            return showRequest(context, session, writeRequest(product, "POST", [{ config, expiresAt }]));
          }
          if (options.id !== undefined) await refuseTaken(session, id);
          const granted = await context
            .waiting("creating the channel", () => askForChannel(session, config, end))
            .catch((error: unknown) => {
              if (!isRefusal(error)) warnOfLeftOver(context, session, id);
              throw error;
            });
          const channel = await context
            .waiting("reading it back", () => settleChannel(session, config, granted))
            .catch((error: unknown) => {
              warnOfUnread(context, session, id, granted.expiresAt);
              throw error;
            });
          const show = options.showSecrets === true;
          context.report(channelReport("created", product.id, channel, session.now(), show));
          warnOfDifferences(context, session, { ...config, expiresAt: granted.asked }, channel);
          return ExitCode.ok;
        });
      }),
    );
};

const URL_HELP = "the URL for Zoho to post to (default: the public https URL of the listen that runs in this project)";

const HELP = `
The channel's token is saved with your profile, so that zoho-hooks listen can check it. To choose it yourself, use
--token-file.

Examples:
  $ zoho-hooks channels create Leads.create Deals.all --url https://example.com/webhooks/zoho/crm
  $ zoho-hooks channels create Deals.edit --fields Stage,Amount --values --url https://example.com/hook
  $ zoho-hooks channels create Contacts.all --product bigin --url https://example.com/hook
`;

function warnOfLeftOver(context: Context, { command }: ZohoSession, id: string): void {
  context.report({
    type: "warning",
    message: `channel ${id} may have been created: Zoho's answer did not come`,
    hint: `see ${command("list")}; its token is kept in case it is there`,
  });
}

function warnOfUnread(context: Context, { command }: ZohoSession, id: string, end: Date | undefined): void {
  context.report({
    type: "warning",
    message: `channel ${id} was created${end === undefined ? "" : `, until ${zohoTime(end)}`}, and could not be read back`,
    hint: `it is there: ${command(`delete ${id}`)} takes it away again`,
  });
}

/** Zoho would set a channel of that id anew, and drop the events and the token that it has. */
async function refuseTaken({ client, command, product }: ZohoSession, id: string): Promise<void> {
  // Who may only create may not look: then nothing is known.
  const taken = await client.get(id).catch(() => undefined);
  if (taken === undefined) return;
  throw usageError(
    `${product.title} has a channel ${id} already, for ${oneLine(taken.events.join(", "))}`,
    `change that one: ${command(`update ${id}`)}; or leave --id out for a new one`,
  );
}
