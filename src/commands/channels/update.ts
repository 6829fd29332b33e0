import { type ChannelRequest, writeRequest } from "../../channels/api.ts";
import { type Channel, type ChannelConfig, conditionsFor } from "../../channels/channel.ts";
import { warnOfDifferences } from "../../channels/differences.ts";
import { channelEvents } from "../../channels/events.ts";
import { chooseExpiry } from "../../channels/expiry.ts";
import { wholeConfig } from "../../channels/lifecycle.ts";
import { channelReport, requireChannel } from "../../channels/listing.ts";
import { notifyUrl } from "../../channels/notify-url.ts";
import { requireSuccess } from "../../channels/replies.ts";
import { withZoho, type ZohoSession } from "../../channels/session.ts";
import type { Context } from "../../project/context.ts";
import { examples } from "../../terminal/help.ts";
import { ExitCode, usageError } from "../../util/errors.ts";
import { isRejection } from "../../zoho-api/errors.ts";
import { showRequest, type ZohoOptions } from "../../zoho-api/session.ts";
import type { Define } from "../command.ts";
import { collect } from "../flags/index.ts";
import { addZohoOptions } from "../flags/zoho.ts";
import { channelId } from "./list.ts";
import { addChannelOptions, type ChannelOptions, conditionsFrom, rejectUnknownOptions, tokenFrom } from "./options.ts";

interface UpdateOptions extends ZohoOptions, Omit<ChannelOptions, "fields"> {
  /** False to take the conditions away. */
  readonly fields?: readonly string[] | false;
  readonly events?: readonly string[];
  readonly dryRun?: boolean;
}

export const defineUpdate: Define = (command, act) => {
  addChannelOptions(addZohoOptions(command.command("update")))
    .description("Change parts of a channel; everything else stays, including its expiry.")
    .argument("<id>", "the channel's id")
    .option("--no-related", "do not report changes to related records")
    .option("--no-values", "leave the changed values out")
    .option("--no-fields", "report every edit again, whichever field has changed")
    .option("--events <event>", "watch these events instead (repeatable)", collect)
    .option("--dry-run", "print the request, change nothing")
    .addHelpText(
      "before",
      examples(
        "zoho-hooks channels update 1735593600000 --url https://example.com/webhooks/zoho/crm",
        "zoho-hooks channels update 1735593600000 --events Leads.create,Deals.all",
      ),
    )
    .action(act(updateCommand));
};

async function updateCommand(context: Context, text: string, options: UpdateOptions): Promise<ExitCode> {
  const id = channelId(text);
  const { url, events, tokenFile, expires, fields, related, values } = options;
  if ([url, events, tokenFile, expires, fields, related, values].every((each) => each === undefined)) {
    throw usageError(
      "nothing to change",
      "add --events, --url, --token-file, --expires, --fields, --related or --values",
    );
  }
  return withZoho(context, options, async (session) => {
    const { product } = session;
    rejectUnknownOptions(product, options);
    const channel = await requireChannel(session, id);
    const before = await wholeConfig(session, id, channel);
    const watched = events === undefined ? before.events : channelEvents(product.id, events);
    const config: ChannelConfig = {
      ...before,
      events: watched,
      notifyUrl: url === undefined ? before.notifyUrl : notifyUrl(context, url),
      token: (await tokenFrom(context, options)) ?? before.token,
      related: related ?? before.related,
      values: values ?? before.values,
      conditions:
        fields === undefined
          ? conditionsFor(watched, before.conditions)
          : await conditionsFrom(session, context, fields === false ? [] : fields, watched),
    };
    const expiresAt =
      expires === undefined && channel.expiresAt !== undefined
        ? channel.expiresAt
        : chooseExpiry(expires, product.lifetime, session.now());
    const request = { config, expiresAt };
    if (options.dryRun === true) return showRequest(context, session, writeRequest(product, "PUT", [request]));
    const after = await context.waiting("updating the channel", () => update(context, session, before, request));
    context.report(channelReport(session, "updated", after));
    warnOfDifferences(context, session, { ...config, expiresAt }, after);
    return ExitCode.ok;
  });
}

/**
 * Writes a channel and reads it back. Until that is done both tokens are valid here: Zoho may use the new one although
 * its answer is lost, and a listener that knew only the old one would reject its deliveries.
 */
async function update(
  context: Context,
  session: ZohoSession,
  before: ChannelConfig,
  request: ChannelRequest,
): Promise<Channel> {
  const { client, command, memory } = session;
  const { config, expiresAt } = request;
  const known = await memory.recall(config.id);
  const otherToken = before.token === config.token ? known?.otherToken : before.token;
  await memory.remember({ ...config, otherToken });
  const warn = (message: string): void =>
    context.report({
      type: "warning",
      message,
      hint: `see ${command("list")}${otherToken === undefined ? "" : "; until then both its old and its new token are accepted"}`,
    });
  try {
    requireSuccess(await client.replace([request]));
  } catch (error) {
    if (!isRejection(error)) warn(`channel ${config.id} may have been updated: Zoho did not answer`);
    else await memory.restore(config.id, known);
    throw error;
  }
  const after = await requireChannel(session, config.id).catch((error: unknown) => {
    warn(`channel ${config.id} was updated, but could not be read back`);
    throw error;
  });
  await memory.remember({ ...config, token: after.token ?? config.token, expiresAt });
  return after;
}
