import type { Product } from "../contract/product.ts";
import { projectProducts } from "../custom/project-products.ts";
import { isSuccess } from "../delivery/delivery.ts";
import { readPayload } from "../delivery/payload.ts";
import { checkTarget } from "../delivery/target.ts";
import { DamageReport, entryName, recogniseEntry } from "../events/entry.ts";
import { noMatch } from "../events/filter.ts";
import { requireEntry, requireWholeBody, withLog } from "../events/open-log.ts";
import { answerHint, isDelivered } from "../forward/post-failure.ts";
import { openTargets } from "../forward/queue-poster.ts";
import { createRoutes } from "../forward/routes.ts";
import type { Log, LogEntry, LogFilter } from "../log/log.ts";
import { waitForDrain } from "../process/output.ts";
import type { Context } from "../project/context.ts";
import { type Config, loadConfig } from "../project/load.ts";
import { ExitCode, usageError } from "../util/errors.ts";
import { stoppedBy } from "../util/timing.ts";
import { counted } from "../util/units.ts";
import { addedWarner } from "./added-members.ts";
import { MAX_OWN_CONNECTIONS } from "./deliver.ts";
import { answersExitCode, unexpectedStatus } from "./flags.ts";
import { type OutgoingDelivery, postOne, requestReport, sentReport } from "./outgoing.ts";
import { type ReplayOptions, type ReplayPlan, readReplayPlan, refuseContradictions } from "./replay-plan.ts";
import { type ReplayedDelivery, replayBody, replayedDelivery } from "./replayed-delivery.ts";
import { Tally } from "./tally.ts";

/** One run on an open log. */
interface Run {
  readonly context: Context;
  readonly plan: ReplayPlan;
  readonly log: Log;
  readonly config: Config;
  readonly products: readonly Product[];
}

/** Sends what the numbers name, or else what the flags select. A number is `42`, `last` or a range such as `7..12`. */
export async function replay(context: Context, numbers: readonly string[], options: ReplayOptions): Promise<ExitCode> {
  refuseContradictions(numbers, options);
  const config = loadConfig(context, { needsSecrets: true });
  const products = await projectProducts(config);
  const plan = readReplayPlan(numbers, options, context.now(), products);
  return withLog(context, config, async (log) => {
    const run = { context, plan, log, config, products };
    const damage = new DamageReport(context);
    const replays = await chooseReplays(run, damage.onDamaged);
    damage.report();
    return (await replayAll(run, replays)) || damage.exitCode;
  });
}

/**
 * The deliveries to send. They are read from the log a second time: a million do not fit into memory. Throws a UserError where
 * one has no target, before anything is sent.
 */
async function chooseReplays(run: Run, onDamaged: DamageReport["onDamaged"]) {
  const { context, plan, log, products } = run;
  if (plan.to !== undefined) checkTarget(plan.to, "--to");
  const targetsOf = targetFinder(run);
  const { named, filters } = await selectionOf(run);
  const isSent = (entry: LogEntry): boolean => named.has(entry.n) || isForApp(products, entry);
  const targets = new Set<string>();
  let [count, last, skipped, skippedOne] = [0, 0, 0, 0];
  for await (const entry of entriesOf(log, filters, onDamaged)) {
    if (context.signal.aborted) throw usageError(`${stoppedBy(context.signal)}: nothing was sent`);
    if (!isSent(entry)) {
      skipped++;
      skippedOne = entry.n;
      continue;
    }
    for (const target of targetsOf(entry)) {
      if (!targets.has(target) && !plan.dryRun) plan.requireReachable?.(target);
      targets.add(target);
      count++;
    }
    last = entry.n;
  }
  if (skipped > 0) {
    const which = counted(skipped, "delivery was", "deliveries were");
    context.report({
      type: "notice",
      message: `${which} skipped: refused, or not an event. To send one anyway, give its number: ${context.invocation} replay ${skippedOne}`,
    });
  }
  return {
    count,
    skipped,
    targets: [...targets],
    /** Oldest first. */
    async *read() {
      for await (const entry of entriesOf(log, filters, () => {})) {
        if (entry.n > last) break;
        if (!isSent(entry)) continue;
        // A delivery that matches only since the first pass may have a target that is not open.
        for (const target of targetsOf(entry)) if (targets.has(target)) yield { entry, target };
      }
    },
  };
}

/** What to read, oldest first: the numbers as ranges that do not overlap, or the filter. Those in `named` are sent in any case. */
async function selectionOf({ plan, log }: Run) {
  const named = new Set<number>();
  if (plan.choices.length === 0) return { named, filters: [plan.filter] };
  const ranges: (readonly [from: number, to: number])[] = [];
  for (const choice of plan.choices) {
    if (typeof choice === "object") ranges.push(choice);
    else {
      const { n } = requireWholeBody(await requireEntry(log, choice));
      named.add(n);
      ranges.push([n, n]);
    }
  }
  let end = 0;
  const filters = ranges
    .sort(([one], [other]) => one - other)
    .map(([from, to]): LogFilter => {
      const after = Math.max(end, from - 1);
      end = Math.max(end, to);
      return { after, before: to + 1 };
    });
  return { named, filters };
}

async function* entriesOf(log: Log, filters: readonly LogFilter[], onDamaged: DamageReport["onDamaged"]) {
  for (const filter of filters) yield* log.entries(filter, { order: "oldest", onDamaged });
}

/**
 * From --to, else where it went before, else from the settings. With `--only failed`, only targets that have not accepted it.
 */
function targetFinder({ plan, config: { settings } }: Run): (entry: LogEntry) => readonly string[] {
  const given = plan.to === undefined ? undefined : createRoutes({ ...settings, forwardTo: [plan.to], routes: [] });
  const configured = createRoutes(settings);
  const prefersFailed = plan.filter.only?.includes("failed") === true;
  return (entry) => {
    const { n, product, event, url, forwards, attempts } = entry;
    if (given !== undefined) return given.targetsOf(product, event, url);
    const queued = forwards.map(({ target }) => target);
    const failed = prefersFailed ? failedTargets(entry) : [];
    // Of another kind of --only, a delivery may have failed nowhere.
    const targets = [...new Set(failed.length > 0 ? failed : queued)];
    if (targets.length > 0) return targets;
    const now = configured.targetsOf(product, event, url);
    if (now.length > 0) return now;
    // A mirrored delivery was never queued, so only its attempts name the target.
    const last = attempts.at(-1);
    if (last !== undefined) return [last.target];
    throw usageError(
      `#${n} (${entryName(entry)}) was not forwarded, so its target is not known`,
      "name your app with --to, such as --to 3000, or set forwardTo in the settings",
    );
  };
}

/** The targets that have not accepted a delivery, and get no more attempts. */
export function failedTargets(entry: LogEntry): readonly string[] {
  const failed = entry.forwards.filter(({ state }) => state === "failed").map(({ target }) => target);
  return [...failed, ...mirroredTo(entry)];
}

/** The target of a mirrored delivery that failed and was not accepted since. */
function mirroredTo({ status = 0, forwards, attempts }: LogEntry): readonly string[] {
  const outside = attempts.filter(({ target }) => !forwards.some((each) => each.target === target));
  const isTaken = outside.some((attempt) => isSuccess(attempt.status));
  return status < 300 || isTaken ? [] : outside.slice(0, 1).map(({ target }) => target);
}

/** Whether `listen` would forward it: not refused, not a challenge. */
function isForApp(products: readonly Product[], entry: LogEntry): boolean {
  return entry.accepted && (entry.event !== undefined || recogniseEntry(products, entry).handshake === undefined);
}

/** Sends them one by one, in the order in which they came, and reports each result. */
async function replayAll(
  { context, plan, log, config, products }: Run,
  { count, skipped, targets, read }: Awaited<ReturnType<typeof chooseReplays>>,
): Promise<ExitCode> {
  if (count === 0) {
    const why = skipped > 0 ? "none is left to send" : noMatch(plan.filter);
    context.report({ type: "notice", message: `${why}: nothing was sent` });
    return ExitCode.ok;
  }
  const { expectStatus, showSecrets } = plan;
  const { forwardTo, insecure, forwardTimeout } = config.settings;
  const known = createRoutes({
    ...config.settings,
    forwardTo: plan.to === undefined ? forwardTo : [plan.to, ...forwardTo],
  });
  const poster = await openTargets(targets, {
    addresses: known.all(products.map(({ id }) => id)),
    timeoutMs: forwardTimeout,
    connections: 1,
    insecure,
    env: config.env,
    ownConnections: count <= MAX_OWN_CONNECTIONS,
    receivedAtOf: async () => undefined,
  });
  const tally = new Tally();
  const isAlone = count === 1;
  const warnOfAdded = addedWarner(context, plan);
  const show = (outgoing: OutgoingDelivery): void =>
    context.report(requestReport(outgoing, { maskSecrets: !showSecrets }));
  const sendOne = async ({ n, product, receivedAt }: LogEntry, target: string, outgoing: ReplayedDelivery) => {
    // The line below has the number.
    if (context.verbose && !context.json) show({ ...outgoing, n: undefined });
    const at = context.now();
    // A queue gets a new job: it may still have the one that failed.
    const event = { n: undefined, product, receivedAt };
    const post = () => poster.post(outgoing.delivery, { signal: context.signal, event });
    const result = await postOne(context, outgoing, { isAlone, post });
    const delivered = isDelivered(result);
    const isExpected = expectStatus?.has(result.status);
    const ok = isExpected ?? delivered;
    const kind = (isExpected === true ? undefined : result.error?.code) ?? String(result.status);
    const { status, latencyMs, replyPreview: reply } = result;
    if (kind !== "interrupted") {
      // A changed body that is accepted does not settle the original.
      const resolvesFailure = delivered && !outgoing.changed;
      const replayed = outgoing.changed ? "edited" : "same";
      const attempt = { target, at, status, latencyMs, error: result.error?.message, reply, replay: replayed } as const;
      await log.recordAttempt(n, { ...attempt, resolvesFailure });
    }
    const error = ok ? undefined : (result.error?.message ?? unexpectedStatus(result, expectStatus));
    const hint = ok
      ? undefined
      : (result.error?.hint ?? answerHint(result, plan.to === undefined ? { toFlag: "" } : {}));
    const sent = sentReport(context, outgoing, result, { isExpected, error, hint, showSecrets });
    context.report({ ...tally.add({ ok, kind, sent }, context), brief: !isAlone && ok });
  };
  let body: Buffer | undefined;
  let ended = 0;
  try {
    for await (const { entry, target } of read()) {
      await waitForDrain(context);
      if (context.signal.aborted) break;
      // The user edits once, however many targets there are.
      if (!plan.edit || body === undefined) body = await replayBody(context, plan, config, entry);
      const read = plan.assignments.length === 0 ? undefined : readPayload(entry.delivery);
      if (read?.ok) warnOfAdded(read.payload.data);
      const { secrets } = config;
      const outgoing = replayedDelivery(plan, entry, { products, secrets, now: context.now(), target, body });
      if (plan.dryRun) {
        for (const note of outgoing.notes) context.report({ type: "notice", message: `#${entry.n} ${note}` });
        show(outgoing);
      } else await sendOne(entry, target, outgoing);
      ended++;
    }
  } finally {
    await poster.close();
  }
  if (plan.dryRun) return ExitCode.ok;
  if (!isAlone) context.report(tally.summary());
  if (context.signal.aborted) {
    context.report({ type: "warning", message: `${stoppedBy(context.signal)} after ${ended} of ${count}` });
  }
  return answersExitCode(tally.failed === 0 && tally.ok > 0, expectStatus);
}
