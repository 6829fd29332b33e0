import { join } from "node:path";
import { z } from "zod";
import { UserError } from "../../util/errors.ts";
import { withFileLock } from "../../util/file-lock.ts";
import { readPrivateJson, writePrivateJson } from "../../util/files.ts";
import type { Channel, ChannelConfig } from "./channel.ts";
import { CHANNELS_FILE } from "./channels-file.ts";
import { MINUTE_MS } from "./expiry.ts";

/** A channel that was made here: enough to verify its deliveries and to make it again. */
export interface RememberedChannel extends ChannelConfig, Partial<ChannelOwner> {
  readonly profile: string;
  readonly product: string;
  /** When it ends, as far as is known here. */
  readonly expiresAt?: Date | undefined;
  /** Zoho has stopped listing it before its end, so that somebody has deleted it. */
  readonly isDeleted?: boolean | undefined;
  /** What Zoho may have in place of `token`: the answer to the request that set one has not come. */
  readonly otherToken?: string | undefined;
  /** It lives as long as a listener does, and nobody misses it then. */
  readonly ofListener?: boolean | undefined;
}

/** Whose channel it is. Sign-ins of different organisations may go by the same name, "environment" above all. */
export interface ChannelOwner {
  readonly profile: string;
  readonly product: string;
  readonly account: string | undefined;
}

/** What a list shows of a channel that matters here. */
type Seen = Pick<Channel, "id" | "expiresAt" | "token">;

/** What is remembered of channels, in a file that only the user can read, because their tokens are in it. */
export interface ChannelMemory {
  all(profile: string, product: string): Promise<readonly RememberedChannel[]>;
  recall(profile: string, product: string, id: string): Promise<RememberedChannel | undefined>;
  remember(channel: RememberedChannel): Promise<void>;
  forget(profile: string, product: string, ids: readonly string[]): Promise<void>;
  /**
   * Keeps in mind when the listed channels end, and which others have gone before their end. Resolves to those that are
   * missing from the list, whatever could be written down. `only`: nothing but this channel was asked for.
   */
  observe(
    owner: ChannelOwner,
    listed: readonly Seen[],
    now: Date,
    only?: string,
  ): Promise<readonly RememberedChannel[]>;
}

const channelSchema = z.object({
  profile: z.string(),
  product: z.string(),
  id: z.string(),
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
});

/** With whatever a newer version keeps beside them, which is carried along. */
const fileSchema = z.looseObject({ channels: z.array(z.unknown()) });
const keySchema = z.object({ profile: z.string(), product: z.string(), id: z.string() });

/** What a file's JSON remembers; undefined for what is no such file. An entry of another shape is not known here. */
export function rememberedChannels(json: unknown): readonly RememberedChannel[] | undefined {
  return fileSchema.safeParse(json).data?.channels.flatMap((entry) => {
    const channel = rememberedChannel(entry);
    return channel === undefined ? [] : [channel];
  });
}

function rememberedChannel(entry: unknown): RememberedChannel | undefined {
  const { data } = channelSchema.safeParse(entry);
  if (data === undefined) return undefined;
  const { token, related, values, ...rest } = data;
  return { ...rest, token, related, values };
}

const LOCK_WAIT_MS = 15_000;

export function channelMemory(folder: string): ChannelMemory {
  const path = join(folder, CHANNELS_FILE);
  const read = async (): Promise<z.infer<typeof fileSchema>> => {
    const parsed = fileSchema.safeParse((await readPrivateJson(path)) ?? { channels: [] });
    if (parsed.success) return parsed.data;
    throw new UserError(
      "credentials",
      `${path} does not hold channels that this version of zoho-hooks can read`,
      "delete the file: their tokens are lost then, and channels that deliveries are to be verified of have to be made again",
    );
  };
  const change = (edit: (entries: readonly unknown[]) => readonly unknown[]): Promise<void> =>
    withFileLock(`${path}.lock`, { waitMs: LOCK_WAIT_MS }, async () => {
      const file = await read();
      await writePrivateJson(path, { ...file, channels: edit(file.channels) });
    });
  const all = async (profile: string, product: string): Promise<readonly RememberedChannel[]> =>
    (rememberedChannels(await read()) ?? []).filter((each) => each.profile === profile && each.product === product);

  return {
    all,
    recall: async (profile, product, id) => (await all(profile, product)).find((each) => each.id === id),
    remember: (channel) =>
      change((entries) => {
        const isIt = (entry: unknown): boolean => isOf(entry, channel, [channel.id]);
        const { expiresAt, ofListener } = rememberedChannel(entries.find(isIt)) ?? {};
        return [...entries.filter((entry) => !isIt(entry)), { expiresAt, ofListener, ...channel }];
      }),
    async forget(profile, product, ids) {
      const isGone = (entry: unknown): boolean => isOf(entry, { profile, product }, ids);
      // What was never kept here, as where nothing can be, needs no file to be written.
      if (!(await read()).channels.some(isGone)) return;
      await change((entries) => entries.filter((entry) => !isGone(entry)));
    },
    async observe(owner, listed, now, only) {
      const byId = new Map(listed.map((each) => [each.id, each]));
      const isAsked = (each: RememberedChannel): boolean =>
        each.profile === owner.profile &&
        each.product === owner.product &&
        // What is listed is this sign-in's, whichever token of the same organisation it was made with.
        (each.account === undefined || each.account === owner.account || byId.has(each.id)) &&
        (only === undefined || each.id === only);
      const look = (each: RememberedChannel): RememberedChannel => observed(each, byId.get(each.id), owner, now);
      const asked = (await all(owner.profile, owner.product)).filter(isAsked);
      const news = (entry: unknown): unknown => {
        const channel = rememberedChannel(entry);
        if (channel === undefined || !isAsked(channel) || look(channel) === channel) return entry;
        return { ...Object(entry), ...look(channel) };
      };
      // A list is no failure for want of room to write down what it shows.
      if (asked.some((each) => look(each) !== each)) await change((entries) => entries.map(news)).catch(() => {});
      return asked.filter((each) => !byId.has(each.id) && each.ofListener !== true).map(look);
    },
  };
}

/** An end that is this near may be over by Zoho's clock. */
const CLOSE_MS = 5 * MINUTE_MS;

/** The same object where there is nothing new. */
function observed(
  channel: RememberedChannel,
  found: Seen | undefined,
  { account }: ChannelOwner,
  now: Date,
): RememberedChannel {
  if (found === undefined) {
    const isEarly = channel.expiresAt !== undefined && channel.expiresAt.getTime() > now.getTime() + CLOSE_MS;
    return isEarly && channel.isDeleted !== true ? { ...channel, isDeleted: true } : channel;
  }
  const expiresAt = found.expiresAt ?? channel.expiresAt;
  const isKnown = expiresAt?.getTime() === channel.expiresAt?.getTime() && channel.account === account;
  const isSettled = channel.otherToken !== undefined && [channel.token, channel.otherToken].includes(found.token);
  const tokens = isSettled ? { token: found.token, otherToken: undefined } : {};
  if (isKnown && !isSettled && channel.isDeleted !== true) return channel;
  return { ...channel, ...tokens, account, expiresAt, isDeleted: undefined };
}

/** Whatever else it says. */
function isOf(
  entry: unknown,
  { profile, product }: Pick<RememberedChannel, "profile" | "product">,
  ids: readonly string[],
): boolean {
  const key = keySchema.safeParse(entry).data;
  return key !== undefined && key.profile === profile && key.product === product && ids.includes(key.id);
}
