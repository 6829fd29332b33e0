import { removeRequest } from "../../channels/api.ts";
import type { Channel } from "../../channels/channel.ts";
import { type DeadUrl, findDeadUrl } from "../../channels/dead-url.ts";
import { deleteChannels, forget } from "../../channels/delete.ts";
import { isInUse } from "../../channels/orphans.ts";
import { withZoho, type ZohoSession } from "../../channels/session.ts";
import { maskUrl } from "../../delivery/mask.ts";
import type { Context } from "../../project/context.ts";
import { userFolder } from "../../project/load.ts";
import { examples } from "../../terminal/help.ts";
import { ExitCode } from "../../util/errors.ts";
import { oneLine } from "../../util/text.ts";
import { confirm, showRequest } from "../../zoho-api/session.ts";
import type { Define } from "../command.ts";
import { addDeletionOptions, type DeletionOptions, unchanged } from "./delete.ts";

export const definePrune: Define = (command, act) => {
  addDeletionOptions(command.command("prune"))
    .description("Delete channels that were created or changed here and post to a dead URL.")
    .addHelpText("before", examples("zoho-hooks channels prune", "zoho-hooks channels prune --yes"))
    .addHelpText("after", HELP)
    .action(act(prune));
};

async function prune(context: Context, options: DeletionOptions): Promise<ExitCode> {
  return withZoho(context, options, async (session) => {
    const { account, client, memory, product } = session;
    const listed = await context.waiting("asking Zoho for its channels", () => client.list());
    const remembered = await memory.all();
    // If Zoho does not list the URL, it is the one that the channel was created with.
    const ours: Channel[] = [];
    for (const channel of listed) {
      const own = remembered.find(({ id }) => id === channel.id);
      // The tunnel of a running listen may be down for a moment only.
      if (own === undefined || (await isInUse(userFolder(context), own))) continue;
      ours.push({ ...channel, notifyUrl: channel.notifyUrl ?? own.notifyUrl });
    }
    // Channels that Zoho no longer lists have expired, unless they belong to another sign-in.
    const gone = remembered
      .filter((own) => own.account === undefined || own.account === account)
      .map(({ id }) => id)
      .filter((id) => !listed.some((channel) => channel.id === id));
    const dead = await context.waiting("checking their URLs", () => findDead(session, ours, context.signal));
    // Without a prompt, only channels whose URL is certainly dead are deleted.
    const isAsking = options.yes !== true && options.dryRun !== true;
    const ids = dead.flatMap(({ channel, isSure }) => (isSure || isAsking ? [channel.id] : []));
    for (const each of dead) reportDead(context, session, each, ids.includes(each.channel.id));
    if (ids.length === 0 && dead.length === 0) {
      const message = `no ${product.title} channel that was created here posts to a dead URL`;
      context.report({ type: "notice", message });
    }
    if (options.dryRun === true)
      return ids.length === 0 ? ExitCode.ok : showRequest(context, session, removeRequest(product, ids));
    const parts = [
      ...(ids.length === 0 ? [] : [`delete ${ids.length} of ${listed.length} channels`]),
      ...(gone.length === 0 ? [] : [`forget ${gone.join(", ")}, which Zoho no longer lists`]),
    ];
    if (parts.length === 0) return dead.length > 0 ? unchanged(context) : ExitCode.ok;
    const question = parts.join(" and ").replace(/^./, (letter) => letter.toUpperCase());
    if (!(await confirm(context, session, `${question}?`, options))) return unchanged(context);
    await forget(context, session, gone);
    return ids.length === 0 ? ExitCode.ok : deleteChannels(context, session, ids);
  });
}

const MAX_PROBES = 8;

interface Dead extends DeadUrl {
  readonly channel: Channel;
}

function reportDead(context: Context, { command }: ZohoSession, dead: Dead, isDeleted: boolean): void {
  const { channel, because } = dead;
  const { id, notifyUrl = "" } = channel;
  const reason = `posts to ${oneLine(maskUrl(notifyUrl))}: ${because}`;
  if (isDeleted) context.report({ type: "notice", message: `channel ${id} ${reason}` });
  else
    context.report({
      type: "warning",
      message: `skipped channel ${id}, which ${reason}`,
      hint: `another network may resolve it; if the URL is dead: ${command(`delete ${id}`)}`,
    });
}

async function findDead(
  { api, http, product }: ZohoSession,
  channels: readonly Channel[],
  signal: AbortSignal,
): Promise<readonly Dead[]> {
  const dead: Dead[] = [];
  const { hostname } = new URL(api.urlOf(removeRequest(product, [])));
  for (let at = 0; at < channels.length; at += MAX_PROBES) {
    const some = channels.slice(at, at + MAX_PROBES);
    const reasons = await Promise.all(
      some.map((channel) => findDeadUrl(http, channel.notifyUrl ?? "", hostname, signal)),
    );
    for (const [i, channel] of some.entries()) {
      const reason = reasons[i];
      if (reason !== undefined) dead.push({ channel, ...reason });
    }
  }
  return dead;
}

const HELP = `
A URL is dead if the connection is refused or its tunnel is offline. If only its host name cannot be resolved here, another
network may still know it: such a channel is deleted only if you agree, and never with --yes. Channels that were neither
created nor changed here are never touched, nor is that of a running listen. Those of this sign-in that Zoho no longer
lists are forgotten: renew cannot create them again.`;
