import type { Context } from "../../context.ts";
import type { ChannelReport } from "../../core/channel-report.ts";
import { ExitCode, errorText, UserError } from "../../core/errors.ts";
import { MINUTE_MS } from "../../zoho/channel-time.ts";
import { type Channel, type ChannelConfig, configOf } from "../../zoho/channels.ts";
import { type ChannelChange, keepAlive } from "../../zoho/keep-alive.ts";
import { warnOfFixedToken, type ZohoSession } from "../zoho-session.ts";
import { renewalConfig } from "./renew-channel.ts";

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

/** Keeps channels alive until the run is stopped, or none is left. Exits with 9 when one is lost at that time. */
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

  const keep = async (task: Awaited<ReturnType<typeof taskFor>>): Promise<void> => {
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
          context.report(changeReport(session.product.id, change, context.now()));
        },
      });
    } catch (error) {
      failure ??= error;
    }
    kept.delete(id);
    if (failure !== undefined || kept.size === 0) ended.abort();
  };
  const start = (tasks: readonly Awaited<ReturnType<typeof taskFor>>[]): void => {
    for (const task of tasks) kept.set(task.config.id, keep(task));
  };

  const first = await Promise.all(chosen.map((each) => taskFor(session, each)));
  warnOfFixedToken(context, session.signIn, "then nothing is renewed any more");
  context.report({ type: "notice", message: `keeping alive until stopped: ${chosen.map(({ id }) => id).join(", ")}` });
  start(first);
  while (withNew && !signal.aborted) {
    await context.sleep(LOOK_EVERY_MS, signal);
    if (!signal.aborted) start(await tasksForNew(context, session, (id) => kept.has(id)));
  }
  while (kept.size > 0) await Promise.all(kept.values());
  if (failure !== undefined) throw failure;
  return lost.size > 0 ? ExitCode.connectionLost : ExitCode.ok;
}

async function taskFor(session: ZohoSession, { id, channel }: Chosen) {
  const config = { ...(await renewalConfig(session, id, channel)), id };
  const isOurs = (await recall(session, id)) !== undefined;
  return { config, current: () => currentConfig(session, config, isOurs), expiresAt: channel?.expiresAt };
}

/** What was made since, here or elsewhere. A look that fails is told, and the next one makes up for it. */
async function tasksForNew(context: Context, session: ZohoSession, isKept: (id: string) => boolean) {
  try {
    const found = (await session.client.list()).filter(({ id }) => !isKept(id));
    const tasks = await Promise.all(found.map((channel) => taskFor(session, { id: channel.id, channel })));
    if (found.length > 0) {
      const ids = found.map(({ id }) => id).join(", ");
      context.report({ type: "notice", message: `keeping alive from now on, too: ${ids}` });
    }
    return tasks;
  } catch (error) {
    if (context.signal.aborted) return [];
    const hint = error instanceof UserError && error.hint !== undefined ? { hint: error.hint } : {};
    context.report({ type: "warning", message: `new channels could not be looked for: ${errorText(error)}`, ...hint });
    return [];
  }
}

/**
 * What the channel is by now: it may have been changed since the last renewal, which a PUT of what was known would undo.
 * Undefined when it was made here and is not kept in mind any more: then it was deleted here, and is to stay so.
 */
async function currentConfig(
  session: ZohoSession,
  known: ChannelConfig,
  isOurs: boolean,
): Promise<ChannelConfig | undefined> {
  const listed = await session.client.get(known.id);
  const config = listed === undefined ? undefined : configOf(listed);
  return config ?? (await recall(session, known.id)) ?? (isOurs ? undefined : known);
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
