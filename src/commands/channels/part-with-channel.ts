import type { Context } from "../../context.ts";
import type { ChannelReport } from "../../core/channel-report.ts";
import { errorText } from "../../core/errors.ts";
import { untilAborted } from "../../zoho/until-aborted.ts";
import { watchClient } from "../../zoho/watch.ts";
import type { ZohoSession } from "../zoho-session.ts";

export interface Parting {
  readonly context: Context;
  readonly session: ZohoSession;
  readonly id: string;
}

/** The way out must not hang on a network that is gone. */
const CLEAN_UP_MS = 5_000;

/** Deletes a channel and reads the list again. False, with the command that mends it, unless the channel is gone. */
export async function partWithChannel(parting: Parting, before: () => Promise<void>): Promise<boolean> {
  const report = reporter(parting);
  // A second Ctrl-C ends the process at once: nothing could be told any more.
  const message = `deleting channel ${parting.id}; if that is cut off: ${mendingCommand(parting)}`;
  parting.context.report({ type: "notice", message });
  try {
    const { deleted, because } = await remove(parting, before);
    if (because !== undefined) {
      report("not-deleted", because, `delete it with ${mendingCommand(parting)}`);
      return false;
    }
    if (deleted) report("deleted");
    else report("unknown", "it was gone already: it had expired, or something else has deleted it");
    return true;
  } catch (error) {
    report("not-deleted", whyNot(error), `delete it with ${mendingCommand(parting)}`);
    return false;
  }
}

/** Deletes what a failed creation may have left behind: whether Zoho has made the channel is not known. */
export async function abandonChannel(parting: Parting): Promise<void> {
  const { context, id, session } = parting;
  const mend = `see ${session.command("list")}; if it is there: ${mendingCommand(parting)}`;
  const warn = (reason: string): void =>
    context.report({ type: "warning", message: `channel ${id} may have been created: ${reason}`, hint: mend });
  try {
    const { deleted, because } = await remove(parting, async () => {});
    if (deleted) reporter(parting)("deleted");
    if (because !== undefined) warn(because);
  } catch (error) {
    warn(whyNot(error));
  }
}

async function remove(
  { session, id }: Parting,
  before: () => Promise<void>,
): Promise<{ readonly deleted: boolean; readonly because: string | undefined }> {
  const limit = AbortSignal.timeout(CLEAN_UP_MS);
  const { api, product, memory, signIn } = session;
  const work = async () => {
    await before();
    // The signal of the run has usually aborted by now, and with it every request of the session's own client.
    const { deleted, remaining } = await watchClient(api, product, limit).remove([id]);
    if (remaining.length === 0) await memory.forget(signIn.name, product.id, [id]);
    return { deleted: deleted.includes(id), because: remaining[0]?.because };
  };
  return untilAborted(work(), limit);
}

function reporter({ context, session, id }: Parting) {
  return (state: ChannelReport["state"], reason?: string, hint?: string): void =>
    context.report({
      type: "channel",
      state,
      product: session.product.id,
      id,
      expiresAt: undefined,
      timeLeftMs: undefined,
      reason,
      hint,
    });
}

function mendingCommand({ session, id }: Parting): string {
  return session.command(`delete ${id} --yes`);
}

function whyNot(error: unknown): string {
  const timedOut = error instanceof Error && error.name === "TimeoutError";
  return timedOut ? `Zoho did not answer within ${CLEAN_UP_MS / 1000} s` : errorText(error);
}
