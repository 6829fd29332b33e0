import { join } from "node:path";
import { z } from "zod";
import { UserError } from "../util/errors.ts";
import { withFileLock } from "../util/file-lock.ts";
import { readPrivateJson, writePrivateJson } from "../util/files.ts";
import { CHANNEL_ID, type Channel, type ChannelConfig } from "./channel.ts";
import { CHANNELS_FILE } from "./channels-file.ts";
import { type GONE, hasExpired } from "./expiry.ts";

/** The owner of a channel. Sign-ins of different organisations may share a name, above all "environment". */
interface ChannelOwner {
  readonly profile: string;
  readonly product: string;
  readonly account?: string;
}

/** A channel that was created or changed here, was not deleted here, and that Zoho does not list. */
export interface MissingChannel extends RememberedChannel {
  /** `not listed`: its expiry is unknown here. */
  readonly because: keyof typeof GONE;
}

type NewMemory = ChannelConfig & Pick<RememberedChannel, "expiresAt" | "otherToken" | "ofListener" | "project">;
type ListedChannel = Pick<Channel, "id" | "expiresAt" | "token">;

/** The remembered channels of one owner. */
export type ChannelMemory = ReturnType<typeof channelMemory>;

/** A channel that was created here: enough to verify its deliveries and to create it again. */
export type RememberedChannel = z.infer<typeof channelSchema>;

const channelSchema = z.strictObject({
  profile: z.string(),
  product: z.string().regex(CHANNEL_ID),
  id: z.string().regex(CHANNEL_ID),
  events: z.array(z.string()).readonly(),
  notifyUrl: z.string(),
  token: z.string().optional(),
  related: z.boolean().optional(),
  values: z.boolean().optional(),
  conditions: z.array(z.unknown()).readonly(),
  account: z.string().optional(),
  /** When it was first remembered: what changed before is not watched. */
  createdAt: z.coerce.date().optional().catch(undefined),
  /** As far as it is known here. */
  expiresAt: z.coerce.date().optional().catch(undefined),
  /** Zoho stopped listing it before its expiry. */
  isDeleted: z.boolean().optional(),
  /** The user has been told that Zoho no longer lists it. */
  isLossTold: z.boolean().optional(),
  /** May be in force instead of `token`: the request that set one of them was not answered. */
  otherToken: z.string().optional(),
  /** It lives only as long as its listener. */
  ofListener: z.boolean().optional(),
  /** The project of its listener. */
  project: z.string().optional(),
});
/** Strict, so that what another version has written is refused instead of lost in a rewrite. */
const fileSchema = z.strictObject({ channels: z.array(channelSchema) });

const LOCK_TIMEOUT_MS = 15_000;

/** Stored in a file that only the user can read, because it holds the channels' tokens. */
export function channelMemory(folder: string, owner: ChannelOwner, now: () => Date) {
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
  const write = (channel: RememberedChannel): Promise<void> =>
    change((channels) => {
      const isIt = (each: RememberedChannel): boolean => isOwn(each) && each.id === channel.id;
      const { createdAt = now(), expiresAt, ofListener, project } = channels.find(isIt) ?? {};
      return [...channels.filter((each) => !isIt(each)), { createdAt, expiresAt, ofListener, project, ...channel }];
    });
  const all = async (): Promise<readonly RememberedChannel[]> => (await read()).filter(isOwn);
  const forget = async (ids: readonly string[]): Promise<void> => {
    const isForgotten = (each: RememberedChannel): boolean => isOwn(each) && ids.includes(each.id);
    // Nothing to forget needs no writable folder.
    if ((await read()).some(isForgotten)) await change((channels) => channels.filter((each) => !isForgotten(each)));
  };
  const isConcerned = (each: RememberedChannel, found: ListedChannel | undefined): boolean =>
    // A listed channel is this sign-in's, whichever token of the same organisation created it.
    isOwn(each) && (each.account === undefined || each.account === owner.account || found !== undefined);

  return {
    all,
    recall: async (id: string) => (await all()).find((each) => each.id === id),
    remember: (channel: NewMemory) => write({ ...channel, ...owner }),
    /** Undoes `remember`: `before` is what `recall` had returned. */
    restore: (id: string, before: RememberedChannel | undefined) =>
      before === undefined ? forget([id]) : write(before),
    forget,
    /** Records when the listed channels expire, and which others disappeared early. `only`: the list was limited to it. */
    async observe(listed: readonly ListedChannel[], now: Date, only?: string): Promise<void> {
      const update = (each: RememberedChannel): RememberedChannel => {
        const found = listed.find(({ id }) => id === each.id);
        const isMeant = isConcerned(each, found) && (only === undefined || each.id === only);
        return isMeant ? observed(each, found, owner, now) : each;
      };
      // Listing must not fail because its result cannot be saved.
      if ((await read()).some((each) => update(each) !== each))
        await change((channels) => channels.map(update)).catch(() => undefined);
    },
    /** Records that the user has been told of missing channels. */
    async noteTold(ids: readonly string[]): Promise<void> {
      const isTold = (each: RememberedChannel): boolean => isOwn(each) && ids.includes(each.id);
      if (ids.length > 0)
        await change((channels) => channels.map((each) => (isTold(each) ? { ...each, isLossTold: true } : each)));
    },
    /** The channels that are missing from a whole list: those of listeners, or the others. Records nothing. */
    async missing(
      listed: readonly ListedChannel[],
      now: Date,
      { ofListeners = false } = {},
    ): Promise<readonly MissingChannel[]> {
      const isMissing = (each: RememberedChannel): boolean =>
        isConcerned(each, undefined) &&
        (each.ofListener === true) === ofListeners &&
        !listed.some(({ id }) => id === each.id);
      return (await all())
        .filter(isMissing)
        .map((each) => observed(each, undefined, owner, now))
        .map((each) => ({
          ...each,
          because: each.isDeleted === true ? "gone early" : each.expiresAt === undefined ? "not listed" : "expired",
        }));
    },
  };
}

/** Whether a channel still posts, as far as this machine knows. */
export function isActive({ expiresAt, isDeleted }: RememberedChannel, now: Date): boolean {
  return isDeleted !== true && (expiresAt === undefined || expiresAt > now);
}

/** The channels of all owners. */
export async function allRemembered(folder: string): Promise<readonly RememberedChannel[]> {
  return rememberedChannels(await readPrivateJson(join(folder, CHANNELS_FILE))) ?? [];
}

/** The channels in the JSON of a channels file; undefined if it is not one. */
export function rememberedChannels(json: unknown): readonly RememberedChannel[] | undefined {
  return fileSchema.safeParse(json).data?.channels;
}

/** Returns the same object if there is nothing new. */
function observed(
  channel: RememberedChannel,
  found: ListedChannel | undefined,
  { account }: ChannelOwner,
  now: Date,
): RememberedChannel {
  if (found === undefined) {
    const isEarly = channel.expiresAt !== undefined && !hasExpired(channel.expiresAt, now);
    return isEarly && channel.isDeleted !== true ? { ...channel, isDeleted: true } : channel;
  }
  const expiresAt = found.expiresAt ?? channel.expiresAt;
  const isKnown = expiresAt?.getTime() === channel.expiresAt?.getTime() && channel.account === account;
  const isTokenSettled = channel.otherToken !== undefined && [channel.token, channel.otherToken].includes(found.token);
  if (isKnown && !isTokenSettled && channel.isDeleted !== true && channel.isLossTold !== true) return channel;
  const tokens = isTokenSettled ? { token: found.token, otherToken: undefined } : {};
  return { ...channel, ...tokens, account, expiresAt, isDeleted: undefined, isLossTold: undefined };
}
