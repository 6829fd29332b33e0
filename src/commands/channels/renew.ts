import { type Channel, expiringWithin } from "../../channels/channel.ts";
import { chooseAll } from "../../channels/choose-all.ts";
import { ITEMS_PER_CALL, readChannelId, writeRequest } from "../../channels/client.ts";
import { chooseExpiry } from "../../channels/expiry.ts";
import { missingLine, stateLine } from "../../channels/lines.ts";
import type { MissingChannel } from "../../channels/memory.ts";
import { lostUnderListen, orphanIds } from "../../channels/orphaned-channels.ts";
import {
  asListed,
  endsRenewals,
  isRenewal,
  isRenewedUnasked,
  type KnownChannel,
  prepareRenewals,
  type RenewalOptions,
  renewChannels,
} from "../../channels/renew.ts";
import { listWithMissing, withZoho, type ZohoSession } from "../../channels/session.ts";
import { loadConfig } from "../../project/load.ts";
import { ExitCode, errorText, UserError, usageError } from "../../util/errors.ts";
import { formatSpan, parseDuration } from "../../util/units.ts";
import { isThrottled } from "../../zoho-api/errors.ts";
import { showRequest, type ZohoOptions } from "../../zoho-api/session.ts";
import { zohoTime } from "../../zoho-api/time.ts";
import type { CommandContext } from "../command.ts";

interface RenewOptions extends ZohoOptions {
  readonly expiring?: string;
  readonly expires?: string;
  readonly every?: boolean;
  readonly onLost?: string;
  readonly dryRun?: boolean;
}

export async function renew(
  context: CommandContext,
  texts: readonly string[],
  options: RenewOptions,
): Promise<ExitCode> {
  const { expires, onLost } = options;
  if (onLost !== undefined && options.every !== true) throw usageError("--on-lost is for --every only");
  const ids = [...new Set(texts.map(readChannelId))];
  const withinMs = options.expiring === undefined ? undefined : parseDuration(options.expiring, "--expiring");
  return withZoho(context, loadConfig(context), options, async (session) => {
    const { command, product } = session;
    const end = (): Date => chooseExpiry(expires, product.lifetime, session.now());
    // Rejects a wrong --expires before anything is sent, and is computed again by Zoho's clock below.
    end();
    const { all, lost } = await context.waiting("asking Zoho for its channels", () =>
      choose(context, session, ids, withinMs),
    );
    for (const each of lost) context.report(missingLine(session, each));
    const expiresAt = end();
    const every = options.every && !options.dryRun;
    const withNew = every === true && ids.length === 0 && withinMs === undefined;
    if (all.length === 0 && !withNew) {
      context.report({ type: "notice", message: `no ${product.title} channel to renew` });
      return lost.length > 0 ? ExitCode.zohoApi : ExitCode.ok;
    }
    const chosen = all.filter(isRenewedUnasked);
    for (const each of all)
      if (each.missing !== undefined && !isRenewedUnasked(each)) context.report(missingLine(session, each.missing));
    if (every) {
      const { renewEvery } = await import("../../channels/renew-every.ts");
      const lifetimeMs = expiresAt.getTime() - session.now().getTime();
      return renewEvery(context, session, { chosen, lifetimeMs, withNew, onLost });
    }
    const onUnanswered = (unanswered: readonly string[], outcome: string): void => {
      const message = `${named(unanswered)} may have been ${outcome}: Zoho did not answer`;
      context.report({ type: "warning", message, hint: `see ${command("list")}` });
    };
    let exitCode: ExitCode = chosen.length < all.length || lost.length > 0 ? ExitCode.zohoApi : ExitCode.ok;
    const onFailure: OnFailure = ({ id, expiresAt: end, listed }, error, isUntried = false) => {
      if (all.length === 1) throw error;
      const state = error.code === "deleted" ? "unknown" : listed === undefined ? "lost" : "expiring";
      const because = isThrottled(error) ? "Zoho rate-limited the requests" : "the sign-in was rejected";
      const reason = isUntried ? `not tried: ${because}` : errorText(error);
      context.report(stateLine(session, state, { id, expiresAt: end, reason, hint: error.hint }));
      if (!hasFailed) exitCode = error.exitCode;
      hasFailed = true;
    };
    let hasFailed = false;
    const renewal = { end: () => expiresAt, isLatest: expires === undefined, onUnanswered };
    await (options.dryRun ? showRenewals : renewAll)(context, session, chosen, renewal, onFailure);
    return exitCode;
  });
}

type OnFailure = (channel: KnownChannel, error: UserError, isUntried?: boolean) => void;

/** `channels 1, 2` */
function named(ids: readonly string[]): string {
  return `channel${ids.length === 1 ? "" : "s"} ${ids.join(", ")}`;
}

/** The channels to renew, and those that a running `listen` should have and Zoho does not list. */
async function choose(
  context: CommandContext,
  session: ZohoSession,
  ids: readonly string[],
  withinMs: number | undefined,
): Promise<{ readonly all: readonly KnownChannel[]; readonly lost: readonly MissingChannel[] }> {
  const found = await listWithMissing(session);
  const isWithin = ({ listed }: KnownChannel): boolean =>
    withinMs === undefined || listed === undefined || expiringWithin([listed], withinMs, session.now()).length > 0;
  if (ids.length > 0) {
    const all = ids.map((id) => found.listed.filter((each) => each.id === id).map(asListed)[0] ?? { id });
    return { all: all.filter(isWithin), lost: [] };
  }
  const { chosen, ofListeners } = await chooseAll(session, found);
  await reportLeftOut(context, session, ofListeners);
  return { all: chosen.filter(isWithin), lost: await lostUnderListen(session, found.listed) };
}

/** Says of each channel of a `listen` what becomes of it. */
async function reportLeftOut(
  context: CommandContext,
  session: ZohoSession,
  channels: readonly Channel[],
): Promise<void> {
  const orphans = await orphanIds(await session.memory.all(), session.folder, session.now());
  for (const { id, expiresAt } of channels) {
    const left = expiresAt === undefined ? "" : `, ${formatSpan(expiresAt.getTime() - session.now().getTime())} left`;
    const message = orphans.has(id)
      ? `channel ${id} is left out, because its listen has ended: to delete it, ${session.command(`delete ${id}`)}`
      : `channel ${id} is left out, because a running listen renews it: it is alive${left}`;
    context.report({ type: "notice", message });
  }
}

/** Nothing more is sent after a failure that concerns all channels. */
async function renewAll(
  context: CommandContext,
  session: ZohoSession,
  chosen: readonly KnownChannel[],
  options: RenewalOptions,
  onFailure: OnFailure,
): Promise<void> {
  let ending: UserError | undefined;
  for (let at = 0; at < chosen.length; at += ITEMS_PER_CALL) {
    const batch = chosen.slice(at, at + ITEMS_PER_CALL);
    const outcomes = ending ? batch.map(() => ending) : await renewChannels(session, batch, options);
    for (const [i, each] of batch.entries()) {
      const outcome = outcomes[i];
      if (outcome instanceof UserError) {
        onFailure(each, outcome, outcome === ending);
        if (endsRenewals(outcome)) ending = outcome;
      } else if (outcome !== undefined) {
        const { type, id, from, expiresAt, note, warning } = outcome;
        if (warning !== undefined) context.report({ type: "warning", message: `channel ${id}: ${warning}` });
        const reason = type === "created" ? "Zoho no longer listed it: created again from the saved copy" : note;
        context.report(stateLine(session, type, { id, expiresAt, previousExpiresAt: from, reason }));
      }
    }
  }
}

/** Says what would be renewed until when, and shows the requests. */
async function showRenewals(
  context: CommandContext,
  session: ZohoSession,
  chosen: readonly KnownChannel[],
  options: RenewalOptions,
  onFailure: OnFailure,
): Promise<void> {
  const expiresAt = options.end();
  const notice = (message: string): void => context.report({ type: "notice", message });
  const prepared = await prepareRenewals(session, chosen, options);
  const shown = (method: "PUT" | "POST", sentence: (ids: string) => string): void => {
    const renewals = prepared.filter(isRenewal).filter(({ isGone = false }) => isGone === (method === "POST"));
    const requests = renewals.map(({ config }) => ({ config, expiresAt }));
    if (requests.length > 0) notice(sentence(named(requests.map(({ config }) => config.id))));
    for (let at = 0; at < requests.length; at += ITEMS_PER_CALL)
      showRequest(context, session, writeRequest(session.product, method, requests.slice(at, at + ITEMS_PER_CALL)));
  };
  shown("POST", (ids) => `would create ${ids} again, until ${zohoTime(expiresAt)}`);
  shown("PUT", (ids) => `would renew ${ids} until ${zohoTime(expiresAt)}`);
  for (const [i, each] of chosen.entries()) {
    const outcome = prepared[i];
    if (outcome instanceof UserError) onFailure(each, outcome);
    else if (outcome !== undefined && !isRenewal(outcome))
      notice(`would leave channel ${outcome.id} as it is: it expires at ${zohoTime(outcome.expiresAt)}`);
  }
}
