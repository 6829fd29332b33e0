import { type Channel, type ChannelConfig, conditionsFor } from "../../channels/channel.ts";
import { type ChannelRequest, readChannelId, requireSuccess, writeRequest } from "../../channels/client.ts";
import { fieldConditions } from "../../channels/conditions.ts";
import { warnOfDifferences } from "../../channels/create.ts";
import { channelEvents } from "../../channels/events.ts";
import { chooseExpiry } from "../../channels/expiry.ts";
import { notifyUrl } from "../../channels/notify-url.ts";
import { wholeConfig } from "../../channels/renew.ts";
import { channelReport } from "../../channels/reports.ts";
import { requireChannel, withZoho, type ZohoSession } from "../../channels/session.ts";
import type { Context } from "../../project/context.ts";
import { loadConfig } from "../../project/load.ts";
import { readSecretFile } from "../../project/secret-variables.ts";
import { ExitCode, usageError } from "../../util/errors.ts";
import { isRejection } from "../../zoho-api/errors.ts";
import { showRequest } from "../../zoho-api/session.ts";
import { type ChannelOptions, rejectUnknownOptions, tokenOf } from "./options.ts";

interface UpdateOptions extends ChannelOptions {
  readonly events?: readonly string[];
  /** Another token than the configured one: the channel may post to an app that has its own. */
  readonly tokenFile?: string;
}

export async function update(context: Context, text: string, options: UpdateOptions): Promise<ExitCode> {
  const id = readChannelId(text);
  const { url, events, tokenFile, expires, fields, related, values } = options;
  if ([url, events, tokenFile, expires, fields, related, values].every((each) => each === undefined)) {
    throw usageError(
      "nothing to change",
      "add --events, --url, --token-file, --expires, --fields, --related or --values",
    );
  }
  return withZoho(context, loadConfig(context), options, async (session) => {
    const { product } = session;
    rejectUnknownOptions(product, options);
    const channel = await requireChannel(session, id);
    const before = await wholeConfig(session, id, channel);
    const watched = events === undefined ? before.events : channelEvents(product.id, events);
    const config: ChannelConfig = {
      ...before,
      events: watched,
      notifyUrl: url === undefined ? before.notifyUrl : notifyUrl(context, url, session),
      token:
        tokenFile === undefined
          ? before.token
          : tokenOf(await readSecretFile(context, tokenFile, "--token-file"), product),
      related: related ?? before.related,
      values: values ?? before.values,
      conditions:
        fields === undefined
          ? conditionsFor(watched, before.conditions)
          : await fieldConditions(session, fields || [], watched, context.signal),
    };
    const isKept = expires === undefined && channel.expiresAt !== undefined;
    const expiresAt = isKept ? channel.expiresAt : chooseExpiry(expires, product.lifetime, session.now());
    const request = { config, expiresAt };
    if (options.dryRun) return showRequest(context, session, writeRequest(product, "PUT", [request]));
    const after = await context.waiting("updating the channel", () => write(context, session, before, request));
    context.report(channelReport(session, "updated", after));
    warnOfDifferences(context, session, { ...config, expiresAt }, after);
    return ExitCode.ok;
  });
}

/**
 * Writes a channel and reads it back. Until that is done both tokens are valid here: Zoho may use the new one although
 * its answer is lost, and a listener that knew only the old one would reject its deliveries.
 */
async function write(
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
  const warn = (message: string): void => {
    const until = otherToken === undefined ? "" : "; until then both its old and its new token are accepted";
    context.report({ type: "warning", message, hint: `see ${command("list")}${until}` });
  };
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
