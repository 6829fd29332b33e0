import { ExitCode } from "../util/errors.ts";
import { isNotSubscribed, isRejection, isThrottled, ZohoApiError } from "../zoho-api/errors.ts";
import type { WatchClient } from "./api.ts";
import type { Channel, ChannelConfig } from "./channel.ts";
import { MINUTE_MS } from "./expiry.ts";
import type { ChannelMemory, RememberedChannel } from "./memory.ts";
import { type GrantedResult, requireSuccess } from "./replies.ts";

/** The channels of one product that a sign-in can see: at Zoho, and as they are remembered on this machine. */
export interface ChannelAccess {
  readonly client: WatchClient;
  readonly memory: ChannelMemory;
  /** The time by Zoho's clock, once Zoho has answered. */
  now(): Date;
  /** A channels command to copy, with the flags of this sign-in: `zoho-hooks channels show 4711 --product crm`. */
  command(words: string): string;
}

/** Creates a channel and reads it back. */
export async function createChannel(access: ChannelAccess, config: ChannelConfig, expiresAt: Date): Promise<Channel> {
  return readBack(access, config, await requestChannel(access, config, () => expiresAt));
}

interface Granted extends GrantedResult {
  /** The expiry that was requested. */
  readonly requested: Date;
}

/**
 * Asks Zoho for a channel. It is remembered first: Zoho may post before it answers, and if the answer is lost or this
 * process is killed, the channel exists with a token that nothing else knows.
 */
export async function requestChannel(
  access: ChannelAccess,
  config: ChannelConfig,
  endBy: (now: Date) => Date,
): Promise<Granted> {
  const before = await access.memory.recall(config.id);
  await access.memory.remember(config);
  try {
    return await write("create", access, config, endBy);
  } catch (error) {
    if (isRejection(error)) await access.memory.restore(config.id, before);
    throw error;
  }
}

/**
 * Takes over a channel that has the same id: writing it as a whole leaves no time without a channel, and none with two. One
 * that is gone is created again; one that Zoho does not let us write is deleted first.
 */
export async function adoptChannel(
  access: ChannelAccess,
  config: ChannelConfig,
  orphan: RememberedChannel,
  endBy: (now: Date) => Date,
): Promise<Granted & { readonly isAdopted: boolean }> {
  const { client, memory } = access;
  const otherToken = orphan.token === config.token ? orphan.otherToken : orphan.token;
  await memory.remember({ ...config, otherToken });
  try {
    return { ...(await write("replace", access, config, endBy)), isAdopted: true };
  } catch (error) {
    if (!isRejection(error)) throw error;
    if (!(error instanceof ZohoApiError) || error.exitCode === ExitCode.credentials || isThrottled(error)) {
      await memory.restore(config.id, orphan);
      throw error;
    }
    if (!isNotSubscribed(error)) await client.remove([config.id]);
  }
  return { ...(await requestChannel(access, config, endBy)), isAdopted: false };
}

/**
 * The first answer tells Zoho's time. If the expiry was computed by a wrong clock, this asks again with the intended one:
 * Zoho silently cuts an expiry that is too far away to one hour, and accepts one that is too early.
 */
async function write(
  method: "create" | "replace",
  { client, now }: ChannelAccess,
  config: ChannelConfig,
  endBy: (now: Date) => Date,
): Promise<Granted> {
  const requested = endBy(now());
  const results = await client[method]([{ config, expiresAt: requested }]);
  const intended = endBy(now());
  if (Math.abs(intended.getTime() - requested.getTime()) < MINUTE_MS) return { ...requireSuccess(results), requested };
  try {
    return { ...requireSuccess(await client[method]([{ config, expiresAt: intended }])), requested: intended };
  } catch (error) {
    if (!isRejection(error) || results.some(({ ok }) => !ok)) throw error;
    // The channel of the first answer exists; the caller warns that it expires too early.
    return { ...requireSuccess(results), requested: intended };
  }
}

/** Remembers what Zoho granted, and reads the channel from the list. */
export async function readBack(
  { client, memory, now }: ChannelAccess,
  config: ChannelConfig,
  { expiresAt, modules }: GrantedResult,
): Promise<Channel> {
  await memory.remember({ ...config, ...(expiresAt === undefined ? {} : { expiresAt }) });
  const listed = await client.get(config.id);
  // Zoho has accepted it, so a list that does not show it yet is no failure.
  if (listed === undefined) return { ...config, modules, expiresAt };
  await memory.observe([listed], now(), config.id);
  return { ...listed, expiresAt: listed.expiresAt ?? expiresAt };
}
