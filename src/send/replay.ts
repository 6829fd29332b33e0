import { findProduct } from "../contract/event-names.ts";
import type { Product } from "../contract/product.ts";
import { projectProducts } from "../custom/project-products.ts";
import { isSuccess } from "../delivery/delivery.ts";
import { chosenNames, maskDelivery, maskText, maskUrl } from "../delivery/mask.ts";
import { noSecrets } from "../delivery/secret.ts";
import { checkTarget } from "../delivery/target-url.ts";
import { DamageReport, entryName } from "../events/entry.ts";
import { requireEntry, requireWholeBody, withLog } from "../events/open-log.ts";
import type { Poster, PostResult } from "../forward/post.ts";
import { answerHint, isDelivered } from "../forward/post-failure.ts";
import { openTargets } from "../forward/queue-poster.ts";
import { isHopByHop } from "../forward/request.ts";
import { createRoutes, type Routes } from "../forward/routes.ts";
import type { Log, LogEntry } from "../log/log.ts";
import { waitForDrain } from "../process/output.ts";
import type { Context } from "../project/context.ts";
import { givenSecrets } from "../project/given-secrets.ts";
import type { Config } from "../project/load.ts";
import { receive } from "../recognition/receive.ts";
import { ExitCode, usageError } from "../util/errors.ts";
import { stoppedBy } from "../util/timing.ts";
import { counted } from "../util/units.ts";
import { MAX_OWN_CONNECTIONS } from "./deliver.ts";
import { answersExitCode, unexpectedStatus } from "./expect-status.ts";
import { Tally } from "./outcome.ts";
import { type ReplayOptions, type ReplayPlan, readReplayPlan } from "./replay-plan.ts";
import { type ReplayRequest, replayBody, replayRequest } from "./replay-request.ts";
import type { RequestReport, SentReport } from "./reports.ts";

export async function replay(context: Context, n: string | undefined, options: ReplayOptions): Promise<ExitCode> {
  const products = await projectProducts(context);
  const plan = readReplayPlan(n, options, context.now(), products);
  const secrets = await givenSecrets(context, options);
  const work = async (...[log, config]: Parameters<Parameters<typeof withLog>[2]>) => {
    const damage = new DamageReport(context);
    const replays = await chooseReplays(context, plan, log, config, products, damage.onDamaged);
    damage.report();
    return (await replayAll(context, plan, { log, config, products, replays })) || damage.exitCode;
  };
  return withLog(context, options, work, secrets);
}

interface Work {
  readonly log: Log;
  readonly config: Config;
  readonly products: readonly Product[];
  readonly replays: Replays;
}

/** Sends them one by one, in the order in which they came, and reports each result. */
async function replayAll(
  context: Context,
  plan: ReplayPlan,
  { log, config, products, replays: { count, targets, read } }: Work,
): Promise<ExitCode> {
  if (count === 0) {
    context.report({ type: "notice", message: "no delivery in the log matches: nothing was sent" });
    return ExitCode.ok;
  }
  const tally = new Tally();
  const { forwardTo, routes } = config.settings;
  const known = createRoutes(plan.to === undefined ? forwardTo : [plan.to, ...forwardTo], routes);
  const poster = await openTargets(targets, {
    addresses: known.all(products.map(({ id }) => id)),
    timeoutMs: plan.timeoutMs,
    connections: 1,
    insecure: plan.insecure ?? config.settings.insecure,
    env: config.env,
    ownConnections: count <= MAX_OWN_CONNECTIONS,
    receivedAtOf: async () => undefined,
  });
  let body: Buffer | undefined;
  let ended = 0;
  try {
    for await (const { entry, target } of read()) {
      await waitForDrain(context);
      if (context.signal.aborted) break;
      // The user edits once, however many targets there are.
      if (!plan.edit || body === undefined) body = await replayBody(context, plan, config, entry);
      const request = replayRequest(context, plan, { secrets: config.secrets, products }, entry, target, body);
      if (plan.dryRun) showRequest(context, plan, entry, request);
      else await sendOne(context, plan, { log, poster, tally, entry, target, request, alone: count === 1 });
      ended++;
    }
  } finally {
    await poster.close();
  }
  if (plan.dryRun) return ExitCode.ok;
  if (count > 1) context.report(tally.summary());
  if (context.signal.aborted) {
    context.report({ type: "warning", message: `${stoppedBy(context.signal)} after ${ended} of ${count}` });
  }
  return answersExitCode(tally.failed === 0 && tally.ok > 0, plan.expectStatus);
}

function showRequest(context: Context, plan: ReplayPlan, entry: LogEntry, request: ReplayRequest): void {
  for (const note of request.notes) context.report({ type: "notice", message: `#${entry.n} ${note}` });
  context.report(requestReport(plan, entry, request));
}

function requestReport(plan: ReplayPlan, entry: LogEntry, request: ReplayRequest): RequestReport {
  const shown = plan.showSecrets ? request.delivery : maskDelivery(request.delivery, chosenNames(entry.verdicts));
  const headers = shown.headers.filter(([name]) => !isHopByHop(name));
  const { n, product, event, format } = entry;
  return { type: "request", n, product, event, format, ...shown, headers, curl: undefined };
}

interface Sending {
  readonly log: Log;
  readonly poster: Poster;
  readonly tally: Tally;
  readonly entry: LogEntry;
  readonly target: string;
  readonly request: ReplayRequest;
  readonly alone: boolean;
}

async function sendOne(context: Context, plan: ReplayPlan, sending: Sending): Promise<void> {
  const { log, poster, tally, entry, target, request, alone } = sending;
  if (context.verbose && !context.json) {
    // The line below has the number.
    const { n: _, ...shown } = requestReport(plan, entry, request);
    context.report(shown);
  }
  const at = context.now();
  const { product, receivedAt } = entry;
  // A queue gets a new job: it may still have the one that failed.
  const event = { n: undefined, product, receivedAt };
  const post = () => poster.post(request.delivery, { signal: context.signal, event });
  const result = alone ? await context.waiting(`waiting for ${new URL(target).host} to answer`, post) : await post();
  const delivered = isDelivered(result);
  const isExpected = plan.expectStatus?.has(result.status);
  const ok = isExpected ?? delivered;
  const kind = (isExpected === true ? undefined : result.error?.code) ?? String(result.status);
  const { status, latencyMs, error, replyPreview: reply } = result;
  if (kind !== "interrupted") {
    // A changed body that is accepted does not settle the original.
    const mends = delivered && !request.changed;
    await log.recordAttempt(entry.n, { target, at, status, latencyMs, error: error?.message, reply, mends });
  }
  const known = tally.examples.has(kind);
  const sent = sentReport(context, plan, entry, request, result, ok);
  tally.add({ ok, kind, sent, accepted: false, late: undefined });
  context.report({ ...sent, hint: known && !context.json ? undefined : sent.hint, brief: !alone && ok });
}

function sentReport(
  { knownSecrets }: Context,
  plan: ReplayPlan,
  { n, product, event, format, verdicts }: LogEntry,
  { delivery, notes }: ReplayRequest,
  result: PostResult,
  ok: boolean,
): SentReport {
  return {
    type: "sent",
    n,
    product,
    event,
    format,
    url: plan.showSecrets ? delivery.url : maskUrl(delivery.url, chosenNames(verdicts)),
    status: result.status,
    latencyMs: result.latencyMs,
    isExpected: plan.expectStatus?.has(result.status),
    error: ok ? undefined : (result.error?.message ?? unexpectedStatus(result, plan.expectStatus)),
    hint: ok ? undefined : (result.error?.hint ?? answerHint(result)),
    replyPreview: plan.showSecrets
      ? result.replyPreview
      : maskText(knownSecrets.maskCut(result.replyPreview), chosenNames(verdicts)),
    notes,
    bytes: delivery.body.length,
  };
}

/** What is to be sent. Read from the log a second time: a million deliveries do not fit into memory. */
interface Replays {
  readonly count: number;
  readonly targets: readonly string[];
  /** Oldest first. */
  read(): AsyncIterable<Replay>;
}

interface Replay {
  readonly entry: LogEntry;
  readonly target: string;
}

/** The deliveries to send. Throws a UserError where a delivery has no target, before anything is sent. */
async function chooseReplays(
  context: Context,
  plan: ReplayPlan,
  log: Log,
  config: Config,
  products: readonly Product[],
  onDamaged: (n: number, reason: string) => void,
): Promise<Replays> {
  const { settings } = config;
  if (plan.to !== undefined) checkTarget(plan.to, "--to");
  const given = plan.to === undefined ? undefined : createRoutes([plan.to], []);
  const configured = createRoutes(settings.forwardTo, settings.routes);
  const { filter } = plan;
  const one = plan.n === undefined ? undefined : requireWholeBody(await requireEntry(log, plan.n));
  const targets = new Set<string>();
  let count = 0;
  let last = 0;
  let skipped = 0;
  const pairs = (entry: LogEntry): readonly Replay[] =>
    targetsOf(entry, given, configured, filter?.failed).map((target) => ({ entry, target }));
  const add = (entry: LogEntry): void => {
    for (const { target } of pairs(entry)) {
      targets.add(target);
      count++;
    }
    last = entry.n;
  };
  if (one !== undefined) add(one);
  else {
    for await (const entry of log.entries(filter, { order: "oldest", onDamaged })) {
      if (context.signal.aborted) throw usageError(`${stoppedBy(context.signal)}: nothing was sent`);
      if (isForApp(products, entry)) add(entry);
      else skipped++;
    }
  }
  if (skipped > 0) {
    const which = counted(skipped, "delivery was", "deliveries were");
    context.report({
      type: "notice",
      message: `${which} skipped: refused, or not an event. To send one anyway, give its number: ${context.invocation} replay 42`,
    });
  }
  return {
    count,
    targets: [...targets],
    async *read() {
      if (one !== undefined) return yield* pairs(one);
      const upToLast = { ...filter, before: last + 1 };
      for await (const entry of log.entries(upToLast, { order: "oldest", onDamaged() {} })) {
        // A delivery that matches only since the first pass may have a target that is not open.
        if (isForApp(products, entry)) yield* pairs(entry).filter(({ target }) => targets.has(target));
      }
    },
  };
}

/**
 * From --to, else where it went before, else from the settings. With --failed, only targets that have not accepted it.
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
  // A mirrored delivery was never queued, so only its attempts name the target.
  const last = attempts.at(-1);
  if (last !== undefined) return [last.target];
  throw usageError(
    `#${n} (${entryName(entry)}) was not forwarded, so its target is not known`,
    "name your app with --to, such as --to 3000, or set forwardTo in the settings",
  );
}

/** The target of a mirrored delivery that failed and was not accepted since. */
function mirroredTo({ status = 0, forwards, attempts }: LogEntry): readonly string[] {
  const outside = attempts.filter(({ target }) => !forwards.some((each) => each.target === target));
  const isTaken = outside.some((attempt) => isSuccess(attempt.status));
  return status < 300 || isTaken ? [] : outside.slice(0, 1).map(({ target }) => target);
}

/** Whether `listen` would forward it: not refused, not a challenge. */
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
