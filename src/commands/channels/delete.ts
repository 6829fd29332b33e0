import type { Context } from "../../context.ts";
import type { ChannelReport } from "../../core/channel-report.ts";
import { ExitCode, usageError } from "../../core/errors.ts";
import { type AskedDeletions, askedDeletions } from "../../zoho/asked-deletions.ts";
import { removeRequest } from "../../zoho/watch.ts";
import type { Define } from "../command.ts";
import { confirm } from "../confirm.ts";
import { showRequest } from "../unsent-request.ts";
import { addZohoOptions, withZoho, type ZohoOptions, type ZohoSession } from "../zoho-session.ts";
import { channelId } from "./channel-view.ts";
import { takeStock } from "./missing-channels.ts";

interface DeleteOptions extends ZohoOptions {
  readonly all?: boolean;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

export const defineDelete: Define = (command, act) => {
  addZohoOptions(command.command("delete"))
    .description("Delete channels, and read the list again to make sure.")
    .argument("[id...]", "the channels' ids")
    .option("--all", "all channels of the signed-in user")
    .option("-y, --yes", "do not ask")
    .option("--dry-run", "print the request, delete nothing")
    .action(
      act(async (context, texts: readonly string[], options: DeleteOptions) => {
        if (texts.length > 0 === (options.all === true)) throw usageError("give the ids of the channels, or --all");
        const given = [...new Set(texts.map(channelId))];
        return withZoho(context, options, async (session) => {
          const stock = options.all === true ? await takeStock(session) : undefined;
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
  const asked = askedDeletions();
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
  { confirmed, unanswered }: AskedDeletions,
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
