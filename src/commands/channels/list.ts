import { type Channel, expiringWithin } from "../../channels/channel.ts";
import { channelEvents, contractEvents, expandEvents, moduleName } from "../../channels/events.ts";
import {
  CAUSES,
  channelReport,
  listWithMissing,
  type MissingChannel,
  missingReport,
  orphanFacts,
  requireChannel,
} from "../../channels/listing.ts";
import { orphanIds } from "../../channels/orphans.ts";
import { CHANNEL_ID } from "../../channels/replies.ts";
import type { ChannelReport } from "../../channels/reports.ts";
import { withZoho, type ZohoSession } from "../../channels/session.ts";
import { maskUrl } from "../../delivery/mask.ts";
import type { TableReport } from "../../process/messages.ts";
import type { Context } from "../../project/context.ts";
import { userFolder } from "../../project/load.ts";
import { examples } from "../../terminal/help.ts";
import { ExitCode, UserError, usageError } from "../../util/errors.ts";
import { shellQuoted } from "../../util/text.ts";
import { formatSpan, parseDuration } from "../../util/units.ts";
import type { ZohoOptions } from "../../zoho-api/session.ts";
import type { Define } from "../command.ts";
import { collect } from "../flags/index.ts";
import { addZohoOptions } from "../flags/zoho.ts";

interface ListOptions extends ZohoOptions {
  readonly expiring?: string;
  readonly module?: string;
  readonly require?: readonly string[];
  readonly url?: string;
  readonly showSecrets?: boolean;
}

export const defineList: Define = (command, act) => {
  addZohoOptions(command.command("list"))
    .description("List the signed-in user's channels, soonest to expire first, and those created here that are gone.")
    .addHelpText(
      "before",
      examples(
        "zoho-hooks channels list",
        "zoho-hooks channels list --expiring 24h     exits with 8 if any expires within a day",
        "zoho-hooks channels list --require Leads.create,Contacts.all --url https://example.com/webhooks/zoho/crm",
      ),
    )
    .option("--expiring <time>", "only those that are gone or expire within this time; exits with 8 if there are any")
    .option("--module <name>", "only those that watch this module")
    .option(
      "--require <events>",
      "exit with 8 unless channels exist for these events, wherever they were created (repeatable)",
      collect,
    )
    .option("--url <url>", "with --require: only channels that post to this URL count")
    .option("--show-secrets", "show tokens instead of masking them")
    .action(act(list));
};

async function list(context: Context, options: ListOptions): Promise<ExitCode> {
  const { expiring, showSecrets = false } = options;
  const withinMs = expiring === undefined ? undefined : parseDuration(expiring, "--expiring");
  const required = requirement(options);
  return withZoho(context, options, async (session) => {
    const { client, product } = session;
    const module = options.module && moduleName(product.id, options.module);
    const { all, listed, missing } = await context.waiting("asking Zoho for its channels", async () => {
      const { listed: all, missing } = await listWithMissing(session);
      if (module === undefined) return { all, listed: all, missing };
      return { all, listed: await client.list({ module }), missing: missing.filter(watches(module)) };
    });
    const shown = withinMs === undefined ? listed : expiringWithin(listed, withinMs, session.now());
    const gone = missing.map((each) => missingReport(session, each, showSecrets));
    const orphans = await orphanIds(await session.memory.all(), userFolder(context), session.now());
    const present = shown.map((each) => ({
      ...channelReport(session, "listed", each, showSecrets),
      ...(orphans.has(each.id) ? orphanFacts(session, each.id) : {}),
    }));
    const lines = [...gone, ...present];
    if (context.json) for (const line of lines) context.report(line);
    else if (lines.length > 0) {
      context.report(tableOf(lines, missing, orphans));
      for (const { id, reason, hint } of gone)
        context.report({ type: "warning", message: `channel ${id} is gone: ${reason}`, ...(hint && { hint }) });
      for (const { id } of present.filter((each) => orphans.has(each.id))) {
        const { reason, hint } = orphanFacts(session, id);
        context.report({ type: "warning", message: `channel ${id} is left over: ${reason}`, hint });
      }
    }
    if (lines.length === 0) {
      const watching = module === undefined ? "" : ` that watches ${module}`;
      const within = expiring === undefined ? "" : ` expires within ${expiring}`;
      context.report({ type: "notice", message: `no ${product.title} channel${watching}${within}` });
    }
    if (required !== undefined) checkRequired(session, all, required);
    return withinMs !== undefined && lines.length > 0 ? ExitCode.expectation : ExitCode.ok;
  });
}

interface Requirement {
  readonly events: readonly string[];
  readonly url: URL | undefined;
}

function requirement({ product = "crm", require, url }: ListOptions): Requirement | undefined {
  if (require === undefined && url !== undefined) throw usageError("--url is for --require only");
  if (url !== undefined && !URL.canParse(url)) throw usageError(`--url: ${JSON.stringify(url)} is not a URL`);
  const events = require && expandEvents(channelEvents(product, require));
  return events && { events, url: url === undefined ? undefined : new URL(url) };
}

/** Throws unless listed channels, which are alive, cover all events. */
function checkRequired(
  { command, product }: ZohoSession,
  listed: readonly Channel[],
  { events, url }: Requirement,
): void {
  const counted = listed.filter(
    ({ notifyUrl = "" }) => url === undefined || (URL.canParse(notifyUrl) && new URL(notifyUrl).href === url.href),
  );
  const covered = new Set(counted.flatMap((channel) => expandEvents(channel.events)).map((name) => name.toLowerCase()));
  const missing = contractEvents(events.filter((event) => !covered.has(event.toLowerCase())));
  if (missing.length === 0) return;
  const to = url === undefined ? "" : ` that posts to ${maskUrl(url.href)}`;
  throw new UserError(
    "expectation",
    `there is no ${product.title} channel${to} for ${missing.join(", ")}`,
    `create one: ${command(`create ${missing.join(" ")} --url ${url === undefined ? "https://…" : shellQuoted(maskUrl(url.href))}`)}`,
    "no_channel",
  );
}

function tableOf(
  lines: readonly ChannelReport[],
  missing: readonly MissingChannel[],
  orphans: ReadonlySet<string>,
): TableReport {
  return {
    type: "table",
    columns: ["channel", "time left", "events", "URL", "token"],
    rows: lines.map(({ id, channel, timeLeftMs }, i) => {
      const gone = missing[i]?.because;
      return [
        id,
        gone !== undefined
          ? CAUSES[gone]
          : `${timeLeftMs === undefined ? "not known" : formatSpan(timeLeftMs)}${orphans.has(id) ? ", left over" : ""}`,
        ...(channel === undefined
          ? Array(3).fill("not known")
          : [contractEvents(channel.events).join(" "), channel.notifyUrl ?? "", channel.token ?? "none"]),
      ];
    }),
    json: [],
  };
}

function watches(module: string) {
  const prefix = `${module.toLowerCase()}.`;
  return ({ channel }: MissingChannel): boolean =>
    channel.events.some((event) => event.toLowerCase().startsWith(prefix));
}

/** The id of an existing channel. */
export function channelId(text: string): string {
  if (CHANNEL_ID.test(text)) return text;
  throw usageError(`${JSON.stringify(text)} is not a channel id`, "see the ids with zoho-hooks channels list");
}

/** An id for a new channel, as all versions of the API accept it. Text, as 19 digits do not fit a number. */
export function newChannelId(text: string): string {
  if (/^-?\d{1,19}$/.test(text)) return text;
  throw usageError(`${JSON.stringify(text)} is not a channel id`, "an id has up to 19 digits");
}

interface ShowOptions extends ZohoOptions {
  readonly showSecrets?: boolean;
}

export const defineShow: Define = (command, act) => {
  addZohoOptions(command.command("show"))
    .description("Show everything about one channel.")
    .addHelpText("before", examples("zoho-hooks channels show 1735593600000"))
    .argument("<id>", "the channel's id")
    .option("--show-secrets", "show its token instead of masking it")
    .action(
      act(async (context, text: string, options: ShowOptions) => {
        const id = channelId(text);
        return withZoho(context, options, async (session) => {
          const channel = await context.waiting("asking Zoho for the channel", () => requireChannel(session, id));
          const { showSecrets } = options;
          context.report(channelReport(session, "listed", channel, showSecrets));
          return ExitCode.ok;
        });
      }),
    );
};
