import { ExitCode, usageError } from "../../core/errors.ts";
import { chooseExpiry } from "../../zoho/channel-time.ts";
import { type ChannelConfig, conditionsFor } from "../../zoho/channels.ts";
import { writeRequest } from "../../zoho/watch.ts";
import { requireSuccess } from "../../zoho/watch-reply.ts";
import { channelEvents } from "../channel-events.ts";
import type { Define } from "../command.ts";
import { collect } from "../options.ts";
import { addZohoOptions, ownerOf, withZoho, type ZohoOptions } from "../zoho-session.ts";
import {
  addChannelOptions,
  type ChannelOptions,
  conditionsFrom,
  notifyUrl,
  refuseUnknownOptions,
  tokenFrom,
} from "./channel-options.ts";
import { channelId, channelReport } from "./channel-view.ts";
import { showRequest } from "./dry-run.ts";
import { warnOfDifferences } from "./make-channel.ts";
import { renewalConfig } from "./renew-channel.ts";
import { requireChannel } from "./show.ts";

interface UpdateOptions extends ZohoOptions, Omit<ChannelOptions, "fields"> {
  /** False to take the conditions away. */
  readonly fields?: readonly string[] | false;
  readonly events?: readonly string[];
  readonly dryRun?: boolean;
}

export const defineUpdate: Define = (command, act) => {
  addChannelOptions(addZohoOptions(command.command("update")))
    .description("Change parts of a channel; all else stays, its end included.")
    .argument("<id>", "its id")
    .option("--no-fields", "tell of every edit again, whichever field has changed")
    .option("--events <event>", "watch these events instead (repeatable)", collect)
    .option("--dry-run", "print the request, change nothing")
    .action(
      act(async (context, text: string, options: UpdateOptions) => {
        const id = channelId(text);
        const { url, events, tokenFile, expires, fields, related, values } = options;
        const given = [url, events, tokenFile, expires, fields, related, values];
        if (given.every((each) => each === undefined)) {
          throw usageError(
            "nothing is to be changed",
            "add --events, --url, --token-file, --expires, --fields, --related or --values",
          );
        }
        return withZoho(context, options, async (session) => {
          const { client, memory, product } = session;
          refuseUnknownOptions(product, options);
          const channel = await requireChannel(session, id);
          const before = await renewalConfig(session, id, channel);
          const wanted = events === undefined ? before.events : channelEvents(product.id, events);
          const config: ChannelConfig = {
            ...before,
            events: wanted,
            notifyUrl: url === undefined ? before.notifyUrl : notifyUrl(context, url),
            token: (await tokenFrom(context, options)) ?? before.token,
            related: related ?? before.related,
            values: values ?? before.values,
            conditions:
              fields === undefined
                ? conditionsFor(wanted, before.conditions)
                : await conditionsFrom(session, context, fields === false ? [] : fields, wanted),
          };
          const expiresAt =
            expires === undefined && channel.expiresAt !== undefined
              ? channel.expiresAt
              : chooseExpiry(expires, product.lifetime, session.now());
          const requests = [{ config, expiresAt }];
          if (options.dryRun === true) return showRequest(context, session, writeRequest(product, "PUT", requests));
          requireSuccess(await context.waiting("updating the channel", () => client.replace(requests)));
          await memory.remember({ ...config, ...ownerOf(session), expiresAt });
          const after = await requireChannel(session, id);
          context.report(channelReport("updated", product.id, after, session.now()));
          warnOfDifferences(context, session.now(), { ...config, expiresAt }, after);
          return ExitCode.ok;
        });
      }),
    );
};
