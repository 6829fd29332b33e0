import type { Context } from "../../context.ts";
import { ExitCode } from "../../core/errors.ts";
import { maskUrl } from "../../core/mask.ts";
import { oneLine } from "../../core/one-line.ts";
import type { Channel } from "../../zoho/channels.ts";
import { type DeadUrl, findDeadUrl } from "../../zoho/dead-url.ts";
import { removeRequest } from "../../zoho/watch.ts";
import type { Define } from "../command.ts";
import { confirm } from "../confirm.ts";
import { showRequest } from "../unsent-request.ts";
import { addZohoOptions, ownerOf, withZoho, type ZohoOptions, type ZohoSession } from "../zoho-session.ts";
import { deleteChannels, forget, kept } from "./delete.ts";

interface PruneOptions extends ZohoOptions {
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

export const definePrune: Define = (command, act) => {
  addZohoOptions(command.command("prune"))
    .description("Delete channels that were created or changed here and post to a dead address.")
    .option("-y, --yes", "do not ask")
    .option("--dry-run", "show which, print the request, delete nothing")
    .addHelpText("after", HELP)
    .action(
      act(async (context, options: PruneOptions) =>
        withZoho(context, options, async (session) => {
          const { client, memory, product } = session;
          const listed = await context.waiting("asking Zoho for its channels", () => client.list());
          const { profile, account } = ownerOf(session);
          const remembered = await memory.all(profile, product.id);
          const isListed = (id: string): boolean => listed.some((channel) => channel.id === id);
          // Where Zoho does not list where a channel posts to, it posts to where it was made for.
          const ours = listed.flatMap((channel) => {
            const own = remembered.find(({ id }) => id === channel.id);
            return own === undefined ? [] : [{ ...channel, notifyUrl: channel.notifyUrl ?? own.notifyUrl }];
          });
          // What Zoho lists no longer has expired, unless it is another sign-in's: nothing is left to do for it but to forget it.
          const gone = remembered.filter(
            (own) => !isListed(own.id) && (own.account === undefined || own.account === account),
          );
          const dead = await context.waiting("trying their addresses", () => findDead(session, ours, context.signal));
          // Where nobody is asked, only what is sure is deleted.
          const asks = options.yes !== true && options.dryRun !== true;
          const ids = dead.flatMap(({ channel, isSure }) => (isSure || asks ? [channel.id] : []));
          for (const each of dead) tell(context, session, each, ids.includes(each.channel.id));
          if (options.dryRun !== true)
            await forget(
              context,
              session,
              gone.map((own) => own.id),
            );
          if (dead.length > 0 && ids.length === 0) return kept(context);
          if (ids.length === 0) {
            context.report({
              type: "notice",
              message: `no ${product.title} channel of ours posts to an address that is gone`,
            });
            return ExitCode.ok;
          }
          if (options.dryRun === true) return showRequest(context, session, removeRequest(product, ids));
          if (!(await confirm(context, `Delete ${ids.length} of ${listed.length} channels?`, options.yes)))
            return kept(context);
          return deleteChannels(context, session, ids);
        }),
      ),
    );
};

const PROBES_AT_ONCE = 8;

interface Dead extends DeadUrl {
  readonly channel: Channel;
}

function tell(context: Context, { command }: ZohoSession, dead: Dead, isToGo: boolean): void {
  const { channel, because } = dead;
  const message = `${channel.id} posts to ${oneLine(maskUrl(channel.notifyUrl ?? ""))}: ${because}`;
  if (isToGo) {
    context.report({ type: "notice", message });
    return;
  }
  context.report({
    type: "warning",
    message: `${message}; another network may know it, so the channel is left alone`,
    hint: `if the address is gone: ${command(`delete ${channel.id}`)}`,
  });
}

async function findDead(
  { api, http, product }: ZohoSession,
  channels: readonly Channel[],
  signal: AbortSignal,
): Promise<readonly Dead[]> {
  const dead: Dead[] = [];
  const { hostname } = new URL(api.urlOf(removeRequest(product, [])));
  for (let at = 0; at < channels.length; at += PROBES_AT_ONCE) {
    const some = channels.slice(at, at + PROBES_AT_ONCE);
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
An address is dead if nothing listens there, or if its tunnel says that it is offline. If only its name cannot be resolved
here, another network may still know it: such a channel is deleted only if you agree, and never with --yes. Channels that
were neither created nor changed here are never touched.
`;
