import type { ChannelConfig } from "../../channels/channel.ts";
import { channelEvents } from "../../channels/channel-events.ts";
import { writeRequest } from "../../channels/client.ts";
import { fieldConditions, readFields } from "../../channels/conditions.ts";
import { readBack, requestChannel, warnOfDifferences, warnOfDoubles } from "../../channels/create.ts";
import { chooseExpiry, expiryBy } from "../../channels/expiry.ts";
import { generateChannelId, generateToken } from "../../channels/generate.ts";
import { channelLine } from "../../channels/lines.ts";
import { notifyUrl } from "../../channels/notify-url.ts";
import { withZoho } from "../../channels/session.ts";
import { findWatchProduct } from "../../channels/watch-products.ts";
import { listenerUrl } from "../../history/running-listener.ts";
import { warnOfMistypedModules } from "../../own-products/project-products.ts";
import { products } from "../../products/index.ts";
import { loadConfig } from "../../project/load.ts";
import { ExitCode, usageError } from "../../util/errors.ts";
import { isRejection } from "../../zoho-api/errors.ts";
import { showRequest, usesLocalZoho } from "../../zoho-api/session.ts";
import { zohoTime } from "../../zoho-api/time.ts";
import type { CommandContext } from "../command.ts";
import { type ChannelOptions, rejectUnknownOptions, tokenOf } from "./options.ts";

export async function create(
  context: CommandContext,
  names: readonly string[],
  options: ChannelOptions,
): Promise<ExitCode> {
  const { id: productId } = findWatchProduct(options.product ?? "crm");
  const events = channelEvents(productId, names);
  const typed = events.map((event) => `${productId}:${event}`);
  warnOfMistypedModules(context, products, typed);
  const project = loadConfig(context, { needsSecrets: true });
  const isZohoLocal = await usesLocalZoho(context, project, options.profile);
  const urlFrom = (text: string): string => notifyUrl(context, text, { isZohoLocal });
  const urlOfListener = async () => urlFrom(await listenerUrl(context, project, productId, isZohoLocal));
  const given =
    options.url !== undefined ? urlFrom(options.url) : options.id === undefined ? await urlOfListener() : undefined;
  const id = options.id === undefined ? generateChannelId() : checkedId(options.id);
  return withZoho(context, project, options, async (session) => {
    const { client, command, memory, product } = session;
    rejectUnknownOptions(product, options);
    // A sign-in that may only create cannot look.
    const present = options.id === undefined ? undefined : await client.get(id).catch(() => undefined);
    const presentToken = present && (present.token ?? (await memory.recall(id))?.token);
    const expiresAt = chooseExpiry(options.expires, product.lifetime, session.now());
    const [configured] = session.config.secrets.for("token", productId);
    const chosenToken = configured === undefined ? presentToken : tokenOf(configured, product);
    const config: ChannelConfig = {
      id,
      events,
      notifyUrl: given ?? present?.notifyUrl ?? (await urlOfListener()),
      token: chosenToken ?? generateToken(),
      related: product.hasOptions ? options.related === true : undefined,
      values: product.hasOptions ? options.values === true : undefined,
      conditions: await fieldConditions(session, readFields(options.fields ?? [], events), context.signal),
    };
    context.knownSecrets.remember(config.token);
    if (options.dryRun) {
      const request = writeRequest(product, present === undefined ? "POST" : "PUT", [{ config, expiresAt }]);
      return showRequest(context, session, request);
    }
    const state = present === undefined ? "created" : "updated";
    const warn = (message: string, hint: string): void => context.report({ type: "warning", message, hint });
    const endBy = (now: Date): Date => expiryBy(now, options.expires, product.lifetime);
    const granted = await context
      .waiting("creating the channel", () => requestChannel(session, config, endBy, present))
      .catch((error: unknown) => {
        const tokens = present === undefined ? "if it exists, its token is already saved here" : BOTH_TOKENS;
        const hint = `see ${command("list")}; ${tokens}`;
        if (!isRejection(error)) warn(`channel ${id} may have been ${state}: Zoho did not answer`, hint);
        throw error;
      });
    const { channel, others } = await context
      .waiting("reading it back", () => readBack(session, config, granted))
      .catch((error: unknown) => {
        const until = granted.expiresAt === undefined ? "" : `, until ${zohoTime(granted.expiresAt)}`;
        const hint = `it exists: delete it with ${command(`delete ${id}`)}`;
        warn(`channel ${id} was ${state}${until}, but could not be read back`, hint);
        throw error;
      });
    context.report(channelLine(session, state, channel));
    const message = `a new token was created; listen on this machine uses it. For your app: ${command(`show ${id} --show-secrets`)}`;
    if (chosenToken === undefined) context.report({ type: "notice", message });
    warnOfDifferences(context, session, { ...config, expiresAt: granted.requested }, channel);
    warnOfDoubles(context, session, { channel, others }, id);
    return ExitCode.ok;
  });
}

const BOTH_TOKENS = "until then both its old and its new token are accepted";

/** An id as all versions of the API accept it. Text, as 19 digits do not fit a number. */
function checkedId(text: string): string {
  if (/^-?\d{1,19}$/.test(text)) return text;
  throw usageError(`${JSON.stringify(text)} is not a channel id`, "an id has up to 19 digits");
}
