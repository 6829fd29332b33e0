import { readChannelId, removeRequest } from "../../channels/client.ts";
import { deleteChannels, forget } from "../../channels/delete.ts";
import { isInUse } from "../../channels/orphaned-channels.ts";
import { listWithMissing, withZoho, type ZohoSession } from "../../channels/session.ts";
import { loadConfig } from "../../project/load.ts";
import { ExitCode, usageError } from "../../util/errors.ts";
import { formatSpan } from "../../util/units.ts";
import { confirm, showRequest } from "../../zoho-api/session.ts";
import type { CommandContext } from "../command.ts";
import { type DeletionOptions, unchanged } from "./options.ts";

interface DeleteOptions extends DeletionOptions {
  readonly all?: boolean;
  readonly dead?: boolean;
}

export async function remove(
  context: CommandContext,
  texts: readonly string[],
  options: DeleteOptions,
): Promise<ExitCode> {
  const given = [texts.length > 0, options.all === true, options.dead === true].filter(Boolean);
  if (given.length !== 1) throw usageError("give the ids of the channels, --all or --dead");
  if (options.dead) return (await import("./delete-dead.ts")).removeDead(context, options);
  return withZoho(context, loadConfig(context), options, async (session) => {
    const { product } = session;
    const found = options.all ? await listWithMissing(session) : undefined;
    const ids = found?.listed.map(({ id }) => id) ?? [...new Set(texts.map(readChannelId))];
    const gone = found?.missing.map(({ id }) => id) ?? [];
    if (ids.length === 0) {
      if (!options.dryRun) await forget(context, session, gone);
      context.report({ type: "notice", message: `no ${product.title} channel to delete` });
      return ExitCode.ok;
    }
    if (options.dryRun) return showRequest(context, session, removeRequest(product, ids));
    await warnOfListeners(context, session, ids);
    const noun = ids.length === 1 ? `channel ${ids[0]}` : `${ids.length} channels (${ids.join(", ")})`;
    if (!(await confirm(context, session, `Delete ${noun}?`, options))) return unchanged(context);
    await forget(context, session, gone);
    return deleteChannels(context, session, ids);
  });
}

/** Warns of deleting what a running `listen` uses, which would create it again. */
async function warnOfListeners(
  context: CommandContext,
  { folder, pollMs, product }: ZohoSession,
  ids: readonly string[],
): Promise<void> {
  for (const id of ids) {
    if (!(await isInUse(folder, { product: product.id, id }))) continue;
    context.report({
      type: "warning",
      message: `a running zoho-hooks listen uses channel ${id}: it misses changes, and creates the channel again within ${formatSpan(pollMs)}`,
      hint: "stop that listen instead, which deletes its channel",
    });
  }
}
