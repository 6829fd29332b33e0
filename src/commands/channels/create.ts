import { type ChannelConfig, generateChannelId, generateToken } from "../../channels/channel.ts";
import { writeRequest } from "../../channels/client.ts";
import { fieldConditions } from "../../channels/conditions.ts";
import { readBack, requestChannel, warnOfDifferences, warnOfDoubles } from "../../channels/create.ts";
import { channelEvents } from "../../channels/events.ts";
import { chooseExpiry, expiryBy } from "../../channels/expiry.ts";
import { notifyUrl } from "../../channels/notify-url.ts";
import { channelReport } from "../../channels/reports.ts";
import { withZoho, type ZohoSession } from "../../channels/session.ts";
import { findWatchProduct } from "../../channels/watch-products.ts";
import { warnOfMistypedModules } from "../../custom/project-products.ts";
import { listenerUrl } from "../../events/running-listener.ts";
import { products } from "../../products/index.ts";
import type { Context } from "../../project/context.ts";
import { loadConfig } from "../../project/load.ts";
import { ExitCode, usageError } from "../../util/errors.ts";
import { oneLine } from "../../util/text.ts";
import { isRejection } from "../../zoho-api/errors.ts";
import { showRequest, usesLocalZoho } from "../../zoho-api/session.ts";
import { zohoTime } from "../../zoho-api/time.ts";
import { type ChannelOptions, rejectUnknownOptions, tokenOf } from "./options.ts";

interface CreateOptions extends ChannelOptions {
  readonly id?: string;
  readonly showSecrets?: boolean;
}

export async function create(context: Context, names: readonly string[], options: CreateOptions): Promise<ExitCode> {
  const { id: productId } = findWatchProduct(options.product ?? "crm");
  const events = channelEvents(productId, names);
  const typed = events.map((event) => `${productId}:${event}`);
  warnOfMistypedModules(context, products, typed);
  const project = loadConfig(context, { needsSecrets: true });
  const isZohoLocal = await usesLocalZoho(context, project, options.profile);
  const given = options.url ?? (await listenerUrl(context, project, productId, isZohoLocal));
  const url = notifyUrl(context, given, { isZohoLocal });
  const id = options.id === undefined ? generateChannelId() : newChannelId(options.id);
  return withZoho(context, project, options, async (session) => {
    const { command, product } = session;
    rejectUnknownOptions(product, options);
    const expiresAt = chooseExpiry(options.expires, product.lifetime, session.now());
    const [configured] = session.config.secrets.for("token", productId);
    const chosenToken = configured && tokenOf(configured, product);
    const config: ChannelConfig = {
      id,
      events,
      notifyUrl: url,
      token: chosenToken ?? generateToken(),
      related: product.hasOptions ? options.related === true : undefined,
      values: product.hasOptions ? options.values === true : undefined,
      conditions: await fieldConditions(session, options.fields || [], events, context.signal),
    };
    context.knownSecrets.remember(config.token);
    if (options.dryRun) return showRequest(context, session, writeRequest(product, "POST", [{ config, expiresAt }]));
    if (options.id !== undefined) await rejectTaken(session, id);
    const warn = (message: string, hint: string): void => context.report({ type: "warning", message, hint });
    const endBy = (now: Date): Date => expiryBy(now, options.expires, product.lifetime);
    const granted = await context
      .waiting("creating the channel", () => requestChannel(session, config, endBy))
      .catch((error: unknown) => {
        const hint = `see ${command("list")}; if it exists, its token is already saved here`;
        if (!isRejection(error)) warn(`channel ${id} may have been created: Zoho did not answer`, hint);
        throw error;
      });
    const { channel, others } = await context
      .waiting("reading it back", () => readBack(session, config, granted))
      .catch((error: unknown) => {
        const until = granted.expiresAt === undefined ? "" : `, until ${zohoTime(granted.expiresAt)}`;
        const hint = `it exists: delete it with ${command(`delete ${id}`)}`;
        warn(`channel ${id} was created${until}, but could not be read back`, hint);
        throw error;
      });
    context.report(channelReport(session, "created", channel, options.showSecrets));
    const message = `a new token was created; listen on this machine uses it. For your app: ${command(`show ${id} --show-secrets`)}`;
    if (chosenToken === undefined) context.report({ type: "notice", message });
    warnOfDifferences(context, session, { ...config, expiresAt: granted.requested }, channel);
    warnOfDoubles(context, session, { channel, others }, id);
    return ExitCode.ok;
  });
}

/** An id as all versions of the API accept it. Text, as 19 digits do not fit a number. */
function newChannelId(text: string): string {
  if (/^-?\d{1,19}$/.test(text)) return text;
  throw usageError(`${JSON.stringify(text)} is not a channel id`, "an id has up to 19 digits");
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
