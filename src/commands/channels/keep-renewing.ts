import type { Context } from "../../context.ts";
import type { ChannelReport } from "../../core/channel-report.ts";
import { ExitCode, errorText, UserError } from "../../core/errors.ts";
import { isThrottled, ZohoApiError } from "../../zoho/api-error.ts";
import { MINUTE_MS, zohoTime } from "../../zoho/channel-time.ts";
import { type ChannelChange, isOfSignIn, keepAlive } from "../../zoho/keep-alive.ts";
import { warnOfFixedToken, type ZohoSession } from "../zoho-session.ts";
import { type Chosen, lookForNew, type Task, taskFor } from "./kept-channels.ts";

/** A channel lives an hour at the least, when whoever makes it asks for no time. */
const LOOK_EVERY_MS = 15 * MINUTE_MS;

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
