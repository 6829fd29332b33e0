import type { Context } from "../../context.ts";
import type { ChannelReport } from "../../reports/channel.ts";
import { examples } from "../../reports/help.ts";
import { ExitCode, UserError, usageError } from "../../util/errors.ts";
import { oneLine } from "../../util/text.ts";
import type { ApiRequest } from "../../zoho/api.ts";
import { disableRequest, removeRequest, writeRequest } from "../../zoho/channels/api.ts";
import { type Channel, conditionsFor } from "../../zoho/channels/channel.ts";
import { expandEvents, withoutEvents } from "../../zoho/channels/events.ts";
import { requireSuccess } from "../../zoho/channels/replies.ts";
import { isRefusal } from "../../zoho/errors.ts";
import { type RequestedDeletions, requestedDeletions } from "../../zoho/webhooks/managed-product.ts";
import type { Define } from "../command.ts";
import { confirm, showRequest } from "../helpers/notices.ts";
import { channelEvents, collect } from "../helpers/options.ts";
import { addZohoOptions, ownerOf, withZoho, type ZohoOptions, type ZohoSession } from "../helpers/session.ts";
import { channelId, channelReport, listWithMissing, requireChannel, UNREAD } from "./list.ts";
import { renewalConfig } from "./renew-channel.ts";

interface DeleteOptions extends ZohoOptions {
  readonly all?: boolean;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

export const defineDelete: Define = (command, act) => {
  addZohoOptions(command.command("delete"))
    .description("Delete channels, and read the list again to make sure.")
    .addHelpText(
      "before",
      examples("zoho-hooks channels delete 1735593600000", "zoho-hooks channels delete --all --yes"),
    )
    .argument("[id...]", "the channels' ids")
    .option("--all", "all channels of the signed-in user")
    .option("-y, --yes", "do not ask")
    .option("--dry-run", "print the request, delete nothing")
    .action(
      act(async (context, texts: readonly string[], options: DeleteOptions) => {
        if (texts.length > 0 === (options.all === true)) throw usageError("give the ids of the channels, or --all");
        const given = [...new Set(texts.map(channelId))];
        return withZoho(context, options, async (session) => {
          const stock = options.all === true ? await listWithMissing(session) : undefined;
          const ids = stock?.listed.map((channel) => channel.id) ?? given;
          const gone = stock?.missing.map(({ channel }) => channel.id) ?? [];
          if (ids.length === 0) {
            if (options.dryRun !== true) await forget(context, session, gone);
            context.report({ type: "notice", message: `no ${session.product.title} channel to delete` });
            return ExitCode.ok;
          }
          if (options.dryRun === true) return showRequest(context, session, removeRequest(session.product, ids));
          const question = `Delete ${ids.length === 1 ? `channel ${ids[0]}` : `${ids.length} channels (${ids.join(", ")})`}?`;
          if (!(await confirm(context, question, options.yes))) return kept(context);
          await forget(context, session, gone);
          return deleteChannels(context, session, ids);
        });
      }),
    );
};

/** What is not there any more, and not missed either. */
export async function forget(
  context: Context,
  { memory, product, signIn }: ZohoSession,
  ids: readonly string[],
): Promise<void> {
  if (ids.length === 0) return;
  await memory.forget(signIn.name, product.id, ids);
  context.report({ type: "notice", message: `forgotten, since Zoho does not list them any more: ${ids.join(", ")}` });
}

export function kept(context: Context): ExitCode {
  context.report({ type: "notice", message: "nothing was changed" });
  return ExitCode.ok;
}

const FORGOTTEN = "Zoho does not list it, and what was kept of it here is forgotten";
const NOT_LISTED = "Zoho does not list it: it had expired, or the id is wrong";

/** Deletes channels and reports each by what the list says afterwards. Exits with 7 unless all are gone. */
export async function deleteChannels(
  context: Context,
  session: ZohoSession,
  ids: readonly string[],
): Promise<ExitCode> {
  const { client, memory, product, signIn } = session;
  const asked = requestedDeletions();
  const result = await context
    .waiting("deleting channels", () => client.remove(ids, asked))
    .catch(async (error: unknown) => {
      await warnOfUnread(context, session, asked);
      throw error;
    });
  const known = new Set((await memory.all(signIn.name, product.id)).map(({ id }) => id));
  const strange = result.unknown.filter((id) => !known.has(id));
  await memory.forget(signIn.name, product.id, [...result.deleted, ...result.unknown]);
  const report = (state: ChannelReport["state"], id: string, reason?: string): void =>
    context.report({
      type: "channel",
      state,
      product: product.id,
      id,
      expiresAt: undefined,
      timeLeftMs: undefined,
      reason,
    });
  for (const id of result.deleted) report("deleted", id);
  for (const id of result.unknown) report("unknown", id, known.has(id) ? FORGOTTEN : NOT_LISTED);
  for (const { id, because } of result.remaining) report("not-deleted", id, because);
  return strange.length + result.remaining.length > 0 ? ExitCode.zohoApi : ExitCode.ok;
}

/** What Zoho says that it has deleted is missed by nobody, though no list shows that it is gone. */
async function warnOfUnread(
  context: Context,
  { command, memory, product, signIn }: ZohoSession,
  { confirmed, unanswered }: RequestedDeletions,
): Promise<void> {
  await memory.forget(signIn.name, product.id, [...confirmed]);
  const warn = (said: string, which: ReadonlySet<string>): void => {
    if (which.size === 0) return;
    const message = `${said}: ${[...which].join(", ")}`;
    context.report({ type: "warning", message, hint: `see what is left: ${command("list")}` });
  };
  warn("Zoho said that it has deleted these channels, and its list could not be read afterwards", confirmed);
  warn("these channels may have been deleted: Zoho's answer did not come", unanswered);
}

interface DisableOptions extends ZohoOptions {
  readonly events?: readonly string[];
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

export const defineDisable: Define = (command, act) => {
  addZohoOptions(command.command("disable"))
    .description("Stop some events of a channel, or all: then the channel is deleted.")
    .addHelpText("before", examples("zoho-hooks channels disable 1735593600000 --events Leads.create"))
    .argument("<id>", "the channel's id")
    .option("--events <event>", "stop only this event (repeatable)", collect)
    .option("-y, --yes", "do not ask")
    .option("--dry-run", "print the request, change nothing")
    .action(
      act(async (context, text: string, options: DisableOptions) => {
        const id = channelId(text);
        const events = options.events && channelEvents(options.product ?? "crm", options.events);
        return withZoho(context, options, async (session) => {
          const channel = await requireChannel(session, id);
          if (events !== undefined && channel.isUnread === true)
            throw new UserError(
              "zohoApi",
              `which events channel ${id} watches is not known: ${UNREAD}`,
              undefined,
              "unread",
            );
          const left = events === undefined ? [] : withoutEvents(channel.events, events);
          if (left.length === 0) {
            if (options.dryRun === true) return showRequest(context, session, removeRequest(session.product, [id]));
            const question = `No event of channel ${id} would be left: delete it?`;
            if (!(await confirm(context, question, options.yes))) return kept(context);
            return deleteChannels(context, session, [id]);
          }
          const taken = expandEvents(channel.events).filter((event) => !left.includes(event));
          if (taken.length === 0)
            throw usageError(`channel ${id} watches none of these`, `it watches ${oneLine(channel.events.join(", "))}`);
          if (options.dryRun === true) {
            return showRequest(context, session, await disabling(session, channel, taken, left));
          }
          if (!(await confirm(context, `Stop ${taken.join(", ")} of channel ${id}?`, options.yes)))
            return kept(context);
          const warn = (said: string): void => {
            const message = `${taken.join(", ")} of channel ${id} ${said}`;
            context.report({ type: "warning", message, hint: `see ${session.command("list")}` });
          };
          await disable(session, channel, taken, left).catch((error: unknown) => {
            if (!isRefusal(error)) warn("may have been stopped: Zoho's answer did not come");
            throw error;
          });
          const after = await requireChannel(session, id).catch((error: unknown) => {
            warn("was stopped, as Zoho says, and the channel could not be read back");
            throw error;
          });
          const still = expandEvents(after.events).filter((event) => taken.includes(event));
          if (still.length > 0) {
            throw new UserError(
              "zohoApi",
              `Zoho said yes and still lists ${still.join(", ")} for channel ${id}`,
              `set its events as a whole: ${session.command(`update ${id}`)} --events`,
              "not_disabled",
            );
          }
          context.report(channelReport("updated", session.product.id, after, session.now()));
          return ExitCode.ok;
        });
      }),
    );
};

/** By the call made for it where the product documents one, else by setting the channel without those events. */
async function disabling(
  session: ZohoSession,
  channel: Channel,
  taken: readonly string[],
  left: readonly string[],
): Promise<ApiRequest> {
  const { product } = session;
  if (product.patch) return disableRequest(product, channel, taken);
  return writeRequest(product, "PUT", [await withEvents(session, channel, left)]);
}

async function disable(session: ZohoSession, channel: Channel, taken: readonly string[], left: readonly string[]) {
  const { client, memory, product } = session;
  const request = await withEvents(session, channel, left);
  requireSuccess(product.patch ? [await client.disable(channel, taken)] : await client.replace([request]));
  await memory.remember({ ...request.config, ...ownerOf(session), expiresAt: channel.expiresAt });
}

async function withEvents(session: ZohoSession, channel: Channel, events: readonly string[]) {
  if (channel.expiresAt === undefined) {
    throw new UserError(
      "zohoApi",
      `Zoho does not say when channel ${channel.id} ends`,
      `see ${session.command(`show ${channel.id}`)}`,
      "no_expiry",
    );
  }
  const before = await renewalConfig(session, channel.id, channel);
  const config = { ...before, events, conditions: conditionsFor(events, before.conditions) };
  return { config, expiresAt: channel.expiresAt };
}
