import type { ChannelReport } from "../../core/channel-report.ts";
import { ExitCode } from "../../core/errors.ts";
import type { TableReport } from "../../core/report.ts";
import { formatSpan, parseDuration } from "../../core/units.ts";
import { contractEvents } from "../../zoho/channel-events.ts";
import { expiringWithin } from "../../zoho/channels.ts";
import { moduleName } from "../channel-events.ts";
import type { Define } from "../command.ts";
import { addZohoOptions, withZoho, type ZohoOptions } from "../zoho-session.ts";
import { channelReport } from "./channel-view.ts";
import { type MissingChannel, missingReport, takeStock } from "./missing-channels.ts";

interface ListOptions extends ZohoOptions {
  readonly expiring?: string;
  readonly module?: string;
  readonly showSecrets?: boolean;
}

export const defineList: Define = (command, act) => {
  addZohoOptions(command.command("list"))
    .description("List the signed-in user's channels, soonest to expire first, and those created here that are gone.")
    .option("--expiring <time>", "only those that are gone or expire within this time; exits with 8 if there are any")
    .option("--module <name>", "only those that watch this module")
    .option("--show-secrets", "show tokens instead of masking them")
    .action(
      act(async (context, options: ListOptions) => {
        const withinMs = options.expiring === undefined ? undefined : parseDuration(options.expiring, "--expiring");
        return withZoho(context, options, async (session) => {
          const { client, product } = session;
          const module = options.module && moduleName(product.id, options.module);
          const { listed, missing } = await context.waiting("asking Zoho for its channels", async () => {
            const stock = await takeStock(session);
            return module === undefined ? stock : { ...ofModule(stock, module), listed: await client.list({ module }) };
          });
          const now = session.now();
          const shown = withinMs === undefined ? listed : expiringWithin(listed, withinMs, now);
          const show = options.showSecrets === true;
          const gone = missing.map((each) => missingReport(session, each, show));
          const lines = [...gone, ...shown.map((each) => channelReport("listed", product.id, each, now, show))];
          if (context.json) for (const line of lines) context.report(line);
          else if (lines.length > 0) {
            context.report(tableOf(lines, missing));
            for (const { id, reason, hint } of gone)
              context.report({
                type: "warning",
                message: `channel ${id} is not there: ${reason}`,
                ...(hint && { hint }),
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

const GONE = { expired: "expired", deleted: "deleted", unlisted: "not listed" } as const;

function tableOf(lines: readonly ChannelReport[], missing: readonly MissingChannel[]): TableReport {
  return {
    type: "table",
    columns: ["channel", "time left", "events", "URL", "token"],
    rows: lines.map(({ id, channel, timeLeftMs }, i) => {
      const gone = missing[i]?.because;
      return [
        id,
        gone !== undefined ? GONE[gone] : timeLeftMs === undefined ? "not known" : formatSpan(timeLeftMs),
        ...(channel === undefined
          ? Array(3).fill("not known")
          : [contractEvents(channel.events).join(" "), channel.notifyUrl ?? "", channel.token ?? "none"]),
      ];
    }),
    json: [],
  };
}

/** Those that are missing, by the events that they watched. */
function ofModule<Stock extends { readonly missing: readonly MissingChannel[] }>(stock: Stock, module: string): Stock {
  const watches = ({ channel }: MissingChannel): boolean =>
    channel.events.some((event) => event.toLowerCase().startsWith(`${module.toLowerCase()}.`));
  return { ...stock, missing: stock.missing.filter(watches) };
}
