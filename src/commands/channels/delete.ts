import type { Command } from "commander";
import { removeRequest } from "../../channels/api.ts";
import { deleteChannels, forget } from "../../channels/delete.ts";
import { listWithMissing } from "../../channels/listing.ts";
import { isInUse } from "../../channels/orphans.ts";
import { withZoho, type ZohoSession } from "../../channels/session.ts";
import type { Context } from "../../project/context.ts";
import { userFolder } from "../../project/load.ts";
import { examples } from "../../terminal/help.ts";
import { ExitCode, usageError } from "../../util/errors.ts";
import { confirm, showRequest, type ZohoOptions } from "../../zoho-api/session.ts";
import type { Define } from "../command.ts";
import { addZohoOptions } from "../flags/zoho.ts";
import { channelId } from "./list.ts";

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

export function unchanged(context: Context): ExitCode {
  context.report({ type: "notice", message: "nothing was changed" });
  return ExitCode.ok;
}
