import type { Context } from "../../context.ts";
import type { ChannelReport } from "../../reports/channel.ts";
import { examples } from "../../reports/help.ts";
import { ExitCode, errorText, UserError, usageError } from "../../util/errors.ts";
import { parseDuration } from "../../util/units.ts";
import { writeRequest } from "../../zoho/channels/api.ts";
import { expiringWithin } from "../../zoho/channels/channel.ts";
import { chooseExpiry } from "../../zoho/channels/expiry.ts";
import { isSignInError, renewChannel, wholeConfig } from "../../zoho/channels/lifecycle.ts";
import { isThrottled } from "../../zoho/errors.ts";
import type { Define } from "../command.ts";
import { addZohoOptions, showRequest, withZoho, type ZohoOptions, type ZohoSession } from "../helpers/session.ts";
import { type Chosen, changeReport, chooseAll, keepRenewing, shouldLive } from "./keep-renewing.ts";
import { channelId, listWithMissing, missingReport, stateReport } from "./list.ts";

interface RenewOptions extends ZohoOptions {
  readonly all?: boolean;
  readonly expiring?: string;
  readonly expires?: string;
  readonly every?: boolean;
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
    .option("--dry-run", "print the requests, change nothing")
    .addHelpText("after", HELP)
    .action(act(renew));
};

const HELP = `
Each channel is read and then written as a whole with its new expiry, because Zoho drops what an update leaves out. A
channel that was created here is created again if it has expired. If it was deleted elsewhere, it is created again only
if you name it; channels delete or prune forgets it.

With --every, each channel is renewed as it is at that time, and one that was deleted is left alone. Without ids and
--expiring, channels created later are kept alive as well: it looks for new ones every 15 minutes. The exit code is 0
when you stop it or none of the named channels is left, and 9 if a channel is lost at that time.`;

async function renew(context: Context, texts: readonly string[], options: RenewOptions): Promise<ExitCode> {
  if (texts.length > 0 && options.all === true) throw usageError("give ids or --all, not both");
  const ids = [...new Set(texts.map(channelId))];
  const withinMs = options.expiring === undefined ? undefined : parseDuration(options.expiring, "--expiring");
  return withZoho(context, options, async (session) => {
    const end = (): Date => chooseExpiry(options.expires, session.product.lifetime, session.now());
    // Rejects a wrong --expires before anything is sent, and is computed again by Zoho's clock below.
    end();
    const chosen = await context.waiting("asking Zoho for its channels", () => choose(session, ids, withinMs));
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
    return keepRenewing(context, session, { chosen: chosen.filter(shouldLive), lifetimeMs, withNew });
  });
}

async function choose(
  session: ZohoSession,
  ids: readonly string[],
  withinMs: number | undefined,
): Promise<readonly Chosen[]> {
  const { listed, missing } = await listWithMissing(session);
  const chosen: readonly Chosen[] =
    ids.length === 0
      ? chooseAll(listed, missing)
      : ids.map((id) => ({ id, channel: listed.find((each) => each.id === id) }));
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
  for (const each of chosen) {
    if (ending !== undefined) {
      const because = isThrottled(ending) ? "Zoho rate-limited the requests" : "the sign-in was rejected";
      context.report({ ...failureReport(session, each, ending), reason: `not tried: ${because}` });
    } else if (each.missing !== undefined && each.missing.because !== "expired") {
      // Somebody deleted it, and nobody named it here: it is not created again.
      context.report(missingReport(session, each.missing));
      isMissing = true;
    } else {
      try {
        await renewOne(context, session, each, expiresAt, options);
      } catch (error) {
        if (!(error instanceof UserError) || chosen.length === 1) throw error;
        failure ??= error;
        if (isThrottled(error) || (isSignInError(error) && !OF_ONE_CHANNEL.has(error.code))) ending = error;
        context.report(failureReport(session, each, error));
      }
    }
  }
  return failure?.exitCode ?? (isMissing ? ExitCode.zohoApi : ExitCode.ok);
}

/** A user may be denied one module and allowed the next. */
const OF_ONE_CHANNEL: ReadonlySet<string> = new Set(["no_permission", "authorization_failed"]);

async function renewOne(
  context: Context,
  session: ZohoSession,
  { id, channel }: Chosen,
  expiresAt: Date,
  { dryRun, expires }: RenewOptions,
): Promise<void> {
  const { product } = session;
  if (dryRun === true) {
    const requests = [{ config: await wholeConfig(session, id, channel), expiresAt }];
    showRequest(context, session, writeRequest(product, channel === undefined ? "POST" : "PUT", requests));
    return;
  }
  const grant = await renewChannel(session, {
    id,
    listed: channel,
    expiresAt,
    isLatest: expires === undefined,
    onUnanswered: (outcome) =>
      context.report({
        type: "warning",
        message: `channel ${id} may have been ${outcome}: Zoho did not answer`,
        hint: `see ${session.command("list")}`,
      }),
  });
  if (grant.warning !== undefined) {
    context.report({ type: "warning", message: `channel ${id}: ${grant.warning}` });
  }
  context.report(changeReport(session, { ...grant, warning: undefined }));
}

function failureReport(session: ZohoSession, { id, channel }: Chosen, error: UserError): ChannelReport {
  const state = error.code === "deleted" ? "unknown" : channel === undefined ? "lost" : "expiring";
  return stateReport(session, state, { id, expiresAt: channel?.expiresAt, reason: errorText(error), hint: error.hint });
}
