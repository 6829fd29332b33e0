import type { Channel } from "../../channels/channel.ts";
import { removeRequest } from "../../channels/client.ts";
import { findDeadUrl } from "../../channels/dead-url.ts";
import { deleteChannels, forget } from "../../channels/delete.ts";
import { isInUse } from "../../channels/orphaned-channels.ts";
import { withZoho, type ZohoSession } from "../../channels/session.ts";
import { maskUrl } from "../../delivery/mask.ts";
import { loadConfig } from "../../project/load.ts";
import { ExitCode } from "../../util/errors.ts";
import { oneLine } from "../../util/text.ts";
import { confirm, showRequest } from "../../zoho-api/session.ts";
import type { CommandContext } from "../command.ts";
import { type DeletionOptions, unchanged } from "./options.ts";

/** Deletes the channels that were created or changed here and whose URL does not answer. */
export async function removeDead(context: CommandContext, options: DeletionOptions): Promise<ExitCode> {
  return withZoho(context, loadConfig(context), options, async (session) => {
    const { client, product } = session;
    const listed = await context.waiting("asking Zoho for its channels", () => client.list());
    const { ours, gone } = await rememberedChannels(session, listed);
    const dead = await context.waiting("checking their URLs", () => findDead(session, ours, context.signal));
    // Without a prompt, only channels whose URL is certainly dead are deleted.
    const isAsking = !options.yes && !options.dryRun;
    const ids = dead.filter(({ isSure }) => isSure || isAsking).map(({ id }) => id);
    for (const channel of dead) reportDead(context, session, channel, ids.includes(channel.id));
    const message = `no ${product.title} channel that was created here posts to a dead URL`;
    if (dead.length === 0) context.report({ type: "notice", message });
    if (options.dryRun)
      return ids.length === 0 ? ExitCode.ok : showRequest(context, session, removeRequest(product, ids));
    const deletes = ids.length === 0 ? [] : [`delete ${ids.length} of ${listed.length} channels`];
    const forgets = gone.length === 0 ? [] : [`forget ${gone.join(", ")}, which Zoho no longer lists`];
    const question = [...deletes, ...forgets].join(" and ").replace(/^./, (letter) => letter.toUpperCase());
    if (question === "") return dead.length > 0 ? unchanged(context) : ExitCode.ok;
    if (!(await confirm(context, session, `${question}?`, options))) return unchanged(context);
    await forget(context, session, gone);
    return ids.length === 0 ? ExitCode.ok : deleteChannels(context, session, ids);
  });
}

/**
 * The listed channels that are known here, and the ids of known ones that Zoho no longer lists: they have expired, unless they belong
 * to another sign-in. Without those in use: the tunnel of a running listen may be down for a moment only.
 */
async function rememberedChannels({ account, folder, memory }: ZohoSession, listed: readonly Channel[]) {
  const ours: Channel[] = [];
  const gone: string[] = [];
  const remembered = await memory.all();
  for (const channel of listed) {
    const own = remembered.find(({ id }) => id === channel.id);
    if (own === undefined || (await isInUse(folder, own))) continue;
    // If Zoho does not list the URL, it is the one that the channel was created with.
    ours.push({ ...channel, notifyUrl: channel.notifyUrl ?? own.notifyUrl });
  }
  for (const own of remembered) {
    const isOurs = own.account === undefined || own.account === account;
    const isListed = listed.some(({ id }) => id === own.id);
    if (isOurs && !isListed && !(await isInUse(folder, own))) gone.push(own.id);
  }
  return { ours, gone };
}

function reportDead(
  context: CommandContext,
  { command }: ZohoSession,
  { id, notifyUrl = "", because }: DeadChannel,
  isDeleted: boolean,
): void {
  const reason = `posts to ${oneLine(maskUrl(notifyUrl))}: ${because}`;
  if (isDeleted) {
    context.report({ type: "notice", message: `channel ${id} ${reason}` });
  } else {
    const hint = `another network may resolve it; if the URL is dead: ${command(`delete ${id}`)}`;
    context.report({ type: "warning", message: `skipped channel ${id}, which ${reason}`, hint });
  }
}

interface DeadChannel extends Channel {
  readonly because: string;
  readonly isSure: boolean;
}

const MAX_PROBES = 8;

/** The channels at whose URL nothing answers, with the reason. */
async function findDead({ api, http, product }: ZohoSession, channels: readonly Channel[], signal: AbortSignal) {
  const { hostname } = new URL(api.urlOf(removeRequest(product, [])));
  const found: DeadChannel[] = [];
  for (let at = 0; at < channels.length; at += MAX_PROBES) {
    const probes = channels.slice(at, at + MAX_PROBES).map(async (channel) => {
      const dead = await findDeadUrl(http, channel.notifyUrl ?? "", hostname, signal);
      return dead === undefined ? [] : [{ ...channel, ...dead }];
    });
    found.push(...(await Promise.all(probes)).flat());
  }
  return found;
}
