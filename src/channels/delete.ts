import type { Context } from "../project/context.ts";
import { userFolder } from "../project/load.ts";
import { ExitCode } from "../util/errors.ts";
import { type RequestedDeletions, requestedDeletions } from "../zoho-api/collection.ts";
import { stateReport } from "./listing.ts";
import { removeLock } from "./orphans.ts";
import type { ChannelReport } from "./reports.ts";
import type { ZohoSession } from "./session.ts";

/** Forgets channels that Zoho no longer lists. */
export async function forget(context: Context, { memory }: ZohoSession, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await memory.forget(ids);
  context.report({
    type: "notice",
    message: `forgotten, because Zoho no longer lists them: ${ids.join(", ")}`,
  });
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
