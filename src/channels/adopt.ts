import { type Secret, secret } from "../delivery/secret.ts";
import type { Context } from "../project/context.ts";
import { userFolder } from "../project/load.ts";
import { errorText } from "../util/errors.ts";
import type { FileLock } from "../util/file-lock.ts";
import { generateChannelId, generateToken } from "./channel.ts";
import { stateReport } from "./listing.ts";
import type { RememberedChannel } from "./memory.ts";
import { isOrphaned, lockChannel } from "./orphans.ts";
import { MAX_TOKEN_LENGTH } from "./products.ts";
import type { ZohoSession } from "./session.ts";

/** Chosen before the channel exists, because Zoho may post before it answers the request that creates it. */
export interface ChannelKey {
  readonly id: string;
  /** Sent along with each delivery. */
  readonly token: Secret;
  /** Shows other processes that the channel's listener runs. */
  readonly lock: FileLock;
  /** The channel that an earlier listener of this project has left, to take over. It has the same id. */
  readonly orphan: RememberedChannel | undefined;
}

/** `configured`: the token of the user's settings, which their app may check as well. */
export async function takeChannelKey(
  context: Context,
  session: ZohoSession,
  configured: Secret | undefined,
): Promise<ChannelKey> {
  const token = shortToken(context, configured);
  const ofProject = (each: RememberedChannel): boolean => each.project === session.config.root;
  for (const { channel: orphan, lock } of await lockOrphans(context, session, ofProject, 1)) {
    return { id: orphan.id, token: tokenOf(context, orphan.id, token ?? orphan.token), lock, orphan };
  }
  const id = generateChannelId(context.now());
  const lock = await lockChannel(userFolder(context), { id, product: session.product.id });
  if (lock === undefined) throw new Error("another channel has this random id");
  return { id, token: tokenOf(context, id, token), lock, orphan: undefined };
}

function tokenOf({ knownSecrets }: Context, id: string, token = generateToken()): Secret {
  knownSecrets.remember(token);
  return secret(token, `channel ${id}`);
}

function shortToken(context: Context, configured: Secret | undefined): string | undefined {
  const token = configured?.reveal().trim();
  if (configured === undefined || token === undefined || token === "") return undefined;
  if (token.length <= MAX_TOKEN_LENGTH) return token;
  const message = `${configured.origin} has ${token.length} characters, and Zoho accepts at most ${MAX_TOKEN_LENGTH}: the channel gets a generated token`;
  context.report({ type: "notice", message });
  return undefined;
}

/**
 * Deletes the other channels that listeners of this project, or with this URL, have left: each would post every change again.
 */
export async function deleteOrphans(context: Context, session: ZohoSession, url: string): Promise<void> {
  const { client, memory, config } = session;
  const isOurs = ({ project, notifyUrl }: RememberedChannel): boolean => project === config.root || notifyUrl === url;
  const locked = await lockOrphans(context, session, isOurs, MAX_DELETED);
  if (locked.length === 0) return;
  const ids = locked.map(({ channel }) => channel.id);
  try {
    const { deleted, unknown, remaining } = await client.remove(ids);
    await memory.forget([...deleted, ...unknown]);
    const reason = "an earlier listen left it behind";
    for (const id of deleted) context.report(stateReport(session, "deleted", { id, reason }));
    for (const { id, because } of remaining) warn(context, session, id, because);
  } catch (error) {
    warn(context, session, ids.join(" "), errorText(error));
  } finally {
    for (const { lock } of locked) await lock.release();
  }
}

const MAX_DELETED = 50;

function warn(context: Context, { command }: ZohoSession, ids: string, because: string): void {
  context.report({
    type: "warning",
    message: `what an earlier listen left behind could not be deleted (channel ${ids}): ${because}`,
    hint: `delete it with ${command(`delete ${ids} --yes`)}`,
  });
}

/** Locked, so that of two listeners that start at the same time only one takes a channel over. */
async function lockOrphans(
  context: Context,
  { account, memory, now }: ZohoSession,
  isWanted: (channel: RememberedChannel) => boolean,
  max: number,
) {
  const folder = userFolder(context);
  const locked: { readonly channel: RememberedChannel; readonly lock: FileLock }[] = [];
  for (const channel of await memory.all()) {
    const isOwn = channel.account === undefined || channel.account === account;
    if (locked.length >= max || !isOwn || !isWanted(channel) || !(await isOrphaned(channel, folder, now()))) continue;
    const lock = await lockChannel(folder, channel);
    if (lock !== undefined) locked.push({ channel, lock });
  }
  return locked;
}
