import { join } from "node:path";
import { z } from "zod";
import type { ChannelConfig } from "./channels.ts";
import { withFileLock } from "./file-lock.ts";
import { readPrivateJson, writePrivateJson } from "./private-file.ts";

/** A channel that was made here: enough to verify its deliveries and to make it again. */
interface RememberedChannel extends ChannelConfig {
  readonly profile: string;
  readonly product: string;
}

/** What is remembered of channels, in a file that only the user can read, because their tokens are in it. */
export interface ChannelMemory {
  all(profile: string, product: string): Promise<readonly RememberedChannel[]>;
  recall(profile: string, product: string, id: string): Promise<RememberedChannel | undefined>;
  remember(channel: RememberedChannel): Promise<void>;
  forget(profile: string, product: string, ids: readonly string[]): Promise<void>;
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
});
/** In the user's folder. */
export const CHANNELS_FILE = "channels.json";

export const channelsFileSchema = z.object({ channels: z.array(channelSchema) });

const LOCK_WAIT_MS = 15_000;

export function channelMemory(folder: string): ChannelMemory {
  const path = join(folder, CHANNELS_FILE);
  const read = async (): Promise<readonly RememberedChannel[]> => {
    const parsed = channelsFileSchema.safeParse(await readPrivateJson(path));
    return parsed.success
      ? parsed.data.channels.map(({ token, related, values, ...rest }) => ({ ...rest, token, related, values }))
      : [];
  };
  const change = (edit: (channels: readonly RememberedChannel[]) => readonly RememberedChannel[]): Promise<void> =>
    withFileLock(`${path}.lock`, LOCK_WAIT_MS, async () => writePrivateJson(path, { channels: edit(await read()) }));
  const same = (a: RememberedChannel, profile: string, product: string): boolean =>
    a.profile === profile && a.product === product;

  return {
    all: async (profile, product) => (await read()).filter((each) => same(each, profile, product)),
    recall: async (profile, product, id) =>
      (await read()).find((each) => same(each, profile, product) && each.id === id),
    remember: (channel) =>
      change((channels) => [
        ...channels.filter((each) => !(same(each, channel.profile, channel.product) && each.id === channel.id)),
        channel,
      ]),
    forget: (profile, product, ids) =>
      change((channels) => channels.filter((each) => !(same(each, profile, product) && ids.includes(each.id)))),
  };
}
