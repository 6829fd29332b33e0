import { lookup } from "node:dns/promises";
import type { Context } from "../../context.ts";
import { maskUrl } from "../../core/mask.ts";
import { examples } from "../../reports/help.ts";
import { ExitCode, UserError } from "../../util/errors.ts";
import { oneLine } from "../../util/text.ts";
import { removeRequest } from "../../zoho/channels/api.ts";
import type { Channel } from "../../zoho/channels/channel.ts";
import type { ZohoHttp } from "../../zoho/http.ts";
import type { Define } from "../command.ts";
import { confirm, showRequest } from "../helpers/notices.ts";
import { addZohoOptions, ownerOf, withZoho, type ZohoOptions, type ZohoSession } from "../helpers/session.ts";
import { deleteChannels, forget, kept } from "./delete.ts";

interface PruneOptions extends ZohoOptions {
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

export const definePrune: Define = (command, act) => {
  addZohoOptions(command.command("prune"))
    .description("Delete channels that were created or changed here and post to a dead address.")
    .addHelpText("before", examples("zoho-hooks channels prune", "zoho-hooks channels prune --yes"))
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

/** Why nothing can answer at an address any more. */
interface DeadUrl {
  readonly because: string;
  /** False where another network may know better: nobody but a person can say then. */
  readonly isSure: boolean;
}

/**
 * Why nothing can answer at a notify URL any more; undefined when something does, or when it cannot be said.
 * An app that answers an error is alive, and a network that is down here proves nothing about the other end. Nor does a name
 * that is not known here: another resolver may know it, that of a VPN, say. It counts for a hint only while `control`, a
 * name that Zoho has, is known.
 */
export async function findDeadUrl(
  http: ZohoHttp,
  url: string,
  control: string,
  signal: AbortSignal,
): Promise<DeadUrl | undefined> {
  if (!URL.canParse(url)) return { because: "it is not an address", isSure: true };
  try {
    const reply = await http.send({ method: "GET", url, repeatable: false, signal });
    // The edge of a tunnel that is offline answers for it: https://ngrok.com/docs/errors/err_ngrok_3200
    return /ERR_NGROK_3200\b/.test(reply.text) ? { because: "its tunnel is offline", isSure: true } : undefined;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    if (/ENOTFOUND/.test(error.message))
      return (await isKnown(control)) ? { because: "its name is not known here", isSure: false } : undefined;
    return /ECONNREFUSED/.test(error.message) ? { because: "nothing listens there", isSure: true } : undefined;
  }
}

function isKnown(hostname: string): Promise<boolean> {
  return lookup(hostname.replace(/^\[|\]$/g, "")).then(
    () => true,
    () => false,
  );
}
