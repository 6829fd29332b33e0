import { createAlarm } from "../process/alarm.ts";
import { ExitCode, errorText, UserError } from "../util/errors.ts";
import { cachedFor } from "../util/timing.ts";
import { warnOfFixedToken } from "../zoho-api/session.ts";
import { chooseAll } from "./choose-all.ts";
import { requireSuccess, watchClient } from "./client.ts";
import { endAfter } from "./expiry.ts";
import { changeReport, keepAlive } from "./keep-alive.ts";
import type { ChannelContext } from "./lines.ts";
import { isRenewedUnasked, type KnownChannel, renewChannels, wholeConfig } from "./renew.ts";
import { listWithMissing, type ZohoSession } from "./session.ts";

/** Keeps channels alive until the run is stopped or none is left. Exits with 9 if one is lost at that time. */
export async function renewEvery(
  context: ChannelContext,
  session: ZohoSession,
  options: {
    readonly chosen: readonly KnownChannel[];
    readonly lifetimeMs: number;
    /** Also keep channels alive that are created later. */
    readonly withNew: boolean;
    /** A command line to run when a channel is lost. */
    readonly onLost: string | undefined;
  },
): Promise<ExitCode> {
  const { chosen, lifetimeMs, withNew } = options;
  const alarm = createAlarm(context, "--on-lost", options.onLost);
  const lost = new Set<string>();
  const running = new Map<string, Promise<void>>();
  const ended = new AbortController();
  const signal = AbortSignal.any([context.signal, ended.signal]);
  let failure: unknown;
  // One list for all channels that look at about the same time.
  const listAll = cachedFor(
    session.pollMs / 2,
    () => session.now().getTime(),
    () => listWithMissing(session, { isPoll: true }),
  );

  const keep = async (channel: KnownChannel): Promise<void> => {
    const { id } = channel;
    // A signal for each: Node warns of a leak when more than ten listen to one.
    const client = watchClient(session.api, session.product, AbortSignal.any([context.signal]));
    try {
      await keepAlive({
        id,
        lifetimeMs,
        expiresAt: channel.expiresAt,
        now: session.now,
        sleep: context.sleep,
        signal: AbortSignal.any([signal]),
        async renew(expiresAt, onLost) {
          const end = (): Date => endAfter(lifetimeMs, session.now());
          const known = [{ ...channel, expiresAt }];
          return requireSuccess(await renewChannels({ ...session, client }, known, { end, isLatest: true, onLost }));
        },
        async poll() {
          const found = await listAll().catch(() => undefined);
          if (found === undefined) return undefined;
          const seen = [...found.listed, ...found.expired].find((each) => each.id === id);
          return { isListed: seen !== undefined, expiresAt: seen?.expiresAt };
        },
        pollMs: session.pollMs,
        onChange(change) {
          if (change.type === "lost") {
            lost.add(id);
            alarm.raise(`channel ${id}`, lossVariables(session, id, change.error));
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
  const start = (channels: readonly KnownChannel[]): void => {
    for (const channel of channels) running.set(channel.id, keep(channel));
  };

  const warn = warnOnce(context);
  const followAll = async (channels: readonly KnownChannel[]): Promise<readonly KnownChannel[]> => {
    const followed: KnownChannel[] = [];
    for (const each of channels) {
      try {
        followed.push(await follow(session, each));
      } catch (error) {
        if (!withNew) throw error;
        warn(`channel ${each.id} is not kept alive`, error);
      }
    }
    return followed;
  };
  const startNew = async (): Promise<void> => {
    const { chosen: all } = await chooseAll(session, await listAll());
    const followed = await followAll(all.filter((each) => isRenewedUnasked(each) && !running.has(each.id)));
    const ids = followed.map(({ id }) => id).join(", ");
    if (ids !== "") context.report({ type: "notice", message: `now also keeping alive: ${ids}` });
    start(followed);
  };

  const first = await followAll(chosen);
  warnOfFixedToken(context, session.signIn, "nothing can be renewed after that");
  context.report({ type: "notice", message: startMessage(first.map(({ id }) => id)) });
  start(first);
  while (withNew && !signal.aborted) {
    await context.sleep(session.pollMs, signal);
    if (!signal.aborted)
      await startNew().catch((error: unknown) => {
        if (!context.signal.aborted) warn("could not look for new channels", error);
      });
  }
  while (running.size > 0) await Promise.all(running.values());
  await alarm.settled();
  if (failure !== undefined) throw failure;
  return lost.size > 0 ? ExitCode.connectionLost : ExitCode.ok;
}

function startMessage(ids: readonly string[]): string {
  if (ids.length === 0) return "no channel yet: waiting for new ones until stopped";
  return `keeping alive until stopped: ${ids.join(", ")}`;
}

/** The environment of the command of `--on-lost`. */
function lossVariables({ product }: ZohoSession, id: string, error: unknown): Readonly<Record<string, string>> {
  return {
    ZOHO_HOOKS_CHANNEL_ID: id,
    ZOHO_HOOKS_CHANNEL_PRODUCT: product.id,
    ZOHO_HOOKS_CHANNEL_REASON: errorText(error),
  };
}

/** Warns once of a problem that lasts. */
function warnOnce(context: ChannelContext): (about: string, error: unknown) => void {
  const warned = new Set<string>();
  return (about, error) => {
    const message = `${about}: ${errorText(error)}`;
    const hint = error instanceof UserError ? error.hint : undefined;
    if (!warned.has(message)) context.report({ type: "warning", message, hint });
    warned.add(message);
  };
}

/** The channel with its whole configuration. */
async function follow(session: ZohoSession, channel: KnownChannel): Promise<KnownChannel> {
  const config = await wholeConfig(session, channel.id, channel.listed);
  return { ...channel, config, isRemembered: (await session.memory.recall(channel.id)) !== undefined };
}
