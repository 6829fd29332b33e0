import type { Context } from "../../context.ts";
import type { ChannelReport } from "../../core/channel-report.ts";
import { ExitCode, errorText, UserError } from "../../core/errors.ts";
import { MINUTE_MS } from "../../zoho/channel-time.ts";
import type { Channel, ChannelConfig } from "../../zoho/channels.ts";
import { type ChannelChange, keepAlive } from "../../zoho/keep-alive.ts";
import { warnOfFixedToken, type ZohoSession } from "../zoho-session.ts";
import { renewalConfig, wholeConfig } from "./renew-channel.ts";

/** A channel lives an hour at the least, when whoever makes it asks for no time. */
const LOOK_EVERY_MS = 15 * MINUTE_MS;

interface Chosen {
  readonly id: string;
  /** Undefined for one that Zoho does not list. */
  readonly channel: Channel | undefined;
}

export interface KeepRenewingOptions {
  readonly chosen: readonly Chosen[];
  readonly lifetimeMs: number;
  /** Keep alive what is made later, too. */
  readonly withNew: boolean;
}

/** Keeps channels alive until the run is stopped, or none is left to. Exits with 9 when one is lost at that time. */
export async function keepRenewing(
  context: Context,
  session: ZohoSession,
  { chosen, lifetimeMs, withNew }: KeepRenewingOptions,
): Promise<ExitCode> {
  const lost = new Set<string>();
  const kept = new Map<string, Promise<void>>();
  const ended = new AbortController();
  const signal = AbortSignal.any([context.signal, ended.signal]);
  let failure: unknown;

  const keep = async ({ isOurs, ...task }: Task): Promise<void> => {
    const { id } = task.config;
    try {
      await keepAlive({
        ...task,
        client: session.client,
        lifetimeMs,
        now: context.now,
        sleep: context.sleep,
        random: Math.random,
        signal,
        onChange(change) {
          if (change.type === "lost") lost.add(change.id);
          else if (change.type !== "expiring") lost.delete(change.id);
          const report = changeReport(session.product.id, change, context.now());
          context.report(change.type === "unknown" && !isOurs ? { ...report, reason: GONE } : report);
        },
      });
    } catch (error) {
      failure ??= error;
    }
    kept.delete(id);
    if (failure !== undefined || (kept.size === 0 && !withNew)) ended.abort();
  };
  const start = (tasks: readonly Task[]): void => {
    for (const task of tasks) kept.set(task.config.id, keep(task));
  };

  const first = await Promise.all(chosen.map((each) => taskFor(session, each)));
  warnOfFixedToken(context, session.signIn, "then nothing is renewed any more");
  context.report({ type: "notice", message: `keeping alive until stopped: ${chosen.map(({ id }) => id).join(", ")}` });
  start(first);
  const look = lookForNew(context, session, (id) => kept.has(id));
  while (withNew && !signal.aborted) {
    await context.sleep(LOOK_EVERY_MS, signal);
    if (!signal.aborted) start(await look());
  }
  while (kept.size > 0) await Promise.all(kept.values());
  if (failure !== undefined) throw failure;
  return lost.size > 0 ? ExitCode.connectionLost : ExitCode.ok;
}

const GONE = "it is gone; it was not created here, and is not created again";

type Task = Awaited<ReturnType<typeof taskFor>>;

async function taskFor(session: ZohoSession, { id, channel }: Chosen) {
  const config = { ...(await renewalConfig(session, id, channel)), id };
  const isOurs = (await recall(session, id)) !== undefined;
  return { config, isOurs, current: () => currentConfig(session, id), expiresAt: channel?.expiresAt };
}

/** Finds what was made since, here or elsewhere. What cannot be looked at or kept alive is told, once while it is so. */
function lookForNew(context: Context, session: ZohoSession, isKept: (id: string) => boolean) {
  const told = new Set<string>();
  const warn = (about: string, error: unknown): void => {
    const message = `${about}: ${errorText(error)}`;
    const hint = error instanceof UserError && error.hint !== undefined ? { hint: error.hint } : {};
    if (!told.has(message)) context.report({ type: "warning", message, ...hint });
    told.add(message);
  };
  return async (): Promise<readonly Task[]> => {
    let listed: readonly Channel[];
    try {
      listed = await session.client.list();
    } catch (error) {
      if (!context.signal.aborted) warn("new channels could not be looked for", error);
      return [];
    }
    const tasks: Task[] = [];
    for (const channel of listed.filter(({ id }) => !isKept(id))) {
      try {
        tasks.push(await taskFor(session, { id: channel.id, channel }));
      } catch (error) {
        warn(`channel ${channel.id} is not kept alive`, error);
      }
    }
    const ids = tasks.map(({ config }) => config.id);
    if (ids.length > 0) {
      context.report({ type: "notice", message: `keeping alive from now on, too: ${ids.join(", ")}` });
    }
    return tasks;
  };
}

/**
 * What the channel is by now: it may have been changed since the last renewal, which a PUT of what was known would undo.
 * Undefined when it is gone and not kept in mind here, or not any more: somebody has deleted it, and it is to stay so.
 */
async function currentConfig(session: ZohoSession, id: string): Promise<ChannelConfig | undefined> {
  return wholeConfig(await session.client.get(id), await recall(session, id));
}

function recall({ memory, product, signIn }: ZohoSession, id: string): Promise<ChannelConfig | undefined> {
  return memory.recall(signIn.name, product.id, id);
}

export function changeReport(product: string, change: ChannelChange, now: Date): ChannelReport {
  const expiresAt = "expiresAt" in change ? change.expiresAt : undefined;
  const error = "error" in change ? change.error : undefined;
  const warning = "warning" in change ? change.warning : undefined;
  const reason = change.type === "unknown" ? "it was deleted here, and is not kept alive any more" : warning;
  return {
    type: "channel",
    state: change.type,
    product,
    id: change.id,
    expiresAt,
    previousExpiresAt: change.type === "renewed" ? change.from : undefined,
    timeLeftMs: expiresAt === undefined ? undefined : expiresAt.getTime() - now.getTime(),
    reason: error === undefined ? reason : errorText(error),
    hint: error instanceof UserError ? error.hint : undefined,
  };
}
