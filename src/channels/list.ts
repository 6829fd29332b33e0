import { maskUrl } from "../delivery/mask.ts";
import { loadConfig } from "../project/load.ts";
import { ExitCode, UserError, usageError } from "../util/errors.ts";
import { shellQuoted } from "../util/text.ts";
import { formatSpan, parseDuration } from "../util/units.ts";
import type { ReportingWorkspace } from "../workspace/workspace.ts";
import type { ApiRequestLine } from "../zoho-api/lines.ts";
import type { ZohoOptions } from "../zoho-api/session.ts";
import { type Channel, expiringWithin } from "./channel.ts";
import { channelEvents } from "./channel-events.ts";
import { readChannelId } from "./client.ts";
import { contractEvents, expandEvents } from "./events.ts";
import type { ChannelContext } from "./lines.ts";
import { type ChannelLine, channelLine, missingLine } from "./lines.ts";
import { lostUnderListen, orphanIds } from "./orphaned-channels.ts";
import { listWithMissing, requireChannel, withZoho, type ZohoSession } from "./session.ts";

export interface ListOptions extends ZohoOptions {
  readonly expiring?: string;
  readonly require?: readonly string[];
  readonly url?: string;
}

type ChannelWorkspace = ReportingWorkspace<ApiRequestLine | ChannelLine>;

/** Lists channels, and those that are gone. */
export async function list(workspace: ChannelWorkspace, options: ListOptions): Promise<ExitCode> {
  const { expiring } = options;
  const withinMs = expiring === undefined ? undefined : parseDuration(expiring, "--expiring");
  const required = requirement(options);
  return withZoho(workspace, workspace.config, options, async (session) => {
    const { command, product } = session;
    const { listed, missing } = await workspace.waiting("asking Zoho for its channels", () => listWithMissing(session));
    const shown = withinMs === undefined ? listed : expiringWithin(listed, withinMs, session.now());
    const gone = [...missing, ...(await lostUnderListen(session, listed))];
    const orphans = await orphanIds(await session.memory.all(), session.folder, session.now());
    const entries: readonly Entry[] = [
      ...gone.map((each) => ({
        report: missingLine(session, each),
        timeLeft: each.because,
        // Once, unless the exit code depends on it.
        problem: each.isLossTold && withinMs === undefined ? undefined : "is gone",
      })),
      ...shown.map((each) => {
        const report = channelLine(session, "listed", each);
        const timeLeft = report.time_left_ms === null ? "not known" : formatSpan(report.time_left_ms);
        if (!orphans.has(each.id)) return { report, timeLeft };
        const hint = `to delete it: ${command(`delete ${each.id}`)}`;
        const reason = "its listen ended without deleting it";
        return { report: { ...report, reason, hint }, timeLeft: `${timeLeft}, left over`, problem: "is left over" };
      }),
    ];
    if (workspace.json) for (const { report } of entries) workspace.report(report);
    else if (entries.length > 0) {
      showTable(workspace, entries);
      // Listing must not fail because this cannot be saved.
      const told = gone.filter(({ isLossTold }) => !isLossTold).map(({ id }) => id);
      await session.memory.noteTold(told).catch(() => undefined);
    }
    if (entries.length === 0) {
      const within = expiring === undefined ? "" : ` expires within ${expiring}`;
      workspace.report({ type: "notice", message: `no ${product.title} channel${within}` });
    }
    if (required !== undefined) checkRequired(session, listed, required);
    return withinMs !== undefined && entries.length > 0 ? ExitCode.expectation : ExitCode.ok;
  });
}

interface Entry {
  readonly report: ChannelLine;
  readonly timeLeft: string;
  /** Warned of below the table, with the report's reason. */
  readonly problem?: string;
}

function showTable(workspace: ChannelWorkspace, entries: readonly Entry[]): void {
  const rows = entries.map(({ report: { id, events, notify_url: url, token }, timeLeft }) => [
    id,
    timeLeft,
    ...(events === undefined
      ? Array(3).fill("not known")
      : [contractEvents(events).join(" "), url ?? "", token ?? "none"]),
  ]);
  workspace.report({ type: "table", columns: ["channel", "time left", "events", "URL", "token"], rows, json: [] });
  for (const { report, problem } of entries) {
    const message = `channel ${report.id} ${problem}: ${report.reason}`;
    if (problem !== undefined) workspace.report({ type: "warning", message, hint: report.hint ?? undefined });
  }
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
  const covered = expandEvents(counted.flatMap((channel) => channel.events)).map((name) => name.toLowerCase());
  const missing = contractEvents(events.filter((event) => !covered.includes(event.toLowerCase())));
  if (missing.length === 0) return;
  const to = url === undefined ? "" : ` that posts to ${maskUrl(url.href)}`;
  throw new UserError(
    "expectation",
    `there is no ${product.title} channel${to} for ${missing.join(", ")}`,
    `create one: ${command(`create ${missing.join(" ")} --url ${url === undefined ? "https://…" : shellQuoted(maskUrl(url.href))}`)}`,
    "no_channel",
  );
}

interface ShowOptions extends ZohoOptions {
  readonly showSecrets?: boolean;
}

export async function show(context: ChannelContext, text: string, options: ShowOptions): Promise<ExitCode> {
  const id = readChannelId(text);
  return withZoho(context, loadConfig(context), options, async (session) => {
    const channel = await context.waiting("asking Zoho for the channel", () => requireChannel(session, id));
    context.report(channelLine(session, "listed", channel, options.showSecrets));
    return ExitCode.ok;
  });
}
