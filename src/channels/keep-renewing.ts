import type { Context } from "../project/context.ts";
import { ExitCode, errorText, UserError } from "../util/errors.ts";
import { isNotSubscribed, isThrottled, ZohoApiError } from "../zoho-api/errors.ts";
import { warnOfFixedToken } from "../zoho-api/session.ts";
import { zohoTime } from "../zoho-api/time.ts";
import { watchClient } from "./api.ts";
import type { Channel } from "./channel.ts";
import { MINUTE_MS } from "./expiry.ts";
import { type ChannelChange, followChannel, isSignInError, keepAlive } from "./lifecycle.ts";
import { listWithMissing, type MissingChannel, stateReport } from "./listing.ts";
import { createAlarm } from "./on-lost.ts";
import type { ChannelReport } from "./reports.ts";
import type { ZohoSession } from "./session.ts";

/** A channel that was created without an expiry lives an hour. */
const LOOK_INTERVAL_MS = 15 * MINUTE_MS;

/** Keeps channels alive until the run is stopped or none is left. Exits with 9 if one is lost at that time. */
export async function keepRenewing(
  context: Context,
  session: ZohoSession,
  options: {
    readonly chosen: readonly Chosen[];
    readonly lifetimeMs: number;
    /** Also keep channels alive that are created later. */
    readonly withNew: boolean;
    /** A command line to run when a channel is lost. */
    readonly onLost: string | undefined;
  },
): Promise<ExitCode> {
  const { chosen, lifetimeMs, withNew } = options;
  const alarm = createAlarm(context, options.onLost);
  const lost = new Set<string>();
  const running = new Map<string, Promise<void>>();
  const ended = new AbortController();
  const signal = AbortSignal.any([context.signal, ended.signal]);
  let failure: unknown;

  const keep = async (channel: Followed): Promise<void> => {
    const { id } = channel.config;
    try {
      await keepAlive({
        ...channel,
        lifetimeMs,
        now: session.now,
        sleep: context.sleep,
        random: Math.random,
        signal: AbortSignal.any([signal]),
        onChange(change) {
          if (change.type === "lost") {
            lost.add(id);
            alarm.raise({ id, product: session.product.id, reason: errorText(change.error) });
          } else if (change.type !== "expiring") lost.delete(id);
          if ("expiresAt" in change) {
            const seen = { id, expiresAt: change.expiresAt, token: undefined };
            session.memory.observe([seen], session.now(), id).catch(() => undefined);
          }
          context.report(changeReport(session, change));
        },
      });
    } catch (error) {
      failure ??= error;
    }
    running.delete(id);
    if (failure !== undefined || (running.size === 0 && !withNew)) ended.abort();
  };
  const start = (channels: readonly Followed[]): void => {
    for (const channel of channels) running.set(channel.config.id, keep(channel));
  };

  const finder = createFinder(context, session);
  const first = withNew
    ? await finder.follow(chosen)
    : await Promise.all(chosen.map((each) => follow(context, session, each)));
  warnOfFixedToken(context, session.signIn, "nothing can be renewed after that");
  const ids = first.map(({ config }) => config.id).join(", ");
  const message =
    ids === "" ? "no channel yet: waiting for new ones until stopped" : `keeping alive until stopped: ${ids}`;
  context.report({ type: "notice", message });
  start(first);
  while (withNew && !signal.aborted) {
    await context.sleep(LOOK_INTERVAL_MS, signal);
    if (!signal.aborted) start(await finder.findNew((id) => running.has(id)));
  }
  while (running.size > 0) await Promise.all(running.values());
  await alarm.settled();
  if (failure !== undefined) throw failure;
  return lost.size > 0 ? ExitCode.connectionLost : ExitCode.ok;
}

export function changeReport(session: ZohoSession, change: ChannelChange): ChannelReport {
  return stateReport(session, change.type, {
    id: change.id,
    expiresAt: "expiresAt" in change ? change.expiresAt : undefined,
    previousExpiresAt: "from" in change ? change.from : undefined,
    reason: reasonOf(change),
    hint: "error" in change ? hintFor(change, session.now()) : undefined,
  });
}

function reasonOf(change: ChannelChange): string | undefined {
  if (change.type === "unknown") return `it was deleted ${change.deleted}, and is no longer kept alive`;
  return "error" in change ? errorText(change.error) : (change.note ?? change.warning);
}

/** The next automatic step, and what the user can do. */
function hintFor(change: Extract<ChannelChange, { readonly error: unknown }>, now: Date): string {
  const { error } = change;
  const hint = error instanceof UserError ? error.hint : undefined;
  if (isSignInError(error)) return `${hint}; then restart this command, which still uses the old sign-in`;
  const also = hint === undefined || isUpToZoho(error) ? "" : `; ${hint}`;
  if (change.type === "expiring") return `retrying until it is renewed${also}`;
  const hasEnded = change.from !== undefined && change.from <= now;
  const missed = hasEnded ? `after ${zohoTime(change.from)}` : "in the meantime";
  return `recreating it as soon as possible; changes ${missed} are missed${also}`;
}

/** The user can do nothing about it, or it is being done already. */
function isUpToZoho(error: unknown): boolean {
  return isThrottled(error) || isNotSubscribed(error) || (error instanceof ZohoApiError && error.status >= 500);
}

export interface Chosen {
  readonly id: string;
  /** Undefined if Zoho does not list it. */
  readonly channel: Channel | undefined;
  /** Set for one that was created here and that Zoho no longer lists. */
  readonly missing?: MissingChannel;
}

/** All channels but those of a `listen`, which renews its own: one that is left over must not be kept alive. */
export async function chooseAll(
  session: ZohoSession,
): Promise<{ readonly chosen: readonly Chosen[]; readonly ofListeners: readonly string[] }> {
  const { listed, missing } = await listWithMissing(session);
  const remembered = await session.memory.all();
  const ofListeners = listed
    .map(({ id }) => id)
    .filter((id) => remembered.some((own) => own.id === id && own.ofListener === true));
  const chosen = [
    ...missing.map((each) => ({ id: each.channel.id, channel: undefined, missing: each })),
    ...listed.map((channel) => ({ id: channel.id, channel })),
  ];
  return { chosen: chosen.filter(({ id }) => !ofListeners.includes(id)), ofListeners };
}

/** False for a channel that somebody deleted elsewhere. */
export function shouldLive({ missing }: Chosen): boolean {
  return missing === undefined || missing.because === "expired";
}

type Followed = Awaited<ReturnType<typeof follow>>;

function follow(context: Context, session: ZohoSession, { id, channel }: Chosen) {
  // A signal for each: Node warns of a leak when more than ten listen to one.
  const client = watchClient(session.api, session.product, AbortSignal.any([context.signal]));
  return followChannel({ ...session, client }, id, channel);
}

/** Finds channels to keep alive. What fails is warned of once and skipped. */
function createFinder(context: Context, session: ZohoSession) {
  const warned = new Set<string>();
  const warn = (about: string, error: unknown): void => {
    const message = `${about}: ${errorText(error)}`;
    const hint = error instanceof UserError && error.hint !== undefined ? { hint: error.hint } : {};
    if (!warned.has(message)) context.report({ type: "warning", message, ...hint });
    warned.add(message);
  };
  const followAll = async (channels: readonly Chosen[]): Promise<readonly Followed[]> => {
    const followed: Followed[] = [];
    for (const each of channels) {
      try {
        followed.push(await follow(context, session, each));
      } catch (error) {
        warn(`channel ${each.id} is not kept alive`, error);
      }
    }
    return followed;
  };
  return {
    follow: followAll,
    async findNew(isRunning: (id: string) => boolean): Promise<readonly Followed[]> {
      let all: readonly Chosen[];
      try {
        all = (await chooseAll(session)).chosen.filter(shouldLive);
      } catch (error) {
        if (!context.signal.aborted) warn("could not look for new channels", error);
        return [];
      }
      const followed = await followAll(all.filter(({ id }) => !isRunning(id)));
      const ids = followed.map(({ config }) => config.id);
      if (ids.length > 0) context.report({ type: "notice", message: `now also keeping alive: ${ids.join(", ")}` });
      return followed;
    },
  };
}
