import { ExitCode } from "../util/errors.ts";
import { requestedDeletions } from "../zoho-api/collection.ts";
import type { ChannelContext } from "./lines.ts";
import { type ChannelLine, stateLine } from "./lines.ts";
import { removeLock } from "./orphaned-channels.ts";
import type { ZohoSession } from "./session.ts";

/** Forgets channels that Zoho no longer lists. */
export async function forget(context: ChannelContext, { memory }: ZohoSession, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await memory.forget(ids);
  const message = `forgotten, because Zoho no longer lists them: ${ids.join(", ")}`;
  context.report({ type: "notice", message });
}

const FORGOTTEN = "forgotten, because Zoho no longer lists it";
const NOT_FOUND = "it expired, or the id is wrong";

/** Deletes channels and reports each by what Zoho lists afterwards. Exits with 7 unless all are gone. */
export async function deleteChannels(
  context: ChannelContext,
  session: ZohoSession,
  ids: readonly string[],
): Promise<ExitCode> {
  const { client, command, folder, memory, product } = session;
  const requested = requestedDeletions();
  const { deleted, unknown, remaining } = await context
    .waiting("deleting channels", () => client.remove(ids, requested))
    .catch(async (error: unknown) => {
      await memory.forget([...requested.confirmed]);
      const warn = (text: string, of: ReadonlySet<string>): void => {
        const message = `${text}: ${[...of].join(", ")}`;
        if (of.size > 0) context.report({ type: "warning", message, hint: `see what is left: ${command("list")}` });
      };
      warn("Zoho deleted these channels, but its list could not be read afterwards", requested.confirmed);
      warn("these channels may have been deleted: Zoho did not answer", requested.unanswered);
      throw error;
    });
  const known = new Set((await memory.all()).map(({ id }) => id));
  const gone = [...deleted, ...unknown];
  await memory.forget(gone);
  for (const id of gone) await removeLock(folder, { product: product.id, id });
  const report = (state: ChannelLine["state"], id: string, reason?: string): void =>
    context.report(stateLine(session, state, { id, reason }));
  for (const id of deleted) report("deleted", id);
  for (const id of unknown) report("unknown", id, known.has(id) ? FORGOTTEN : NOT_FOUND);
  for (const { id, because } of remaining) report("not_deleted", id, because);
  return remaining.length > 0 || unknown.some((id) => !known.has(id)) ? ExitCode.zohoApi : ExitCode.ok;
}
