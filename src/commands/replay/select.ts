import type { Config } from "../../config/load.ts";
import type { Context } from "../../context.ts";
import { usageError } from "../../core/errors.ts";
import { findProduct } from "../../core/event-name.ts";
import type { Product } from "../../core/product.ts";
import { receive } from "../../core/receive.ts";
import { noSecrets } from "../../core/secret.ts";
import { isSuccess } from "../../core/status.ts";
import { stoppedBy } from "../../core/stopped-by.ts";
import { checkTarget } from "../../core/target-url.ts";
import { counted } from "../../core/units.ts";
import { createRoutes, type Routes } from "../../delivery/routes.ts";
import type { Log, LogEntry } from "../../store/log.ts";
import { entryName } from "../events/entry-event.ts";
import { requireEntry } from "../events/open-log.ts";
import type { ReplayPlan } from "./plan.ts";

/** One delivery on its way to one target once more. */
export interface Replay {
  readonly n: number;
  readonly target: string;
}

/** All that is to be sent, in the order in which it came. Throws a UserError, before anything is sent, for want of a target. */
export async function chooseReplays(
  context: Context,
  plan: ReplayPlan,
  log: Log,
  config: Config,
  products: readonly Product[],
  onDamaged: (n: number, reason: string) => void,
): Promise<readonly Replay[]> {
  const { settings } = config;
  if (plan.to !== undefined) checkTarget(plan.to, "--to");
  const given = plan.to === undefined ? undefined : createRoutes([plan.to], []);
  const configured = createRoutes(settings.forwardTo, settings.routes);
  const replaysOf = (entry: LogEntry): readonly Replay[] =>
    targetsOf(entry, given, configured, plan.filter?.failed).map((target) => ({ n: entry.n, target }));
  if (plan.n !== undefined) return replaysOf(await requireEntry(log, plan.n));
  const chosen: Replay[] = [];
  let leftOut = 0;
  for await (const entry of log.entries(plan.filter, { order: "oldest", onDamaged })) {
    if (context.signal.aborted) throw usageError(`${stoppedBy(context.signal)}: nothing was sent`);
    if (isForApp(products, entry)) chosen.push(...replaysOf(entry));
    else leftOut++;
  }
  if (leftOut > 0) {
    const what = counted(leftOut, "delivery was", "deliveries were");
    context.report({
      type: "notice",
      message: `${what} left out: refused, or not an event. To send one anyway, give its number: ${context.invocation} replay 42`,
    });
  }
  return chosen;
}

/**
 * Where it went before, unless a target is given; else where the settings would forward it to now. Of what has failed, an
 * app that has taken it does not get it again.
 */
function targetsOf(
  entry: LogEntry,
  given: Routes | undefined,
  configured: Routes,
  onlyFailed = false,
): readonly string[] {
  const { n, product, event, forwards, attempts } = entry;
  if (given !== undefined) return given.targetsOf(product, event);
  const queued = forwards.filter(({ state }) => !onlyFailed || state === "failed").map(({ target }) => target);
  const targets = new Set([...queued, ...(onlyFailed ? mirroredTo(entry) : [])]);
  if (targets.size > 0) return [...targets];
  const now = configured.targetsOf(product, event);
  if (now.length > 0) return now;
  // A mirrored delivery was never queued: its attempts alone tell where it went.
  const last = attempts.at(-1);
  if (last !== undefined) return [last.target];
  throw usageError(
    `#${n} (${entryName(entry)}) was not forwarded, so there is no telling where to send it`,
    "name your app with --to, such as --to 3000, or set forwardTo in the settings",
  );
}

/** The app that has refused a delivery whose sender got its answer, unless it has taken it since. */
function mirroredTo({ status = 0, forwards, attempts }: LogEntry): readonly string[] {
  const outside = attempts.filter(({ target }) => !forwards.some((each) => each.target === target));
  const isTaken = outside.some((attempt) => isSuccess(attempt.status));
  return status < 300 || isTaken ? [] : outside.slice(0, 1).map(({ target }) => target);
}

/** What `listen` would have handed on: no refused delivery, no challenge. */
function isForApp(products: readonly Product[], { accepted, event, product, delivery, receivedAt }: LogEntry): boolean {
  if (!accepted || event !== undefined) return accepted;
  const named = product === undefined ? undefined : findProduct(products, product);
  const { handshake } = receive({
    products,
    product: named,
    delivery,
    secrets: noSecrets,
    now: receivedAt,
    schemas: false,
  });
  return handshake === undefined;
}
