import { setTimeout as delay } from "node:timers/promises";
import { maskText, maskUrl } from "../delivery/mask.ts";
import { isQueue, originOf } from "../delivery/target.ts";
import { isListening } from "../forward/app-health.ts";
import { createForwarder, recordAndForward } from "../forward/forwarder.ts";
import type { ForwardReport, TargetLine } from "../forward/lines.ts";
import { createMirror } from "../forward/mirror.ts";
import { isDelivered } from "../forward/post-failure.ts";
import { openTargets } from "../forward/queue-poster.ts";
import { entryEvent, hiddenSecrets } from "../history/entry.ts";
import { commandOnLog } from "../history/open-log.ts";
import type { Log, WaitingCount } from "../log/log.ts";
import { rowOf } from "../log/row-of.ts";
import { allSecretFieldNames } from "../model/secret-names.ts";
import { answerRuleOf, type Deadline, deadlineOf } from "../model/sender.ts";
import type { Config } from "../project/load.ts";
import { eventReport } from "../receiver/event-report.ts";
import type { Recorder } from "../receiver/recorder.ts";
import { errorText } from "../util/errors.ts";
import { shellQuoted } from "../util/text.ts";
import { counted } from "../util/units.ts";
import type { ForwardCounts, ListenContext } from "./lines.ts";
import { createFailureAlarm, type GivenUp } from "./on-failed.ts";
import type { Part } from "./part.ts";
import type { Plan } from "./plan.ts";

/** Sends deliveries to the developer's app, through the queue in the log. */
export interface ForwardingPart extends Part {
  readonly recorder: Recorder;
  /** Sends what waits from an earlier run. */
  resume(): Promise<void>;
  /** `waiting` is known once it has stopped. */
  counts(): ForwardCounts;
  /** Once stopped: the app refused a delivery of this run, or some still wait for it. */
  hasFailed(): boolean;
  /** Answers the senders that wait for the app's answer (`--respond mirror`) with a 502. */
  abortMirrored(): void;
  /** Whether all apps accept a connection now; undefined where that is not known soon, or there are only queues. */
  appAnswers(): Promise<boolean | undefined>;
}

const STOP_TIMEOUT_MS = 3000;

/** Longest time that the ready block waits for an answer of the app. */
const ANSWER_TIMEOUT_MS = 300;

export async function startForwarding(context: ListenContext, plan: Plan, log: Log): Promise<ForwardingPart> {
  const { routes } = plan;
  const { concurrency, retries, retryBase, respond } = plan.config.settings;
  const onTrouble = (message: string): void => context.report({ type: "warning", message });
  // Fails here, before the first event, if a proxy cannot be used.
  const poster = await openPosterOf(plan, log);
  const outcomes = new ForwardOutcomes(context, plan);
  const reconstructed = new ReconstructedLines(context, plan, log);
  const shared = {
    log,
    now: context.now,
    showTarget: routes.texts.length > 1,
    deadlineOf: deadlines(context, plan),
    onTrouble,
  };
  const forwarder = createForwarder({
    ...shared,
    poster,
    retry: { retries, baseMs: retryBase },
    concurrency,
    onReconstructed: (n) => reconstructed.show(n),
    onReport: (report) => outcomes.attempted(report),
    onUnreadable: (failure) => outcomes.failed(failure),
    onTarget: (report) => outcomes.targetChanged(report),
  });
  // With connections of its own: a sender that waits must not wait for the backlog as well.
  const mirrorPoster = respond === "mirror" ? await openPosterOf(plan, log) : undefined;
  const mirror =
    mirrorPoster && createMirror({ ...shared, poster: mirrorPoster, onReport: (report) => outcomes.mirrored(report) });
  let endWork = (): void => {};
  const waiting = async () => (await log.queue.waiting()).filter(({ target }) => routes.has(target));

  return {
    name: "forwarding",
    recorder: recordAndForward(log, { routes, forwarder, mirror }),
    notes: [
      `Forwarding to ${routes.texts.join(", ")}${mirror === undefined ? "" : "; the sender gets your app's answer"}.`,
    ],
    appAnswers: () => appAnswers(routes.targets.filter((target) => poster.isDirect(target) && !isQueue(target))),
    async resume() {
      endWork = log.queue.onWork(
        (target) => {
          if (routes.has(target)) forwarder.wake([target]);
        },
        (error) => onTrouble(`nothing is forwarded until the event log is back: ${errorText(error)}`),
      );
      forwarder.wake((await waiting()).map(({ target }) => target));
    },
    counts: () => outcomes.counts(),
    hasFailed: () => outcomes.hasFailed(),
    abortMirrored: () => mirror?.interrupt(),
    async stop(drainUntil) {
      const end = performance.now() + STOP_TIMEOUT_MS;
      endWork();
      await mirror?.close();
      if (drainUntil !== undefined) await forwarder.drain(STOP_TIMEOUT_MS, drainUntil);
      await forwarder.close(Math.max(0, end - performance.now()));
      await Promise.all([poster.close(), mirrorPoster?.close(), outcomes.close()]);
      const left = await waiting().then(sumOfWaiting, (error: unknown) => {
        onTrouble(`the deliveries that did not reach your app could not be counted: ${errorText(error)}`);
        return undefined;
      });
      outcomes.ended(left);
    },
  };
}

function openPosterOf({ config, routes }: Plan, log: Log): ReturnType<typeof openTargets> {
  const { concurrency, insecure, forwardTimeout, retries } = config.settings;
  return openTargets(routes.targets, {
    connections: concurrency,
    insecure,
    env: config.env,
    timeoutMs: forwardTimeout,
    addresses: routes.addresses,
    onlyOnce: retries === 0,
    receivedAtOf: async (n) => (await rowOf(log, n))?.receivedAt,
  });
}

function deadlines({ overrides }: ListenContext, { products }: Plan) {
  return (product: string | undefined, format: string | undefined): Deadline => {
    const { title, rule } = answerRuleOf(products, product, format);
    return deadlineOf(title, rule, overrides?.answerWithinMs);
  };
}

async function appAnswers(apps: readonly string[]): Promise<boolean | undefined> {
  const answers = Promise.all([...new Set(apps.map(originOf))].map(isListening));
  const soon = await Promise.race([answers, delay<boolean[]>(ANSWER_TIMEOUT_MS, [], { ref: false })]);
  return soon.length === 0 ? undefined : !soon.includes(false);
}

/** Shows the events of deliveries that `reconcile` made, each once, however many targets it has. */
class ReconstructedLines {
  readonly #context: ListenContext;
  readonly #plan: Plan;
  readonly #log: Log;
  readonly #shown = new Map<number, Promise<void>>();

  constructor(context: ListenContext, plan: Plan, log: Log) {
    this.#context = context;
    this.#plan = plan;
    this.#log = log;
  }

  show(n: number): Promise<void> {
    const shown = this.#shown.get(n) ?? this.#read(n);
    this.#shown.set(n, shown);
    return shown;
  }

  async #read(n: number): Promise<void> {
    // Where it cannot be read, its forwarding is reported all the same.
    const entry = await this.#log.get(n).catch(() => undefined);
    if (entry === undefined) return;
    const hidden = hiddenSecrets(this.#context, this.#plan.options);
    this.#context.report(eventReport(entryEvent(this.#plan.products, entry, hidden, { fresh: true })));
  }
}

/** What came of the deliveries of a run: counts them, shows them, and calls `--on-failed`. */
class ForwardOutcomes {
  readonly #context: ListenContext;
  readonly #plan: Plan;
  readonly #secretFields: ReturnType<typeof allSecretFieldNames>;
  readonly #withAdvice: (report: ForwardReport) => ForwardReport;
  readonly #alarm: ReturnType<typeof createFailureAlarm>;
  #delivered = 0;
  #failed = 0;
  /** Undefined when it could not be counted. */
  #waiting: number | undefined = 0;
  /** The app has refused a delivery of this run. */
  #hasRefused = false;

  constructor(context: ListenContext, plan: Plan) {
    this.#context = context;
    this.#plan = plan;
    this.#secretFields = allSecretFieldNames(plan.products);
    this.#withAdvice = adviseOnce(context, plan.config);
    this.#alarm = createFailureAlarm(context, plan.options.onFailed);
  }

  attempted(report: ForwardReport): void {
    if (report.state === "delivered") this.#delivered++;
    if (report.state === "failed") {
      this.failed(failureOf(report));
      this.#hasRefused ||= this.#plan.tally.isOfRun(report.n);
    }
    this.#show(report);
  }

  mirrored(report: ForwardReport): void {
    if (isDelivered(report)) this.#delivered++;
    else this.failed(failureOf(report));
    this.#show(report);
  }

  failed(failure: GivenUp): void {
    this.#failed++;
    this.#alarm.givenUp(failure);
  }

  targetChanged(report: TargetLine): void {
    if (report.state === "down") this.#alarm.wentDown(report.target, report.reason ?? "");
    else this.#alarm.cameBack(report.target);
    const { showSecrets } = this.#plan.options;
    this.#context.report(showSecrets === true ? report : { ...report, target: maskUrl(report.target) });
  }

  #show(report: ForwardReport): void {
    const { loops, options } = this.#plan;
    loops.answered(report.n, this.#context.now().getTime());
    const advised = this.#withAdvice(report);
    this.#context.report(options.showSecrets === true ? advised : this.#masked(advised));
  }

  #masked(report: ForwardReport): ForwardReport {
    const target = maskUrl(report.target, this.#secretFields);
    // An app's error page may repeat what it was sent.
    const reply = maskText(this.#context.knownSecrets.maskCut(report.person.reply), this.#secretFields);
    return { ...report, target, person: { ...report.person, reply } };
  }

  close(): Promise<void> {
    return this.#alarm.stop();
  }

  /** `waiting`: how many deliveries the run leaves in the log; undefined when they could not be counted. */
  ended(waiting: number | undefined): void {
    this.#waiting = waiting;
    if (this.#plan.config.settings.store !== false || !waiting) return;
    const message = `${counted(waiting, "delivery", "deliveries")} did not reach your app and will not be sent again`;
    this.#context.report({ type: "warning", message, hint: "leave --no-store out to have the next listen send them" });
  }

  counts(): ForwardCounts {
    const [delivered, failed, waiting] = [this.#delivered, this.#failed, this.#waiting];
    if (this.#plan.config.settings.store !== false || waiting === undefined)
      return { delivered, failed, waiting: waiting ?? null };
    // Without a log no later run sends what is left.
    return { delivered, failed: failed + waiting, waiting: 0 };
  }

  hasFailed(): boolean {
    return this.#hasRefused || this.#waiting !== 0;
  }
}

function failureOf({ n, target, error, status }: ForwardReport): GivenUp {
  return { n, target, reason: error ?? `answered ${status}` };
}

/** A target that ends in a pattern of the setting `paths` cannot be one of `--forward-to`. */
function remedyFor(target: string): string {
  return target.endsWith("/*")
    ? `put ${new URL(target).pathname} back into the setting paths`
    : "add it with --forward-to";
}

function sumOfWaiting(counts: readonly WaitingCount[]): number {
  return counts.reduce((sum, { waiting }) => sum + waiting, 0);
}

/**
 * Adds what can be done about a failure. A person gets each hint once, and what is equal in a row of failures with its first
 * one: below a hundred lines it is noise.
 */
function adviseOnce(context: ListenContext, config: Config): (report: ForwardReport) => ForwardReport {
  const given = new Set<string>();
  const isNew = (text: string): boolean => !given.has(text) && given.add(text).size > 0;
  const sameAs = findEqualFailures();
  const { store } = config.settings;
  const list = commandOnLog(context, config, "events list --only failed");
  return (report) => {
    const first = sameAs(report);
    if (isDelivered(report) && report.hint === null) return report;
    const hint = report.hint === null || context.json || isNew(report.hint) ? report.hint : null;
    const reply = first?.person.reply === report.person.reply ? "" : report.person.reply;
    const shown = { ...report, hint, person: { ...report.person, reply, sameAs: first?.n } };
    // Without a log there is nothing to replay.
    if (report.state !== "failed" || store === false || first !== undefined) return shown;
    const replayCommand = commandOnLog(context, config, `replay ${report.n}`);
    return { ...shown, person: { ...shown.person, replayCommand, failedList: isNew(list) ? list : undefined } };
  };
}

/** Finds the first of a row of failures of a target with the same outcome, status and error; undefined for that one itself. */
function findEqualFailures(): (report: ForwardReport) => ForwardReport | undefined {
  const rows = new Map<string, readonly ForwardReport[]>();
  return (report) => {
    const { target, state, status, error } = report;
    if (isDelivered(report)) {
      rows.delete(target);
      return undefined;
    }
    const others = (rows.get(target) ?? []).filter((each) => each.state !== state);
    const first = rows.get(target)?.find((each) => each.state === state);
    if (first !== undefined && first.status === status && first.error === error) return first;
    rows.set(target, [...others, report]);
    return undefined;
  };
}

/** Deliveries that earlier runs left in the log: those for this run's targets, and those for targets that it does not have. */
export async function waitingNotes(
  context: ListenContext,
  { config, routes }: Pick<Plan, "config" | "routes">,
  log: Log,
): Promise<readonly string[]> {
  const giveUp = (target: string): string => {
    const origin = originOf(target);
    // All paths of an app, but none that this run forwards to.
    const name = isQueue(target) || routes.targets.some((own) => originOf(own) === origin) ? target : origin;
    return commandOnLog(context, config, `events prune --give-up ${shellQuoted(maskUrl(name))}`);
  };
  const counts = await log.queue.waiting();
  const own = sumOfWaiting(counts.filter(({ target }) => routes.has(target)));
  return [
    ...(own === 0
      ? []
      : [`${counted(own, "delivery from an earlier run is", "deliveries from earlier runs are")} being sent now.`]),
    ...counts
      .filter(({ target, waiting }) => waiting > 0 && !routes.has(target))
      .map(
        ({ target, waiting }) =>
          `${counted(waiting, "delivery waits", "deliveries wait")} for ${maskUrl(target)}, which this run does not forward to: ${remedyFor(target)} to send ${waiting === 1 ? "it" : "them"}, or give up with ${giveUp(target)}`,
      ),
  ];
}
