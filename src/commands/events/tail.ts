import { setTimeout as delay } from "node:timers/promises";
import { isSuccess } from "../../body/delivery.ts";
import type { Context } from "../../context.ts";
import { chosenNames, maskText, maskUrl } from "../../core/mask.ts";
import type { Product } from "../../core/product.ts";
import type { ForwardReport } from "../../reports/forward.ts";
import type { FollowedAttempt, Log, LogEntry, LogFilter } from "../../store/log.ts";
import { type ExitCode, UserError } from "../../util/errors.ts";
import { parseInteger } from "../../util/units.ts";
import { projectProducts } from "../helpers/products.ts";
import { DamageReport, dayHeadings, entryEvent } from "./entry.ts";
import { type FilterOptions, isFiltered, type LogOptions, newestNumber, readFilter, withLog } from "./options.ts";

interface TailOptions extends FilterOptions, LogOptions {
  readonly last: string;
}

/** How often the log is looked at: a person takes it for at once. */
const LOOK_EVERY_MS = 200;
/** Of so many deliveries that passed the filter the forwarding is shown, too. */
const MOST_REMEMBERED = 10_000;

/** Shows what comes into the log while another process writes it, until Ctrl-C. */
export async function tail(context: Context, options: TailOptions): Promise<ExitCode> {
  const count = parseInteger(options.last, "--last", 0, 100_000);
  const products = await projectProducts(context);
  const filter = readFilter(options, context.now(), products);
  return withLog(context, options, async (log) => {
    const damage = new DamageReport(context);
    const follower = await startFollower(context, log, filter, options, products, damage);
    await follower.showLast(count);
    context.report({ type: "notice", message: `following ${log.path}; Ctrl-C ends it` });
    while (!context.signal.aborted) {
      await follower.look();
      await delay(LOOK_EVERY_MS, undefined, { signal: context.signal }).catch(() => {});
    }
    return damage.exitCode;
  });
}

async function startFollower(
  context: Context,
  log: Log,
  filter: LogFilter,
  options: TailOptions,
  products: readonly Product[],
  damage: DamageReport,
) {
  const { showSecrets } = options;
  const { onDamaged } = damage;
  const filtered = isFiltered(options);
  const headingOf = dayHeadings(context.now());
  const shown = new Set<number>();
  let attemptId = await log.lastAttempt();
  let after = await newestNumber(log);

  const show = (entry: LogEntry, fresh: boolean): void => {
    context.report(entryEvent(products, entry, showSecrets, { heading: headingOf(entry.receivedAt), fresh }));
    if (!filtered) return;
    shown.add(entry.n);
    const [oldest] = shown;
    if (shown.size > MOST_REMEMBERED && oldest !== undefined) shown.delete(oldest);
  };

  return {
    async showLast(count: number): Promise<void> {
      if (count === 0) return;
      let first = after + 1;
      // Which cannot be read is told below.
      for await (const { n } of log.list(filter, { limit: count, onDamaged() {} })) first = Math.min(first, n);
      for await (const entry of log.entries({ ...filter, after: first - 1 }, { order: "oldest", onDamaged })) {
        await roomOnStdout(context);
        if (context.signal.aborted || entry.n > after) break;
        show(entry, false);
      }
      damage.report();
    },
    async look(): Promise<void> {
      const high = await newestNumber(log);
      if (high > after) {
        for await (const entry of log.entries({ ...filter, after }, { order: "oldest", onDamaged })) {
          await roomOnStdout(context);
          if (context.signal.aborted) return;
          show(entry, true);
          after = entry.n;
        }
        after = Math.max(after, high);
        damage.report();
      }
      for (const attempt of await log.attemptsAfter(attemptId)) {
        // Its event has come in since: it is shown first, and this the next time.
        if (attempt.n > after) return;
        attemptId = attempt.id;
        if (filtered && !shown.has(attempt.n)) continue;
        const forward = await forwardOf(log, attempt, showSecrets);
        if (forward !== undefined) context.report(forward);
      }
    },
  };
}

/** Undefined where its delivery cannot be read, which alone tells what is secret in it. */
async function forwardOf(log: Log, attempt: FollowedAttempt, showSecrets = false): Promise<ForwardReport | undefined> {
  const { n, status, error, target, reply = "" } = attempt;
  const entry = await log.get(n).catch((cause: unknown) => {
    if (cause instanceof UserError && cause.code === "log-damaged") return "damaged" as const;
    throw cause;
  });
  if (entry === "damaged") return undefined;
  const chosen = chosenNames(entry?.verdicts ?? []);
  const forward = entry?.forwards.find((each) => each.target === target);
  const ok = error === undefined && isSuccess(status);
  // One of several may be looked at when the last one has been made already.
  const isGivenUp = forward?.state === "failed" && attempt.attempt >= forward.attempts;
  const state = ok ? "delivered" : forward === undefined ? "single" : isGivenUp ? "failed" : "retry";
  return {
    type: "forward",
    n,
    attempt: attempt.attempt,
    target: showSecrets ? target : maskUrl(target, chosen),
    status,
    latencyMs: attempt.latencyMs,
    error,
    hint: undefined,
    replyPreview: showSecrets ? reply : maskText(reply, chosen),
    state,
    retryInMs: undefined,
  };
}

/** Characters that may wait for a reader: enough that it never waits for us. */
const MOST_WAITING = 4_000_000;
const POLL_INTERVAL_MS = 20;

/**
 * Resolves once there is room for more on standard output. What is read from a log of gigabytes would otherwise wait in
 * memory for a reader that is slower (`| less`). Resolves early where the run is to end.
 */
export async function roomOnStdout({ stdout, signal }: Context): Promise<void> {
  while (stdout.backlog() > MOST_WAITING && !signal.aborted) {
    await delay(POLL_INTERVAL_MS, undefined, { signal }).catch(() => {});
  }
}
