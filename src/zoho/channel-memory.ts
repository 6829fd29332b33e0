import { join } from "node:path";
import { z } from "zod";
import { UserError } from "../core/errors.ts";
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

/** With whatever a newer version keeps beside them, which is carried along. */
const fileSchema = z.looseObject({ channels: z.array(z.unknown()) });
const keySchema = z.object({ profile: z.string(), product: z.string(), id: z.string() });

/** What a file's JSON remembers; undefined for what is no such file. An entry of another shape is not known here. */
export function rememberedChannels(json: unknown): readonly RememberedChannel[] | undefined {
  return fileSchema.safeParse(json).data?.channels.flatMap((entry) => {
    const { data } = channelSchema.safeParse(entry);
    if (data === undefined) return [];
    const { token, related, values, ...rest } = data;
    return [{ ...rest, token, related, values }];
  });
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
      change((entries) => [...entries.filter((entry) => !isOf(entry, channel, [channel.id])), channel]),
    async forget(profile, product, ids) {
      const isGone = (entry: unknown): boolean => isOf(entry, { profile, product }, ids);
      // What was never kept here, as where nothing can be, needs no file to be written.
      if (!(await read()).channels.some(isGone)) return;
      await change((entries) => entries.filter((entry) => !isGone(entry)));
    },
  };
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
