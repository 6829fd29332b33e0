import { ExitCode, UserError, usageError } from "../../core/errors.ts";
import { oneLine } from "../../core/one-line.ts";
import { isRefusal } from "../../zoho/api-error.ts";
import { expandEvents, withoutEvents } from "../../zoho/channel-events.ts";
import { type Channel, conditionsFor } from "../../zoho/channels.ts";
import { disableRequest, removeRequest, writeRequest } from "../../zoho/watch.ts";
import { requireSuccess } from "../../zoho/watch-reply.ts";
import type { ApiRequest } from "../../zoho/zoho-api.ts";
import { channelEvents } from "../channel-events.ts";
import type { Define } from "../command.ts";
import { confirm } from "../confirm.ts";
import { collect } from "../options.ts";
import { showRequest } from "../unsent-request.ts";
import { addZohoOptions, ownerOf, withZoho, type ZohoOptions, type ZohoSession } from "../zoho-session.ts";
import { channelId, channelReport, UNREAD } from "./channel-view.ts";
import { deleteChannels, kept } from "./delete.ts";
import { renewalConfig } from "./renew-channel.ts";
import { requireChannel } from "./show.ts";

interface DisableOptions extends ZohoOptions {
  readonly events?: readonly string[];
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

export const defineDisable: Define = (command, act) => {
  addZohoOptions(command.command("disable"))
    .description("Stop some events of a channel, or all: then the channel is deleted.")
    .argument("<id>", "the channel's id")
    .option("--events <event>", "stop only this event (repeatable)", collect)
    .option("-y, --yes", "do not ask")
    .option("--dry-run", "print the request, change nothing")
    .action(
      act(async (context, text: string, options: DisableOptions) => {
        const id = channelId(text);
        const events = options.events && channelEvents(options.product ?? "crm", options.events);
        return withZoho(context, options, async (session) => {
          const channel = await requireChannel(session, id);
          if (events !== undefined && channel.isUnread === true)
            throw new UserError(
              "zohoApi",
              `which events channel ${id} watches is not known: ${UNREAD}`,
              undefined,
              "unread",
            );
          const left = events === undefined ? [] : withoutEvents(channel.events, events);
          if (left.length === 0) {
            if (options.dryRun === true) return showRequest(context, session, removeRequest(session.product, [id]));
            const question = `No event of channel ${id} would be left: delete it?`;
            if (!(await confirm(context, question, options.yes))) return kept(context);
            return deleteChannels(context, session, [id]);
          }
          const taken = expandEvents(channel.events).filter((event) => !left.includes(event));
          if (taken.length === 0)
            throw usageError(`channel ${id} watches none of these`, `it watches ${oneLine(channel.events.join(", "))}`);
          if (options.dryRun === true) {
            return showRequest(context, session, await disabling(session, channel, taken, left));
          }
          if (!(await confirm(context, `Stop ${taken.join(", ")} of channel ${id}?`, options.yes)))
            return kept(context);
          const warn = (said: string): void => {
            const message = `${taken.join(", ")} of channel ${id} ${said}`;
            context.report({ type: "warning", message, hint: `see ${session.command("list")}` });
          };
          await disable(session, channel, taken, left).catch((error: unknown) => {
            if (!isRefusal(error)) warn("may have been stopped: Zoho's answer did not come");
            throw error;
          });
          const after = await requireChannel(session, id).catch((error: unknown) => {
            warn("was stopped, as Zoho says, and the channel could not be read back");
            throw error;
          });
          const still = expandEvents(after.events).filter((event) => taken.includes(event));
          if (still.length > 0) {
            throw new UserError(
              "zohoApi",
              `Zoho said yes and still lists ${still.join(", ")} for channel ${id}`,
              `set its events as a whole: ${session.command(`update ${id}`)} --events`,
              "not_disabled",
            );
          }
          context.report(channelReport("updated", session.product.id, after, session.now()));
          return ExitCode.ok;
        });
      }),
    );
};

/** By the call made for it where the product documents one, else by setting the channel without those events. */
async function disabling(
  session: ZohoSession,
  channel: Channel,
  taken: readonly string[],
  left: readonly string[],
): Promise<ApiRequest> {
  const { product } = session;
  if (product.patch) return disableRequest(product, channel, taken);
  return writeRequest(product, "PUT", [await withEvents(session, channel, left)]);
}

async function disable(session: ZohoSession, channel: Channel, taken: readonly string[], left: readonly string[]) {
  const { client, memory, product } = session;
  const request = await withEvents(session, channel, left);
  requireSuccess(product.patch ? [await client.disable(channel, taken)] : await client.replace([request]));
  await memory.remember({ ...request.config, ...ownerOf(session), expiresAt: channel.expiresAt });
}

async function withEvents(session: ZohoSession, channel: Channel, events: readonly string[]) {
  if (channel.expiresAt === undefined) {
    throw new UserError(
      "zohoApi",
      `Zoho does not say when channel ${channel.id} ends`,
      `see ${session.command(`show ${channel.id}`)}`,
      "no_expiry",
    );
  }
  const before = await renewalConfig(session, channel.id, channel);
  const config = { ...before, events, conditions: conditionsFor(events, before.conditions) };
  return { config, expiresAt: channel.expiresAt };
}
