import { isSuccess } from "../delivery/delivery.ts";
import { readPayload } from "../delivery/payload.ts";
import type { Secrets } from "../delivery/secrets.ts";
import { checkTarget } from "../delivery/target.ts";
import { answerHint, isDelivered } from "../forward/post-failure.ts";
import { openTargets } from "../forward/queue-poster.ts";
import { createRoutes } from "../forward/routes.ts";
import { DamageReport, entryName, recogniseEntry } from "../history/entry.ts";
import { noMatch } from "../history/filter.ts";
import { requireEntry, requireWholeBody } from "../history/open-log.ts";
import type { Log, LogEntry, LogFilter } from "../log/log.ts";
import type { Product } from "../model/product.ts";
import { ExitCode, usageError } from "../util/errors.ts";
import { stoppedBy } from "../util/timing.ts";
import { counted } from "../util/units.ts";
import type { ReportingWorkspace, Run } from "../workspace/workspace.ts";
import { addedWarner } from "./added-members.ts";
import { MAX_OWN_CONNECTIONS } from "./deliver.ts";
import { answersExitCode, unexpectedStatus } from "./flags.ts";
import type { SendReport } from "./lines.ts";
import { type OutgoingDelivery, postOne, requestReport, sentReport } from "./outgoing.ts";
import { type ReplayOptions, type ReplayPlan, readReplayPlan, refuseContradictions } from "./replay-plan.ts";
import { type ReplayedDelivery, replayBody, replayedDelivery } from "./replayed-delivery.ts";
import { type SendOutcome, Tally } from "./tally.ts";

/** Of the deliveries that are left out. */
const MAX_NAMED = 10;

/** One run on an open log. */
interface Replay {
  readonly workspace: ReportingWorkspace;
  readonly plan: ReplayPlan;
  readonly log: Log;
  readonly secrets: Secrets;
  readonly products: readonly Product[];
}

/** Sends what the numbers name, or else what the flags select. A number is `42`, `last` or a range such as `7..12`. */
export async function* replay(
  workspace: ReportingWorkspace,
  numbers: readonly string[],
  options: ReplayOptions,
): Run<SendReport> {
  refuseContradictions(numbers, options);
  const secrets = workspace.secrets();
  const products = await workspace.products();
  const plan = readReplayPlan(numbers, options, workspace.now(), products);
  const { log, close } = await workspace.openLog();
  try {
    const run = { workspace, plan, log, secrets, products };
    const damage = new DamageReport(workspace);
    const replays = await chooseReplays(run, damage.onDamaged);
    damage.report();
    return (yield* replayAll(run, replays)) || damage.exitCode;
  } finally {
    await close();
  }
}

/**
 * The deliveries to send. They are read from the log a second time: a million do not fit into memory. Throws a UserError where
 * one has no target, before anything is sent.
 */
async function chooseReplays(run: Replay, onDamaged: DamageReport["onDamaged"]) {
  const { workspace, plan, log, products } = run;
  if (plan.to !== undefined) checkTarget(plan.to, "--to");
  const targetsOf = targetFinder(run);
  const { named, filters } = await selectionOf(run);
  const isSent = (entry: LogEntry): boolean => named.has(entry.n) || isForApp(products, entry);
  const targets = new Set<string>();
  let [count, last] = [0, 0];
  const leftOut = new LeftOut();
  for await (const entry of entriesOf(log, filters, onDamaged)) {
    if (workspace.signal.aborted) throw usageError(`${stoppedBy(workspace.signal)}: nothing was sent`);
    if (!isSent(entry)) {
      leftOut.add(entry);
      continue;
    }
    for (const target of targetsOf(entry)) {
      if (!targets.has(target) && !plan.dryRun) workspace.requireReachable(target);
      targets.add(target);
      count++;
    }
    last = entry.n;
  }
  leftOut.report(workspace, count === 0);
  return {
    count,
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
async function selectionOf({ plan, log }: Replay) {
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
function targetFinder({ plan, workspace }: Replay): (entry: LogEntry) => readonly string[] {
  const { settings } = workspace.config;
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

/** The target of a mirrored delivery that failed and whose last replay was not accepted. */
function mirroredTo({ status = 0, forwards, attempts }: LogEntry): readonly string[] {
  const outside = attempts.filter(
    ({ target, replay }) => replay !== "edited" && !forwards.some((each) => each.target === target),
  );
  const isTaken = isSuccess(outside.at(-1)?.status);
  return status < 300 || isTaken ? [] : outside.slice(0, 1).map(({ target }) => target);
}

/** The deliveries that filters and ranges match, and that are not sent all the same. */
class LeftOut {
  #count = 0;
  /** The first ones, each with its reason. */
  readonly #named: string[] = [];
  #first = 0;

  add({ n, accepted }: LogEntry): void {
    if (this.#count++ === 0) this.#first = n;
    if (this.#named.length < MAX_NAMED) this.#named.push(`#${n} (${accepted ? "not an event" : "refused"})`);
  }

  /** Throws a usage error where none is left to send. */
  report({ report, invocation }: Pick<ReportingWorkspace, "report" | "invocation">, isAll: boolean): void {
    if (this.#count === 0) return;
    const more = this.#count > MAX_NAMED ? `, and ${this.#count - MAX_NAMED} more` : "";
    const message = `${counted(this.#count, "delivery was", "deliveries were")} left out: ${this.#named.join(", ")}${more}`;
    const remedy = `to send one anyway, give its number: ${invocation} replay ${this.#first}`;
    if (isAll) throw usageError(`nothing was sent: ${message}`, remedy);
    report({ type: "notice", message: `${message}; ${remedy}` });
  }
}

/** Whether `listen` would forward it: not refused, not a challenge. */
function isForApp(products: readonly Product[], entry: LogEntry): boolean {
  return entry.accepted && (entry.event !== undefined || recogniseEntry(products, entry).handshake === undefined);
}

/** Sends them one by one, in the order in which they came, and reports each result. */
async function* replayAll(
  replay: Replay,
  { count, targets, read }: Awaited<ReturnType<typeof chooseReplays>>,
): Run<SendReport> {
  const { workspace, plan } = replay;
  if (count === 0) {
    workspace.report({ type: "notice", message: `${noMatch(plan.filter)}: nothing was sent` });
    return ExitCode.ok;
  }
  const poster = await openPoster(replay, targets, count);
  const tally = new Tally();
  const isAlone = count === 1;
  const requests = new ReplayRequests(replay);
  const shown = (outgoing: OutgoingDelivery) => requestReport(outgoing, { maskSecrets: !workspace.showSecrets });
  let ended = 0;
  try {
    for await (const { entry, target } of read()) {
      if (workspace.signal.aborted) break;
      const outgoing = await requests.make(entry, target);
      if (plan.dryRun) {
        for (const note of outgoing.notes) workspace.report({ type: "notice", message: `#${entry.n} ${note}` });
        yield shown(outgoing);
      } else {
        // The line below has the number.
        if (workspace.verbose && !workspace.json) yield shown({ ...outgoing, n: undefined });
        const outcome = await replayOne(replay, { entry, target, outgoing, poster, isAlone });
        const report = tally.add(outcome, workspace);
        yield { ...report, person: { ...report.person, brief: !isAlone && outcome.ok } };
      }
      ended++;
    }
  } finally {
    await poster.close();
  }
  if (plan.dryRun) return ExitCode.ok;
  if (!isAlone) yield tally.summary();
  if (workspace.signal.aborted) {
    workspace.report({ type: "warning", message: `${stoppedBy(workspace.signal)} after ${ended} of ${count}` });
  }
  return answersExitCode(tally.failed === 0 && tally.ok > 0, plan.expectStatus);
}

/** Makes the request of each delivery and target. */
class ReplayRequests {
  readonly #replay: Replay;
  readonly #warnOfAdded: (data: unknown) => void;
  /** The body that the user edited: once, however many targets there are. */
  #edited: Buffer | undefined;

  constructor(replay: Replay) {
    this.#replay = replay;
    this.#warnOfAdded = addedWarner(replay.workspace, replay.plan);
  }

  async make(entry: LogEntry, target: string): Promise<ReplayedDelivery> {
    const { workspace, plan, secrets, products } = this.#replay;
    const body = this.#edited ?? (await replayBody(plan, entry));
    if (plan.edit !== undefined) this.#edited = body;
    const read = plan.assignments.length === 0 ? undefined : readPayload(entry.delivery);
    if (read?.ok) this.#warnOfAdded(read.payload.data);
    return replayedDelivery(plan, entry, { products, secrets, now: workspace.now(), target, body });
  }
}

type Poster = Awaited<ReturnType<typeof openPoster>>;

function openPoster({ workspace, plan, products }: Replay, targets: Parameters<typeof openTargets>[0], count: number) {
  const { settings, env } = workspace.config;
  const { forwardTo, insecure, forwardTimeout } = settings;
  const known = createRoutes({
    ...settings,
    forwardTo: plan.to === undefined ? forwardTo : [plan.to, ...forwardTo],
  });
  return openTargets(targets, {
    addresses: known.all(products.map(({ id }) => id)),
    timeoutMs: forwardTimeout,
    connections: 1,
    insecure,
    env,
    ownConnections: count <= MAX_OWN_CONNECTIONS,
    receivedAtOf: async () => undefined,
  });
}

interface Sending {
  readonly entry: LogEntry;
  readonly target: string;
  readonly outgoing: ReplayedDelivery;
  readonly poster: Poster;
  readonly isAlone: boolean;
}

/** Sends a delivery to one target, and records the attempt unless it was interrupted. */
async function replayOne({ workspace, plan, log }: Replay, sending: Sending): Promise<SendOutcome> {
  const { entry, target, outgoing, poster, isAlone } = sending;
  const { n, product, receivedAt } = entry;
  const { expectStatus } = plan;
  const at = workspace.now();
  // A queue gets a new job: it may still have the one that failed.
  const event = { n: undefined, product, receivedAt };
  const post = () => poster.post(outgoing.delivery, { signal: workspace.signal, event });
  const result = await postOne(workspace, outgoing, { isAlone, post });
  const delivered = isDelivered(result);
  const isExpected = expectStatus?.has(result.status);
  const ok = isExpected ?? delivered;
  const kind = (isExpected === true ? undefined : result.error?.code) ?? String(result.status);
  const { status, latencyMs, replyPreview: reply } = result;
  if (kind !== "interrupted") {
    // What becomes of a changed body says nothing about the original.
    const settles = outgoing.changed ? undefined : delivered ? "delivered" : "failed";
    const replayed = outgoing.changed ? "edited" : "same";
    const attempt = { target, at, status, latencyMs, error: result.error?.message, reply, replay: replayed } as const;
    await log.recordAttempt(n, { ...attempt, settles });
  }
  const error = ok ? undefined : (result.error?.message ?? unexpectedStatus(result, expectStatus));
  const hint = ok ? undefined : (result.error?.hint ?? answerHint(result, plan.to === undefined ? { toFlag: "" } : {}));
  const { showSecrets } = workspace;
  return { ok, kind, sent: sentReport(workspace, outgoing, result, { isExpected, error, hint, showSecrets }) };
}
