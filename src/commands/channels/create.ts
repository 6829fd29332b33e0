import type { Context } from "../../context.ts";
import { differentUrl } from "../../core/mask.ts";
import { products } from "../../products/index.ts";
import { examples } from "../../reports/help.ts";
import { ExitCode, usageError } from "../../util/errors.ts";
import { oneLine } from "../../util/text.ts";
import { findWatchProduct, writeRequest } from "../../zoho/channels/api.ts";
import {
  type Channel,
  type ChannelConfig,
  chooseExpiry,
  expiryBy,
  generateChannelId,
  generateToken,
  grantWarning,
  MINUTE_MS,
  zohoTime,
} from "../../zoho/channels/channel.ts";
import { expandEvents } from "../../zoho/channels/events.ts";
import { type GrantedResult, requireSuccess } from "../../zoho/channels/replies.ts";
import { isRefusal } from "../../zoho/errors.ts";
import type { Define } from "../command.ts";
import { showRequest } from "../helpers/notices.ts";
import { channelEvents } from "../helpers/options.ts";
import { warnOfMistypedModules } from "../helpers/products.ts";
import { addZohoOptions, ownerOf, withZoho, type ZohoOptions, type ZohoSession } from "../helpers/session.ts";
import { channelReport, newChannelId } from "./list.ts";
import {
  addChannelOptions,
  type ChannelOptions,
  conditionsFrom,
  listenerUrl,
  notifyUrl,
  refuseUnknownOptions,
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
    .action(
      act(async (context, names: readonly string[], options: CreateOptions) => {
        const product = findWatchProduct(options.product ?? "crm", options.apiVersion).id;
        const events = channelEvents(product, names);
        warnOfMistypedModules(
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

/** What Zoho has granted, and what it was asked for. */
interface Granted extends GrantedResult {
  readonly asked: Date;
}

/** Creates a channel, keeps what it takes to create it again, and reads it back. */
export async function createChannel(session: ZohoSession, config: ChannelConfig, expiresAt: Date): Promise<Channel> {
  return settleChannel(session, config, await askForChannel(session, config, () => expiresAt));
}

/**
 * Asks Zoho for a channel that is kept in mind beforehand: Zoho may post before it answers, and where its answer is
 * lost or this process is killed, the channel is there, with a token that nothing else knows.
 */
export async function askForChannel(
  session: ZohoSession,
  config: ChannelConfig,
  end: (now: Date) => Date,
): Promise<Granted> {
  const { memory, product, signIn } = session;
  const before = await memory.recall(signIn.name, product.id, config.id);
  await memory.remember({ ...config, ...ownerOf(session) });
  try {
    return await post(session, config, end);
  } catch (error) {
    if (isRefusal(error)) {
      await (before === undefined ? memory.forget(signIn.name, product.id, [config.id]) : memory.remember(before));
    }
    throw error;
  }
}

/**
 * Zoho's clock is known from its answer on. Where the end was reckoned by one that is off, the channel is asked for again with
 * the end that was meant: Zoho cuts to an hour what is too far away, and takes an end that comes too soon.
 */
async function post({ client, now }: ZohoSession, config: ChannelConfig, end: (now: Date) => Date): Promise<Granted> {
  const asked = end(now());
  const results = await client.create([{ config, expiresAt: asked }]);
  const meant = end(now());
  if (Math.abs(meant.getTime() - asked.getTime()) < MINUTE_MS) return { ...requireSuccess(results), asked };
  try {
    return { ...requireSuccess(await client.create([{ config, expiresAt: meant }])), asked: meant };
  } catch (error) {
    if (!isRefusal(error) || results.some(({ ok }) => !ok)) throw error;
    // The channel of the first answer is there all the same, and that it ends too soon is told.
    return { ...requireSuccess(results), asked: meant };
  }
}

/** What is to be done once Zoho has said yes. */
export async function settleChannel(
  session: ZohoSession,
  config: ChannelConfig,
  result: GrantedResult,
): Promise<Channel> {
  const { client, memory } = session;
  const { expiresAt } = result;
  await memory.remember({ ...config, ...ownerOf(session), ...(expiresAt === undefined ? {} : { expiresAt }) });
  const listed = await client.get(config.id);
  if (listed !== undefined) await memory.observe(ownerOf(session), [listed], session.now(), config.id);
  // A list that does not show it yet is no failure: Zoho has said yes. What it said is then all that is known.
  if (listed === undefined) return { ...config, modules: result.modules, expiresAt };
  return { ...listed, expiresAt: listed.expiresAt ?? expiresAt };
}

/** Tells where what Zoho lists is not what was asked for. */
export function warnOfDifferences(
  context: Context,
  { command, now }: ZohoSession,
  { expiresAt, ...asked }: ChannelConfig & { readonly expiresAt: Date },
  channel: Channel,
): void {
  const warn = (message: string, hint?: string): void =>
    context.report({ type: "warning", message, ...(hint === undefined ? {} : { hint }) });
  const shorter = grantWarning(expiresAt, channel.expiresAt, now());
  if (shorter !== undefined) warn(shorter, `renew it in time: ${command(`renew ${asked.id}`)}`);
  if (channel.isUnread === true) return;
  const listed = new Set(expandEvents(channel.events));
  const missing = expandEvents(asked.events).filter((event) => !listed.has(event));
  if (missing.length > 0) warn(`Zoho does not list ${missing.join(", ")} for channel ${asked.id}`);
  if (channel.notifyUrl !== asked.notifyUrl) warn(differentUrl(channel.notifyUrl, asked.notifyUrl));
  if (channel.token !== asked.token) warn(`Zoho does not list the token that was set for channel ${asked.id}`);
}
