import { ExitCode, UserError } from "../../core/errors.ts";
import type { Channel } from "../../zoho/channels.ts";
import type { Define } from "../command.ts";
import { addZohoOptions, withZoho, type ZohoOptions, type ZohoSession } from "../zoho-session.ts";
import { channelId, channelReport } from "./channel-view.ts";

interface ShowOptions extends ZohoOptions {
  readonly showSecrets?: boolean;
}

export const defineShow: Define = (command, act) => {
  addZohoOptions(command.command("show"))
    .description("Show everything about one channel.")
    .argument("<id>", "the channel's id")
    .option("--show-secrets", "show its token instead of masking it")
    .action(
      act(async (context, text: string, options: ShowOptions) => {
        const id = channelId(text);
        return withZoho(context, options, async (session) => {
          const channel = await context.waiting("asking Zoho for the channel", () => requireChannel(session, id));
          const show = options.showSecrets === true;
          context.report(channelReport("listed", session.product.id, channel, session.now(), show));
          return ExitCode.ok;
        });
      }),
    );
};

/** The channel as Zoho lists it now. */
export async function requireChannel({ client, command, product }: ZohoSession, id: string): Promise<Channel> {
  const channel = await client.get(id);
  if (channel !== undefined) return channel;
  throw new UserError(
    "zohoApi",
    `${product.title} lists no channel ${id}: it has expired, was deleted, or is another Zoho user's`,
    `see what is there: ${command("list")}`,
    "not_subscribed",
  );
}
