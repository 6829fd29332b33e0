import type { Context } from "../../context.ts";
import { examples } from "../../reports/help.ts";
import { ExitCode, errorText, UserError, usageError } from "../../util/errors.ts";
import { parseDuration } from "../../util/units.ts";
import { type Channel, chooseExpiry, expiringWithin } from "../../zoho/channels/channel.ts";
import { isOfSignIn } from "../../zoho/channels/keep-alive.ts";
import { isThrottled } from "../../zoho/errors.ts";
import type { Define } from "../command.ts";
import { addZohoOptions, withZoho, type ZohoOptions, type ZohoSession } from "../helpers/session.ts";
import { type Chosen, chooseAll, keepRenewing, shouldLive } from "./keep-renewing.ts";
import { channelId, listWithMissing, missingReport } from "./list.ts";
import { renewChannel } from "./renew-channel.ts";

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
Each channel is read and then written as a whole with its new expiry, because Zoho drops what an update leaves out. If a
channel created here has expired, it is created again; if it was deleted elsewhere before its expiry, only when you name
it. To have it forgotten, use channels delete or prune.

With --every, each channel is renewed as it is at that time, and one that was deleted is left alone. Without ids and
--expiring, channels that are created later are kept alive, too: it looks for them every 15 minutes. The exit code is 0
when you stop it, or when none of the named channels is left, and 9 if a channel is lost at that time.
`;

async function renew(context: Context, texts: readonly string[], options: RenewOptions): Promise<ExitCode> {
  if (texts.length > 0 && options.all === true) throw usageError("give ids or --all, not both");
  const ids = [...new Set(texts.map(channelId))];
  const withinMs = options.expiring === undefined ? undefined : parseDuration(options.expiring, "--expiring");
  return withZoho(context, options, async (session) => {
    const end = (): Date => chooseExpiry(options.expires, session.product.lifetime, session.now());
    // Refused, if it is, before anything is asked of Zoho; reckoned by Zoho's clock once that is known.
    end();
    const chosen = await context.waiting("asking Zoho for its channels", () => choose(session, ids, withinMs));
    const expiresAt = end();
    const every = options.every === true && options.dryRun !== true;
    const withNew = every && ids.length === 0 && withinMs === undefined;
    if (chosen.length === 0 && !withNew) {
      context.report({ type: "notice", message: `no ${session.product.title} channel to renew` });
      return ExitCode.ok;
    }
    if (every) {
      for (const { missing } of chosen)
        if (missing !== undefined && missing.because !== "expired") context.report(missingReport(session, missing));
      const lifetimeMs = expiresAt.getTime() - session.now().getTime();
      return keepRenewing(context, session, { chosen: chosen.filter(shouldLive), lifetimeMs, withNew });
    }
    let failure: UserError | undefined;
    let isMissing = false;
    let ending: UserError | undefined;
    for (const { id, channel, missing } of chosen) {
      if (ending !== undefined) {
        const because = isThrottled(ending) ? "Zoho takes no more requests for now" : "the sign-in does not do";
        context.report({ ...failed(session, id, channel, ending), reason: `not tried: ${because}` });
        continue;
      }
      try {
        if (missing !== undefined && missing.because !== "expired") {
          // Named by nobody, it is not brought back to life against the will of whoever has deleted it.
          context.report(missingReport(session, missing));
          isMissing = true;
          continue;
        }
        const report = await renewChannel(context, session, {
          id,
          channel,
          expiresAt,
          isLongest: options.expires === undefined,
          dryRun: options.dryRun === true,
        });
        if (report !== undefined) context.report(report);
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        if (chosen.length === 1) throw error;
        failure ??= error;
        if (isThrottled(error) || (isOfSignIn(error) && !OF_ONE_CHANNEL.has(error.code))) ending = error;
        context.report(failed(session, id, channel, error));
      }
    }
    return failure?.exitCode ?? (isMissing ? ExitCode.zohoApi : ExitCode.ok);
  });
}

/** The user may be denied the one module, and not the next. */
const OF_ONE_CHANNEL: ReadonlySet<string> = new Set(["no_permission", "authorization_failed"]);

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

function failed(session: ZohoSession, id: string, channel: Channel | undefined, error: UserError) {
  const expiresAt = channel?.expiresAt;
  return {
    type: "channel",
    state: error.code === "deleted" ? "unknown" : channel === undefined ? "lost" : "expiring",
    product: session.product.id,
    id,
    expiresAt,
    timeLeftMs: expiresAt === undefined ? undefined : expiresAt.getTime() - session.now().getTime(),
    reason: errorText(error),
    hint: error.hint,
  } as const;
}
