import { maskUrl } from "../delivery/mask.ts";
import type { Context } from "../project/context.ts";
import { userFolder } from "../project/load.ts";
import { oneLine, shellQuoted } from "../util/text.ts";
import { zohoTime } from "../zoho-api/time.ts";
import { allRemembered, isAlive, type RememberedChannel } from "./memory.ts";
import { findOrphans } from "./orphans.ts";

/** A line for each channel whose listener is gone. From the memory: no request, no sign-in. */
export async function orphanNotes(context: Context): Promise<readonly string[]> {
  // Commands that need the memory report that it cannot be read.
  const orphans = await findOrphans(userFolder(context), context.now()).catch(() => []);
  return orphans.map((channel) => {
    const end = channel.expiresAt === undefined ? "" : ` until ${zohoTime(channel.expiresAt)}`;
    const state = `its listen ended without deleting it, and it posts to ${oneLine(maskUrl(channel.notifyUrl))}${end}`;
    return `Channel ${channel.id} is left over: ${state}. To delete it: ${channelsCommand(context, channel, `delete ${channel.id}`)}`;
  });
}

/** After the tunnel has come back with another URL: the channels that still post to the old one, and the command for each. */
export async function reportOldUrls(
  context: Context,
  {
    url,
    previousUrl,
    movedId,
  }: { readonly url: string; readonly previousUrl: string; readonly movedId?: string | undefined },
): Promise<void> {
  const channels = await allRemembered(userFolder(context)).catch(() => []);
  for (const channel of channels) {
    const { id, notifyUrl } = channel;
    if (id === movedId || !isAlive(channel, context.now()) || !notifyUrl.startsWith(`${previousUrl}/`)) continue;
    const newUrl = url + notifyUrl.slice(previousUrl.length);
    const message = `channel ${id} still posts to ${oneLine(maskUrl(notifyUrl))}: ${channelsCommand(context, channel, `update ${id} --url ${shellQuoted(newUrl)}`)}`;
    context.report({ type: "notice", message });
  }
}

function channelsCommand({ invocation }: Context, { product, profile }: RememberedChannel, words: string): string {
  // Not a profile's name: the sign-in of the environment.
  const flag = profile === "environment" ? "" : ` --profile ${shellQuoted(profile)}`;
  return `${invocation} channels ${words} --product ${shellQuoted(product)}${flag}`;
}
