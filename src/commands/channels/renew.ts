import { type ChannelRequest, ITEMS_PER_CALL, writeRequest } from "../../channels/api.ts";
import { expiringWithin } from "../../channels/channel.ts";
import { chooseExpiry } from "../../channels/expiry.ts";
import { type Chosen, changeReport, chooseAll, keepRenewing, shouldLive } from "../../channels/keep-renewing.ts";
import { type ChannelGrant, wholeConfig } from "../../channels/lifecycle.ts";
import { listWithMissing, missingReport, stateReport } from "../../channels/listing.ts";
import { endsRenewals, recreateChannel, renewChannels } from "../../channels/renewal.ts";
import type { ChannelReport } from "../../channels/reports.ts";
import { withZoho, type ZohoSession } from "../../channels/session.ts";
import type { Context } from "../../project/context.ts";
import { examples } from "../../terminal/help.ts";
import { ExitCode, errorText, UserError, usageError } from "../../util/errors.ts";
import { parseDuration } from "../../util/units.ts";
import { isThrottled } from "../../zoho-api/errors.ts";
import { showRequest, type ZohoOptions } from "../../zoho-api/session.ts";
import type { Define } from "../command.ts";
import { addZohoOptions } from "../flags/zoho.ts";
import { channelId } from "./list.ts";

interface RenewOptions extends ZohoOptions {
  readonly all?: boolean;
  readonly expiring?: string;
  readonly expires?: string;
  readonly every?: boolean;
  readonly onLost?: string;
  readonly dryRun?: boolean;
}

export const defineRenew: Define = (command, act) => {
  addZohoOptions(command.command("renew"))
    .description("Extend channels, and fail if their new expiry is not later.")
    .addHelpText(
      "before",
      examples(
        "zoho-hooks channels renew --all",
        "zoho-hooks channels renew --every     keeps all of them alive until you stop it",
      ),
    )
    .argument("[id...]", "the channels' ids (default: all that Zoho lists, and those created here that have expired)")
    .option("--all", "all channels, as without ids")
    .option("--expiring <time>", "only those that expire within this time")
    .option("--expires <time>", "the new expiry (default: just under the longest that the API grants)")
    .option("--every", "keep running: renew each channel at 80 % of its lifetime until stopped")
    .option("--on-lost <command>", "with --every: run this in a shell when a channel is lost, to raise an alarm")
    .option("--dry-run", "print the requests, change nothing")
    .addHelpText("after", HELP)
    .action(act(renew));
};

const HELP = `
Each channel is read and then written as a whole with its new expiry, because Zoho drops what an update leaves out. A
channel that was created here is created again if it has expired. If it was deleted elsewhere, it is created again only
if you name it; channels delete or prune forgets it. Without ids, channels of listen --channel are left out.

With --every, each channel is renewed as it is at that time, and one that was deleted is left alone. Without ids and
--expiring, channels created later are kept alive as well: it looks for new ones every 15 minutes. The exit code is 0
when you stop it or none of the named channels is left, and 9 if a channel is lost at that time.

The command of --on-lost gets ZOHO_HOOKS_CHANNEL_ID, ZOHO_HOOKS_CHANNEL_PRODUCT and ZOHO_HOOKS_CHANNEL_REASON in its
environment. It runs once for each loss, for a minute at most, and its output goes to standard error.`;

async function renew(context: Context, texts: readonly string[], options: RenewOptions): Promise<ExitCode> {
  if (texts.length > 0 && options.all === true) throw usageError("give ids or --all, not both");
  if (options.onLost !== undefined && options.every !== true) throw usageError("--on-lost is for --every only");
  const ids = [...new Set(texts.map(channelId))];
  const withinMs = options.expiring === undefined ? undefined : parseDuration(options.expiring, "--expiring");
  return withZoho(context, options, async (session) => {
    const end = (): Date => chooseExpiry(options.expires, session.product.lifetime, session.now());
    // Rejects a wrong --expires before anything is sent, and is computed again by Zoho's clock below.
    end();
    const chosen = await context.waiting("asking Zoho for its channels", () => choose(context, session, ids, withinMs));
    const expiresAt = end();
    const every = options.every === true && options.dryRun !== true;
    const withNew = every && ids.length === 0 && withinMs === undefined;
    if (chosen.length === 0 && !withNew) {
      context.report({ type: "notice", message: `no ${session.product.title} channel to renew` });
      return ExitCode.ok;
    }
    if (!every) return renewAll(context, session, chosen, expiresAt, options);
    for (const { missing } of chosen)
      if (missing !== undefined && missing.because !== "expired") context.report(missingReport(session, missing));
    const lifetimeMs = expiresAt.getTime() - session.now().getTime();
    return keepRenewing(context, session, {
      chosen: chosen.filter(shouldLive),
      lifetimeMs,
      withNew,
      onLost: options.onLost,
    });
  });
}

async function choose(
  context: Context,
  session: ZohoSession,
  ids: readonly string[],
  withinMs: number | undefined,
): Promise<readonly Chosen[]> {
  let chosen: readonly Chosen[];
  if (ids.length === 0) {
    const all = await chooseAll(session);
    ({ chosen } = all);
    const message = `left out, because listen renews its own channels: ${all.ofListeners.join(", ")}`;
    if (all.ofListeners.length > 0) context.report({ type: "notice", message });
  } else {
    const { listed } = await listWithMissing(session);
    chosen = ids.map((id) => ({ id, channel: listed.find((each) => each.id === id) }));
  }
  if (withinMs === undefined) return chosen;
  return chosen.filter(
    ({ channel }) => channel === undefined || expiringWithin([channel], withinMs, session.now()).length > 0,
  );
}

async function renewAll(
  context: Context,
  session: ZohoSession,
  chosen: readonly Chosen[],
  expiresAt: Date,
  options: RenewOptions,
): Promise<ExitCode> {
  let failure: UserError | undefined;
  let ending: UserError | undefined;
  let isMissing = false;
  for (const batch of inBatches(chosen)) {
    const [first] = batch;
    if (ending === undefined && first?.missing !== undefined && first.missing.because !== "expired") {
      // Somebody deleted it, and nobody named it here: it is not created again.
      context.report(missingReport(session, first.missing));
      isMissing = true;
      continue;
    }
    const outcomes = await renewBatch(context, session, batch, expiresAt, { ...options, ending });
    for (const [i, each] of batch.entries()) {
      const outcome = outcomes[i];
      if (!(outcome instanceof UserError)) {
        if (outcome !== undefined) reportGrant(context, session, outcome);
        continue;
      }
      if (chosen.length === 1) throw outcome;
      failure ??= outcome;
      const report = failureReport(session, each, outcome);
      const because = isThrottled(outcome) ? "Zoho rate-limited the requests" : "the sign-in was rejected";
      context.report(outcome === ending ? { ...report, reason: `not tried: ${because}` } : report);
      if (endsRenewals(outcome)) ending = outcome;
    }
  }
  return failure?.exitCode ?? (isMissing ? ExitCode.zohoApi : ExitCode.ok);
}

/** In order: listed channels that follow each other are renewed together, as many as one call takes. */
function inBatches(chosen: readonly Chosen[]): readonly (readonly Chosen[])[] {
  const batches: Chosen[][] = [];
  for (const each of chosen) {
    const last = batches.at(-1);
    const fits = each.channel !== undefined && last?.[0]?.channel !== undefined && last.length < ITEMS_PER_CALL;
    if (fits) last.push(each);
    else batches.push([each]);
  }
  return batches;
}

/** One outcome per channel, in order; undefined for a dry run. `ending`: the error after which nothing more is sent. */
async function renewBatch(
  context: Context,
  session: ZohoSession,
  batch: readonly Chosen[],
  expiresAt: Date,
  { dryRun, expires, ending }: RenewOptions & { readonly ending: UserError | undefined },
): Promise<readonly (ChannelGrant | UserError | undefined)[]> {
  const onUnanswered = (ids: readonly string[], outcome: string): void =>
    context.report({
      type: "warning",
      message: `channel${ids.length === 1 ? "" : "s"} ${ids.join(", ")} may have been ${outcome}: Zoho did not answer`,
      hint: `see ${session.command("list")}`,
    });
  const options = { expiresAt, isLatest: expires === undefined, onUnanswered };
  const listed = batch.flatMap(({ channel }) => channel ?? []);
  try {
    if (ending !== undefined) throw ending;
    if (dryRun === true) return await showRenewals(context, session, batch, expiresAt);
    if (listed.length > 0) return await renewChannels(session, listed, options);
    return [await recreateChannel(session, batch[0]?.id ?? "", options)];
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return batch.map(() => error);
  }
}

/** Shows the request. Undefined for what is in it. */
async function showRenewals(
  context: Context,
  session: ZohoSession,
  batch: readonly Chosen[],
  expiresAt: Date,
): Promise<readonly (UserError | undefined)[]> {
  const requests: ChannelRequest[] = [];
  const outcomes: (UserError | undefined)[] = [];
  for (const { id, channel } of batch) {
    try {
      requests.push({ config: await wholeConfig(session, id, channel), expiresAt });
      outcomes.push(undefined);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      outcomes.push(error);
    }
  }
  const method = batch[0]?.channel === undefined ? "POST" : "PUT";
  if (requests.length > 0) showRequest(context, session, writeRequest(session.product, method, requests));
  return outcomes;
}

function reportGrant(context: Context, session: ZohoSession, grant: ChannelGrant): void {
  const { id, warning } = grant;
  if (warning !== undefined) context.report({ type: "warning", message: `channel ${id}: ${warning}` });
  context.report(changeReport(session, { ...grant, warning: undefined }));
}

function failureReport(session: ZohoSession, { id, channel }: Chosen, error: UserError): ChannelReport {
  const state = error.code === "deleted" ? "unknown" : channel === undefined ? "lost" : "expiring";
  return stateReport(session, state, { id, expiresAt: channel?.expiresAt, reason: errorText(error), hint: error.hint });
}
