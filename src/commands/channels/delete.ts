import type { Command } from "commander";
import { userFolder } from "../../config/load.ts";
import type { Context } from "../../context.ts";
import type { ChannelReport } from "../../reports/channel.ts";
import { examples } from "../../reports/help.ts";
import { ExitCode, UserError, usageError } from "../../util/errors.ts";
import { oneLine } from "../../util/text.ts";
import { type ChannelRequest, disableRequest, removeRequest, writeRequest } from "../../zoho/channels/api.ts";
import { type Channel, conditionsFor } from "../../zoho/channels/channel.ts";
import { expandEvents, withoutEvents } from "../../zoho/channels/events.ts";
import { wholeConfig } from "../../zoho/channels/lifecycle.ts";
import { isInUse, removeLock } from "../../zoho/channels/orphans.ts";
import { requireSuccess } from "../../zoho/channels/replies.ts";
import { type RequestedDeletions, requestedDeletions } from "../../zoho/collection.ts";
import { isRejection } from "../../zoho/errors.ts";
import type { Define } from "../command.ts";
import { confirm } from "../helpers/notices.ts";
import { channelEvents, collect } from "../helpers/options.ts";
import { addZohoOptions, showRequest, withZoho, type ZohoOptions, type ZohoSession } from "../helpers/session.ts";
import { channelId, channelReport, listWithMissing, requireChannel, stateReport, UNREAD } from "./list.ts";

export interface DeletionOptions extends ZohoOptions {
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

export function addDeletionOptions(command: Command): Command {
  return addZohoOptions(command)
    .option("-y, --yes", "do not ask")
    .option("--dry-run", "print the request, change nothing");
}

interface DeleteOptions extends DeletionOptions {
  readonly all?: boolean;
}

export const defineDelete: Define = (command, act) => {
  addDeletionOptions(command.command("delete"))
    .description("Delete channels, and read the list again to confirm it.")
    .argument("[id...]", "the channels' ids")
    .option("--all", "all channels of the signed-in user")
    .addHelpText(
      "before",
      examples("zoho-hooks channels delete 1735593600000", "zoho-hooks channels delete --all --yes"),
    )
    .action(act(deleteCommand));
};

async function deleteCommand(context: Context, texts: readonly string[], options: DeleteOptions): Promise<ExitCode> {
  if (texts.length > 0 === (options.all === true)) throw usageError("give the ids of the channels, or --all");
  return withZoho(context, options, async (session) => {
    const { product } = session;
    const found = options.all === true ? await listWithMissing(session) : undefined;
    const ids = found?.listed.map(({ id }) => id) ?? [...new Set(texts.map(channelId))];
    const gone = found?.missing.map(({ channel }) => channel.id) ?? [];
    if (ids.length === 0) {
      if (options.dryRun !== true) await forget(context, session, gone);
      context.report({ type: "notice", message: `no ${product.title} channel to delete` });
      return ExitCode.ok;
    }
    if (options.dryRun === true) return showRequest(context, session, removeRequest(product, ids));
    await warnOfListeners(context, session, ids);
    const question = ids.length === 1 ? `channel ${ids[0]}` : `${ids.length} channels (${ids.join(", ")})`;
    if (!(await confirm(context, session, `Delete ${question}?`, options))) return unchanged(context);
    await forget(context, session, gone);
    return deleteChannels(context, session, ids);
  });
}

/** Warns of deleting what a running `listen` uses, which would create it again. */
async function warnOfListeners(context: Context, { product }: ZohoSession, ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    if (!(await isInUse(userFolder(context), { product: product.id, id }))) continue;
    context.report({
      type: "warning",
      message: `a running zoho-hooks listen uses channel ${id}: it misses changes, and creates the channel again within 15 minutes`,
      hint: "stop that listen instead, which deletes its channel",
    });
  }
}

/** Forgets channels that Zoho no longer lists. */
export async function forget(context: Context, { memory }: ZohoSession, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await memory.forget(ids);
  context.report({
    type: "notice",
    message: `forgotten, because Zoho no longer lists them: ${ids.join(", ")}`,
  });
}

export function unchanged(context: Context): ExitCode {
  context.report({ type: "notice", message: "nothing was changed" });
  return ExitCode.ok;
}

const FORGOTTEN = "forgotten, because Zoho no longer lists it";
const NOT_FOUND = "it expired, or the id is wrong";

/** Deletes channels and reports each by what Zoho lists afterwards. Exits with 7 unless all are gone. */
export async function deleteChannels(
  context: Context,
  session: ZohoSession,
  ids: readonly string[],
): Promise<ExitCode> {
  const { client, memory } = session;
  const requested = requestedDeletions();
  const result = await context
    .waiting("deleting channels", () => client.remove(ids, requested))
    .catch(async (error: unknown) => {
      await warnOfUnconfirmed(context, session, requested);
      throw error;
    });
  const known = new Set((await memory.all()).map(({ id }) => id));
  const notFound = result.unknown.filter((id) => !known.has(id));
  const gone = [...result.deleted, ...result.unknown];
  await memory.forget(gone);
  for (const id of gone) await removeLock(userFolder(context), { product: session.product.id, id });
  const report = (state: ChannelReport["state"], id: string, reason?: string): void =>
    context.report(stateReport(session, state, { id, reason }));
  for (const id of result.deleted) report("deleted", id);
  for (const id of result.unknown) report("unknown", id, known.has(id) ? FORGOTTEN : NOT_FOUND);
  for (const { id, because } of result.remaining) report("not-deleted", id, because);
  return notFound.length + result.remaining.length > 0 ? ExitCode.zohoApi : ExitCode.ok;
}

/** Forgets the channels whose deletion Zoho confirmed, although the list could not be read afterwards. */
async function warnOfUnconfirmed(
  context: Context,
  { command, memory }: ZohoSession,
  { confirmed, unanswered }: RequestedDeletions,
): Promise<void> {
  await memory.forget([...confirmed]);
  const warn = (text: string, ids: ReadonlySet<string>): void => {
    if (ids.size === 0) return;
    const message = `${text}: ${[...ids].join(", ")}`;
    context.report({ type: "warning", message, hint: `see what is left: ${command("list")}` });
  };
  warn("Zoho deleted these channels, but its list could not be read afterwards", confirmed);
  warn("these channels may have been deleted: Zoho did not answer", unanswered);
}

interface DisableOptions extends DeletionOptions {
  readonly events?: readonly string[];
}

export const defineDisable: Define = (command, act) => {
  addDeletionOptions(command.command("disable"))
    .description("Stop some or all events of a channel; with none left, it is deleted.")
    .argument("<id>", "the channel's id")
    .option("--events <event>", "stop only this event (repeatable)", collect)
    .addHelpText("before", examples("zoho-hooks channels disable 1735593600000 --events Leads.create"))
    .action(act(disableCommand));
};

async function disableCommand(context: Context, text: string, options: DisableOptions): Promise<ExitCode> {
  const id = channelId(text);
  const events = options.events && channelEvents(options.product ?? "crm", options.events);
  return withZoho(context, options, async (session) => {
    const channel = await requireChannel(session, id);
    if (events !== undefined && channel.isUnread === true)
      throw new UserError("zohoApi", `the events of channel ${id} are not known: ${UNREAD}`, undefined, "unread");
    const remaining = events === undefined ? [] : withoutEvents(channel.events, events);
    if (remaining.length === 0) {
      if (options.dryRun === true) return showRequest(context, session, removeRequest(session.product, [id]));
      await warnOfListeners(context, session, [id]);
      const question = `Channel ${id} would have no events left. Delete it?`;
      if (!(await confirm(context, session, question, options))) return unchanged(context);
      return deleteChannels(context, session, [id]);
    }
    const removed = expandEvents(channel.events).filter((event) => !remaining.includes(event));
    if (removed.length === 0)
      throw usageError(`channel ${id} watches none of these`, `it watches ${oneLine(channel.events.join(", "))}`);
    const request = await disableRequestFor(session, channel, remaining);
    if (options.dryRun === true) {
      const { product } = session;
      const shown = product.patch ? disableRequest(product, channel, removed) : writeRequest(product, "PUT", [request]);
      return showRequest(context, session, shown);
    }
    if (!(await confirm(context, session, `Stop ${removed.join(", ")} of channel ${id}?`, options)))
      return unchanged(context);
    const after = await disable(context, session, { channel, removed, request });
    const still = expandEvents(after.events).filter((event) => removed.includes(event));
    if (still.length > 0) {
      throw new UserError(
        "zohoApi",
        `Zoho accepted the request but still lists ${still.join(", ")} for channel ${id}`,
        `replace its events: ${session.command(`update ${id}`)} --events`,
        "not_disabled",
      );
    }
    context.report(channelReport(session, "updated", after));
    return ExitCode.ok;
  });
}

/** The whole channel with the remaining events: for a PUT, and to remember. */
async function disableRequestFor(
  session: ZohoSession,
  channel: Channel,
  events: readonly string[],
): Promise<ChannelRequest> {
  if (channel.expiresAt === undefined) {
    throw new UserError(
      "zohoApi",
      `Zoho does not say when channel ${channel.id} ends`,
      `see ${session.command(`show ${channel.id}`)}`,
      "no_expiry",
    );
  }
  const before = await wholeConfig(session, channel.id, channel);
  const config = { ...before, events, conditions: conditionsFor(events, before.conditions) };
  return { config, expiresAt: channel.expiresAt };
}

/** By PATCH if the product documents it, else by PUT. Resolves to the channel as it is listed afterwards. */
async function disable(
  context: Context,
  session: ZohoSession,
  {
    channel,
    removed,
    request,
  }: { readonly channel: Channel; readonly removed: readonly string[]; readonly request: ChannelRequest },
): Promise<Channel> {
  const { client, memory, product } = session;
  const { id, expiresAt } = channel;
  const warn = (outcome: string): void => {
    const message = `${removed.join(", ")} of channel ${id} ${outcome}`;
    context.report({ type: "warning", message, hint: `see ${session.command("list")}` });
  };
  try {
    requireSuccess(product.patch ? [await client.disable(channel, removed)] : await client.replace([request]));
  } catch (error) {
    if (!isRejection(error)) warn("may have been stopped: Zoho did not answer");
    throw error;
  }
  await memory.remember({ ...request.config, expiresAt });
  return requireChannel(session, id).catch((error: unknown) => {
    warn("was stopped, but the channel could not be read back");
    throw error;
  });
}
