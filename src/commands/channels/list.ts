import { ExitCode } from "../../core/errors.ts";
import { formatSpan, parseDuration } from "../../core/units.ts";
import { contractEvents } from "../../zoho/channel-events.ts";
import { expiringWithin, timeLeftMs } from "../../zoho/channels.ts";
import { moduleName } from "../channel-events.ts";
import type { Define } from "../command.ts";
import { addZohoOptions, withZoho, type ZohoOptions } from "../zoho-session.ts";
import { channelReport } from "./channel-view.ts";

interface ListOptions extends ZohoOptions {
  readonly expiring?: string;
  readonly module?: string;
  readonly showSecrets?: boolean;
}

export const defineList: Define = (command, act) => {
  addZohoOptions(command.command("list"))
    .description("List the signed-in user's channels, soonest to expire first.")
    .option("--expiring <time>", "only those that expire within this time; exits with 8 when there are any")
    .option("--module <name>", "only those that watch this module")
    .option("--show-secrets", "show tokens instead of masking them")
    .action(
      act(async (context, options: ListOptions) => {
        const withinMs = options.expiring === undefined ? undefined : parseDuration(options.expiring, "--expiring");
        return withZoho(context, options, async (session) => {
          const { client, product } = session;
          const module = options.module && moduleName(product.id, options.module);
          const all = await context.waiting("asking Zoho for its channels", () =>
            client.list(module === undefined ? {} : { module }),
          );
          const now = session.now();
          const shown = withinMs === undefined ? all : expiringWithin(all, withinMs, now);
          const lines = shown.map((channel) =>
            channelReport("listed", product.id, channel, now, options.showSecrets === true),
          );
          if (context.json) for (const line of lines) context.report(line);
          else if (lines.length > 0) {
            context.report({
              type: "table",
              columns: ["channel", "time left", "events", "URL", "token"],
              rows: lines.map(({ id, channel }, i) => {
                const one = shown[i];
                const leftMs = one === undefined ? undefined : timeLeftMs(one, now);
                return [
                  id,
                  leftMs === undefined ? "not known" : formatSpan(leftMs),
                  contractEvents(channel?.events ?? []).join(" "),
                  channel?.notifyUrl ?? "",
                  channel?.token ?? "none",
                ];
              }),
              json: [],
            });
          }
          const what = withinMs === undefined ? "" : ` expires within ${options.expiring}`;
          const watching = module === undefined ? "" : ` that watches ${module}`;
          if (lines.length === 0)
            context.report({ type: "notice", message: `no ${product.title} channel${watching}${what}` });
          return withinMs !== undefined && lines.length > 0 ? ExitCode.expectation : ExitCode.ok;
        });
      }),
    );
};
