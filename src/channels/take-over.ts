import { type Secret, secret } from "../delivery/secrets.ts";
import { errorText } from "../util/errors.ts";
import type { FileLock } from "../util/file-lock.ts";
import { generateChannelId, generateToken } from "./generate.ts";
import type { ChannelContext } from "./lines.ts";
import { stateLine } from "./lines.ts";
import type { RememberedChannel } from "./memory.ts";
import { isOrphaned, lockChannel } from "./orphaned-channels.ts";
import type { ZohoSession } from "./session.ts";
import { MAX_TOKEN_LENGTH } from "./watch-products.ts";

/** Id and token of a listener's channel. Reserved before the channel exists, as Zoho may post before it says that it does. */
export type ChannelReservation = Awaited<ReturnType<typeof reserveChannel>>;

/** `configured`: the token of the user's settings, which their app may check as well. */
export async function reserveChannel(context: ChannelContext, session: ZohoSession, configured: Secret | undefined) {
  const { config, folder, product } = session;
  const given = shortToken(context, configured);
  const [left] = await lockOrphans(session, ({ project }) => project === config.root, 1);
  const id = left?.channel.id ?? generateChannelId();
  const lock = left?.lock ?? (await lockChannel(folder, { id, product: product.id }));
  if (lock === undefined) throw new Error("another channel has this random id");
  const token = given ?? left?.channel.token ?? generateToken();
  context.knownSecrets.remember(token);
  return {
    id,
    /** Sent along with each delivery. */
    token: secret(token, `channel ${id}`),
    /** Shows other processes that the channel's listener runs. */
    lock,
    /** The channel that an earlier listener of this project has left, to take over. It has the same id. */
    orphan: left?.channel,
  };
}

function shortToken(context: ChannelContext, configured: Secret | undefined): string | undefined {
  const token = configured?.reveal().trim();
  if (configured === undefined || token === undefined || token === "") return undefined;
  if (token.length <= MAX_TOKEN_LENGTH) return token;
  const message = `${configured.origin} has ${token.length} characters, and Zoho accepts at most ${MAX_TOKEN_LENGTH}: the channel gets a generated token`;
  context.report({ type: "notice", message });
  return undefined;
}

const MAX_DELETED = 50;

/**
 * Deletes the other channels that listeners of this project, or with this URL, have left: each would post every change again.
 */
export async function deleteOrphans(context: ChannelContext, session: ZohoSession, url: string): Promise<void> {
  const { client, command, memory, config } = session;
  const isOurs = ({ project, notifyUrl }: RememberedChannel): boolean => project === config.root || notifyUrl === url;
  const locked = await lockOrphans(session, isOurs, MAX_DELETED);
  if (locked.length === 0) return;
  const ids = locked.map(({ channel }) => channel.id);
  const warn = (ids: string, because: string): void => {
    const message = `what an earlier listen left behind could not be deleted (channel ${ids}): ${because}`;
    context.report({ type: "warning", message, hint: `delete it with ${command(`delete ${ids} --yes`)}` });
  };
  try {
    const { deleted, unknown, remaining } = await client.remove(ids);
    await memory.forget([...deleted, ...unknown]);
    const reason = "an earlier listen left it behind";
    for (const id of deleted) context.report(stateLine(session, "deleted", { id, reason }));
    for (const { id, because } of remaining) warn(id, because);
  } catch (error) {
    warn(ids.join(" "), errorText(error));
  } finally {
    for (const { lock } of locked) await lock.release();
  }
}

/** Locked, so that of two listeners that start at the same time only one takes a channel over. */
async function lockOrphans(
  { account, folder, memory, now }: ZohoSession,
  isWanted: (channel: RememberedChannel) => boolean,
  max: number,
) {
  const locked: { readonly channel: RememberedChannel; readonly lock: FileLock }[] = [];
  for (const channel of await memory.all()) {
    const isOwn = channel.account === undefined || channel.account === account;
    if (locked.length >= max || !isOwn || !isWanted(channel) || !(await isOrphaned(channel, folder, now()))) continue;
    const lock = await lockChannel(folder, channel);
    if (lock !== undefined) locked.push({ channel, lock });
  }
  return locked;
}
