import type { Command } from "commander";
import { userFolder } from "../../config/load.ts";
import type { Context } from "../../context.ts";
import type { ChannelReport } from "../../reports/channel.ts";
import { examples } from "../../reports/help.ts";
import { ExitCode, usageError } from "../../util/errors.ts";
import { removeRequest } from "../../zoho/channels/api.ts";
import { isInUse, removeLock } from "../../zoho/channels/orphans.ts";
import { type RequestedDeletions, requestedDeletions } from "../../zoho/collection.ts";
import type { Define } from "../command.ts";
import { confirm } from "../helpers/notices.ts";
import { addZohoOptions, showRequest, withZoho, type ZohoOptions, type ZohoSession } from "../helpers/session.ts";
import { channelId, listWithMissing, stateReport } from "./list.ts";

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
