import { join } from "node:path";
import { z } from "zod";
import { UserError } from "../util/errors.ts";
import { withFileLock } from "../util/file-lock.ts";
import { readPrivateJson, writePrivateJson } from "../util/files.ts";
import type { Channel, ChannelConfig } from "./channel.ts";
import { CHANNELS_FILE } from "./channels-file.ts";
import { MINUTE_MS } from "./expiry.ts";
import { CHANNEL_ID } from "./replies.ts";

/** The owner of a channel. Sign-ins of different organisations may share a name, above all "environment". */
export interface ChannelOwner {
  readonly profile: string;
  readonly product: string;
  readonly account: string | undefined;
}

/** A channel that was created here: enough to verify its deliveries and to create it again. */
export interface RememberedChannel extends ChannelConfig, Partial<ChannelOwner> {
  readonly profile: string;
  readonly product: string;
  /** As far as it is known here. */
  readonly expiresAt?: Date | undefined;
  /** Zoho stopped listing it before its expiry, so somebody deleted it. */
  readonly isDeleted?: boolean | undefined;
  /** May be in force instead of `token`: the request that set one of them was not answered. */
  readonly otherToken?: string | undefined;
  /** It lives only as long as its listener, so it is never reported as missing. */
  readonly ofListener?: boolean | undefined;
  /** The project of its listener. */
  readonly project?: string | undefined;
}

type NewMemory = ChannelConfig & Pick<RememberedChannel, "expiresAt" | "otherToken" | "ofListener" | "project">;
type ListedChannel = Pick<Channel, "id" | "expiresAt" | "token">;

/** The remembered channels of one owner. */
export type ChannelMemory = ReturnType<typeof channelMemory>;

const channelSchema = z.strictObject({
  profile: z.string(),
  product: z.string().regex(CHANNEL_ID),
  id: z.string().regex(CHANNEL_ID),
  events: z.array(z.string()),
  notifyUrl: z.string(),
  token: z.string().optional(),
  related: z.boolean().optional(),
  values: z.boolean().optional(),
  conditions: z.array(z.unknown()),
  account: z.string().optional(),
  expiresAt: z.coerce.date().optional().catch(undefined),
  isDeleted: z.boolean().optional(),
  otherToken: z.string().optional(),
  ofListener: z.boolean().optional(),
  project: z.string().optional(),
});
/** Strict, so that what another version has written is refused instead of lost in a rewrite. */
const fileSchema = z.strictObject({ channels: z.array(channelSchema) });

const LOCK_TIMEOUT_MS = 15_000;

/** Stored in a file that only the user can read, because it holds the channels' tokens. */
export function channelMemory(folder: string, owner: ChannelOwner) {
  const path = join(folder, CHANNELS_FILE);
  const read = async (): Promise<readonly RememberedChannel[]> => {
    const channels = rememberedChannels((await readPrivateJson(path)) ?? { channels: [] });
    if (channels !== undefined) return channels;
    throw new UserError(
      "credentials",
      `${path} is not a channels file that this version of zoho-hooks can read`,
      "move the file away, then create the channels again: only this file has the tokens that verify their deliveries",
    );
  };
  const change = (edit: (channels: readonly RememberedChannel[]) => readonly RememberedChannel[]): Promise<void> =>
    withFileLock(`${path}.lock`, { waitMs: LOCK_TIMEOUT_MS }, async () =>
      writePrivateJson(path, { channels: edit(await read()) }),
    );
  const isOwn = ({ profile, product }: RememberedChannel): boolean =>
    profile === owner.profile && product === owner.product;
  const isOneOf = (ids: readonly string[]) => (each: RememberedChannel) => isOwn(each) && ids.includes(each.id);
  const write = (channel: RememberedChannel): Promise<void> =>
    change((channels) => {
      const isIt = isOneOf([channel.id]);
      const { expiresAt, ofListener, project } = channels.find(isIt) ?? {};
      return [...channels.filter((each) => !isIt(each)), { expiresAt, ofListener, project, ...channel }];
    });
  const all = async (): Promise<readonly RememberedChannel[]> => (await read()).filter(isOwn);
  const forget = async (ids: readonly string[]): Promise<void> => {
    const isForgotten = isOneOf(ids);
    // Nothing to forget needs no writable folder.
    if (!(await read()).some(isForgotten)) return;
    await change((channels) => channels.filter((each) => !isForgotten(each)));
  };

  const compare = async (listed: readonly ListedChannel[], now: Date, only?: string) => {
    const byId = new Map(listed.map((each) => [each.id, each]));
    const isConcerned = (each: RememberedChannel): boolean =>
      isOwn(each) &&
      // A listed channel is this sign-in's, whichever token of the same organisation created it.
      (each.account === undefined || each.account === owner.account || byId.has(each.id)) &&
      (only === undefined || each.id === only);
    const update = (each: RememberedChannel): RememberedChannel => observed(each, byId.get(each.id), owner, now);
    const concerned = (await all()).filter(isConcerned);
    const missing = concerned.filter((each) => !byId.has(each.id) && each.ofListener !== true).map(update);
    return { concerned, isConcerned, update, missing };
  };

  return {
    all,
    recall: async (id: string) => (await all()).find((each) => each.id === id),
    remember: (channel: NewMemory) => write({ ...channel, ...owner }),
    /** Undoes `remember`: `before` is what `recall` had returned. */
    restore: (id: string, before: RememberedChannel | undefined) =>
      before === undefined ? forget([id]) : write(before),
    forget,
    /**
     * Records when the listed channels expire, and which others disappeared early. Resolves to the channels that are missing
     * from the list, even if nothing can be written. `only`: the list was limited to this channel.
     */
    async observe(listed: readonly ListedChannel[], now: Date, only?: string): Promise<readonly RememberedChannel[]> {
      const { concerned, isConcerned, update, missing } = await compare(listed, now, only);
      if (concerned.some((each) => update(each) !== each)) {
        const updated = (each: RememberedChannel) => (isConcerned(each) ? update(each) : each);
        // Listing must not fail because its result cannot be saved.
        await change((channels) => channels.map(updated)).catch(() => undefined);
      }
      return missing;
    },
    /** The channels that are missing from a whole list, without recording anything. */
    missing: async (listed: readonly ListedChannel[], now: Date) => (await compare(listed, now)).missing,
  };
}

/** Whether a channel still posts, as far as this machine knows. */
export function isAlive({ expiresAt, isDeleted }: RememberedChannel, now: Date): boolean {
  return isDeleted !== true && (expiresAt === undefined || expiresAt > now);
}

/** The channels of all owners. */
export async function allRemembered(folder: string): Promise<readonly RememberedChannel[]> {
  return rememberedChannels(await readPrivateJson(join(folder, CHANNELS_FILE))) ?? [];
}

/** The channels in the JSON of a channels file; undefined if it is not one. */
export function rememberedChannels(json: unknown): readonly RememberedChannel[] | undefined {
  return fileSchema.safeParse(json).data?.channels.map(({ token, related, values, ...rest }) => ({
    ...rest,
    token,
    related,
    values,
  }));
}

/** A channel this close to its expiry may already have expired by Zoho's clock. */
const EXPIRY_TOLERANCE_MS = 5 * MINUTE_MS;

/** Returns the same object if there is nothing new. */
function observed(
  channel: RememberedChannel,
  found: ListedChannel | undefined,
  { account }: ChannelOwner,
  now: Date,
): RememberedChannel {
  if (found === undefined) {
    const isEarly =
      channel.expiresAt !== undefined && channel.expiresAt.getTime() > now.getTime() + EXPIRY_TOLERANCE_MS;
    return isEarly && channel.isDeleted !== true ? { ...channel, isDeleted: true } : channel;
  }
  const expiresAt = found.expiresAt ?? channel.expiresAt;
  const isKnown = expiresAt?.getTime() === channel.expiresAt?.getTime() && channel.account === account;
  const isTokenSettled = channel.otherToken !== undefined && [channel.token, channel.otherToken].includes(found.token);
  if (isKnown && !isTokenSettled && channel.isDeleted !== true) return channel;
  const tokens = isTokenSettled ? { token: found.token, otherToken: undefined } : {};
  return { ...channel, ...tokens, account, expiresAt, isDeleted: undefined };
}
