import type { Context } from "../../context.ts";
import type { ChannelReport } from "../../reports/channel.ts";
import { ExitCode, errorText, UserError } from "../../util/errors.ts";
import { watchClient } from "../../zoho/channels/api.ts";
import type { Channel, ChannelConfig } from "../../zoho/channels/channel.ts";
import { MINUTE_MS, zohoTime } from "../../zoho/channels/expiry.ts";
import { type ChannelChange, isOfSignIn, keepAlive } from "../../zoho/channels/keep-alive.ts";
import type { ChannelMemory } from "../../zoho/channels/memory.ts";
import { isThrottled, ZohoApiError } from "../../zoho/errors.ts";
import { ownerOf, warnOfFixedToken, type ZohoSession } from "../helpers/session.ts";
import { listWithMissing, type MissingChannel } from "./list.ts";
import { renewalConfig, wholeConfig } from "./renew-channel.ts";

/** A channel lives an hour at the least, when whoever makes it asks for no time. */
const LOOK_EVERY_MS = 15 * MINUTE_MS;

interface KeepRenewingOptions {
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

  const keep = async ({ isDeletedHere, onEnd, ...task }: Task): Promise<void> => {
    const { id } = task.config;
    try {
      await keepAlive({
        ...task,
        lifetimeMs,
        now: session.now,
        sleep: context.sleep,
        random: Math.random,
        signal: AbortSignal.any([signal]),
        onChange(change) {
          if (change.type === "lost") lost.add(change.id);
          else if (change.type !== "expiring") lost.delete(change.id);
          const noted = "expiresAt" in change || change.type === "lost";
          if (noted) onEnd("expiresAt" in change ? change.expiresAt : undefined).catch(() => {});
          const report = changeReport(session.product.id, change, session.now());
          context.report(
            change.type === "unknown" && !isDeletedHere() ? { ...report, reason: DELETED_ELSEWHERE } : report,
          );
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

  const look = lookForNew(context, session, (id) => kept.has(id));
  const first = withNew
    ? await look.at(chosen)
    : await Promise.all(chosen.map((each) => taskFor(context, session, each)));
  warnOfFixedToken(context, session.signIn, "from then on nothing can be renewed");
  const ids = first.map(({ config }) => config.id).join(", ");
  const message = ids === "" ? "no channel yet: looking for some until stopped" : `keeping alive until stopped: ${ids}`;
  context.report({ type: "notice", message });
  start(first);
  while (withNew && !signal.aborted) {
    await context.sleep(LOOK_EVERY_MS, signal);
    if (!signal.aborted) start(await look.again());
  }
  while (kept.size > 0) await Promise.all(kept.values());
  if (failure !== undefined) throw failure;
  return lost.size > 0 ? ExitCode.connectionLost : ExitCode.ok;
}

const DELETED_ELSEWHERE = "it was deleted elsewhere, and is not kept alive any more";

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
    previousExpiresAt: "from" in change ? change.from : undefined,
    timeLeftMs: expiresAt === undefined ? undefined : expiresAt.getTime() - now.getTime(),
    reason: error === undefined ? reason : errorText(error),
    hint: "error" in change ? hintFor(change, now) : undefined,
  };
}

/** What follows by itself, and what a person can do for it. */
function hintFor(change: Extract<ChannelChange, { readonly error: unknown }>, now: Date): string {
  const { error } = change;
  const hint = error instanceof UserError ? error.hint : undefined;
  const also = hint === undefined || isZohosOwn(error) ? "" : `; ${hint}`;
  if (isOfSignIn(error)) return `${hint}; then start this again: it goes on with the sign-in that it began with`;
  if (change.type === "expiring") return `it is tried again until it is renewed${also}`;
  const since =
    change.from !== undefined && change.from <= now ? `since its end, ${zohoTime(change.from)},` : "meanwhile";
  return `it is created again as soon as that can be; what has changed ${since} was not told${also}`;
}

/** Nobody here can do anything for it but wait, or it is done already. */
function isZohosOwn(error: unknown): boolean {
  return (
    error instanceof ZohoApiError &&
    (isThrottled(error) || error.status >= 500 || error.fault.code === "NOT_SUBSCRIBED")
  );
}

export interface Chosen {
  readonly id: string;
  /** Undefined for one that Zoho does not list. */
  readonly channel: Channel | undefined;
  /** Why Zoho does not list it, where it was made here. */
  readonly missing?: MissingChannel;
}

export function chooseAll(listed: readonly Channel[], missing: readonly MissingChannel[]): readonly Chosen[] {
  return [
    ...missing.map((each) => ({ id: each.channel.id, channel: undefined, missing: each })),
    ...listed.map((channel) => ({ id: channel.id, channel })),
  ];
}

/** What somebody has deleted elsewhere is left alone. */
export function shouldLive({ missing }: Chosen): boolean {
  return missing === undefined || missing.because === "expired";
}

/** A channel to keep alive. */
type Task = Awaited<ReturnType<typeof taskFor>>;

async function taskFor(context: Context, shared: ZohoSession, { id, channel }: Chosen) {
  // Signals of its own: each listens to them, and Node takes more than ten that listen to one for a leak.
  const client = watchClient(shared.api, shared.product, AbortSignal.any([context.signal]));
  const session = { ...shared, client };
  const config = { ...(await renewalConfig(session, id, channel)), id };
  const isOurs = (await recall(session, id)) !== undefined;
  let endsAt = channel?.expiresAt;
  let isDeletedHere = false;
  const observe = (listed: Parameters<ChannelMemory["observe"]>[1]) =>
    session.memory.observe(ownerOf(session), listed, session.now(), id);
  return {
    client,
    config,
    expiresAt: endsAt,
    isDeletedHere: () => isDeletedHere,
    /** Undefined: it is lost, and to be created. */
    async onEnd(at: Date | undefined): Promise<void> {
      endsAt = at;
      if (at !== undefined) await observe([{ id, expiresAt: at, token: undefined }]);
    },
    /** As it is by now: a PUT of what was known would undo what has changed. Undefined when it was deleted. */
    async current(): Promise<ChannelConfig | undefined> {
      const listed = await client.get(id);
      const kept = await recall(session, id);
      if (listed !== undefined) return wholeConfig(listed, kept) ?? config;
      isDeletedHere = isOurs && kept === undefined;
      // Gone before its end it was deleted, gone after it has expired.
      if (!isDeletedHere && (endsAt === undefined || endsAt <= session.now())) return kept ?? config;
      await observe([]);
      return undefined;
    },
  };
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
  const at = async (channels: readonly Chosen[]): Promise<readonly Task[]> => {
    const tasks: Task[] = [];
    for (const each of channels) {
      try {
        tasks.push(await taskFor(context, session, each));
      } catch (error) {
        warn(`channel ${each.id} is not kept alive`, error);
      }
    }
    return tasks;
  };
  const again = async (): Promise<readonly Task[]> => {
    let all: readonly Chosen[];
    try {
      const { listed, missing } = await listWithMissing(session);
      all = chooseAll(listed, missing).filter(shouldLive);
    } catch (error) {
      if (!context.signal.aborted) warn("new channels could not be looked for", error);
      return [];
    }
    const tasks = await at(all.filter(({ id }) => !isKept(id)));
    const ids = tasks.map(({ config }) => config.id);
    if (ids.length > 0) {
      context.report({ type: "notice", message: `keeping alive from now on, too: ${ids.join(", ")}` });
    }
    return tasks;
  };
  return { at, again };
}

function recall({ memory, product, signIn }: ZohoSession, id: string): Promise<ChannelConfig | undefined> {
  return memory.recall(signIn.name, product.id, id);
}
