import { setMaxListeners } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import type { Config } from "../../config/load.ts";
import type { Context } from "../../context.ts";
import { chosenNames, maskDelivery } from "../../core/mask.ts";
import { openPoster, type Poster } from "../../forward/post.ts";
import { webhookUrl } from "../../receiver/routes.ts";
import { ExitCode } from "../../util/errors.ts";
import { stoppedBy } from "../../util/timing.ts";
import { counted } from "../../util/units.ts";
import { runningListener } from "../helpers/notices.ts";
import { type Outcome, outcomeOf, Tally } from "./outcome.ts";
import type { SendPlan } from "./plan.ts";
import { countShipments, type Shipment, shipments } from "./shipments.ts";
import { requestReport } from "./show-requests.ts";
import type { Subject } from "./subjects.ts";

/** More lines than this nobody reads: a summary takes their place. */
const MOST_LINES = 25;
/**
 * So many are each posted on a connection of their own, so that what is meant to come once, or twice, comes just so often. Of
 * very many this would use up the ports of the system.
 */
export const MAX_LISTED = 1000;
/** How long what is under way may still take after Ctrl-C. */
const GRACE_MS = 2000;

/** Each fault, and what is noted where it was done. */
const FAULTS: readonly {
  readonly flag: string;
  asked(faults: SendPlan["faults"]): boolean | undefined;
  readonly notes: readonly string[];
  readonly what: string;
}[] = [
  {
    flag: "--bad-signature",
    asked: ({ badSignature }) => badSignature,
    notes: ["with a wrong signature, as asked"],
    what: "signature",
  },
  {
    flag: "--no-signature",
    asked: ({ noSignature }) => noSignature,
    notes: ["not signed, as asked"],
    what: "signature",
  },
  {
    flag: "--bad-token",
    asked: ({ badToken }) => badToken,
    notes: ["with a wrong token, as asked", "with a wrong auth value, as asked"],
    what: "token",
  },
];

/** Posts everything and says what came of it. */
export async function deliver(
  context: Context,
  plan: SendPlan,
  config: Config,
  subjects: readonly Subject[],
): Promise<ExitCode> {
  const total = countShipments(plan, subjects);
  // Scripts get a line for each delivery however many there are.
  const lines = context.json || (plan.count === 1 && plan.repeat < MOST_LINES);
  const nameWidth = Math.max(...subjects.map(({ event = "" }) => event.length));
  // Of several one yes is enough: no more are asked then.
  const areProbes = subjects.some(({ probe }) => probe !== undefined);
  const tally = new Tally();
  let startReceiver: Promise<string> | undefined;
  const progress = lines ? undefined : context.progress(total);
  const items = shipments(context, plan, config, subjects);
  const poster = await openPoster({
    timeoutMs: plan.timeoutMs,
    connections: plan.concurrency,
    insecure: plan.insecure,
    env: config.env,
    ownConnections: plan.count === 1 && total <= MAX_LISTED,
  });
  const grace = graceAfter(context.signal, total === 1 ? 0 : GRACE_MS);
  try {
    await runLoad(
      items,
      { ...plan, ...(areProbes ? { concurrency: 1 } : {}), signal: context.signal },
      async (shipment) => {
        if (areProbes && tally.ok > 0) return;
        if (lines && context.verbose && !context.json) context.report(requestReport(masked(shipment), plan));
        const result = await postOne(context, plan, poster, shipment, total === 1, grace.signal);
        const isGone = result.error?.code === "ECONNREFUSED" && plan.to === undefined;
        if (isGone) startReceiver ??= receiverHint(context, config);
        const outcome = outcomeOf(context, shipment, result, await startReceiver, plan.to === undefined);
        const hintKnown = tally.examples.has(outcome.kind);
        tally.add(outcome);
        if (lines) reportLine(context, outcome, total, hintKnown, nameWidth);
        progress?.advance(tally.count, tally.failed);
      },
    );
  } finally {
    grace.end();
    progress?.end();
    await poster.close();
  }
  if (!lines) for (const example of tally.examples.values()) context.report({ ...example, brief: true, nameWidth });
  reportResults(context, plan, tally, areProbes ? 1 : total);
  return tally.ok > 0 && (areProbes || tally.failed === 0) ? ExitCode.ok : ExitCode.targetFailed;
}

async function postOne(
  context: Context,
  { slowMs }: SendPlan,
  poster: Poster,
  { delivery }: Shipment,
  alone: boolean,
  signal: AbortSignal,
) {
  const post = () => poster.post(delivery, { slowMs, signal });
  return alone ? context.waiting(`waiting for ${new URL(delivery.url).host} to answer`, post) : post();
}

function reportLine(
  context: Context,
  { sent, ok }: Outcome,
  total: number,
  hintKnown: boolean,
  nameWidth: number,
): void {
  // Told once: the same hint below a hundred lines is noise. Scripts read each line by itself.
  const hint = hintKnown && !context.json ? undefined : sent.hint;
  context.report({ ...sent, hint, brief: total > 1 && ok, nameWidth });
}

function reportResults(context: Context, plan: SendPlan, tally: Tally, total: number): void {
  if (total > 1) {
    for (const note of tally.notes) context.report({ type: "notice", message: note });
    context.report(tally.summary());
  }
  if (context.signal.aborted && total > 1) {
    const cut = tally.cutOff === 0 ? "" : `, ${tally.cutOff} more were under way without an answer yet`;
    context.report({
      type: "warning",
      message: `${stoppedBy(context.signal)}: ${tally.count} of ${total} were sent${cut}`,
    });
  }
  for (const flaw of tally.accepted) {
    context.report({
      type: "warning",
      message: `accepted although ${flaw}`,
      hint: "an app that checks this answers 401, or 400 if the body is broken",
    });
  }
  for (const { flag, asked, notes, what } of FAULTS) {
    if (!asked(plan.faults) || notes.some((note) => tally.notes.has(note))) continue;
    context.report({ type: "warning", message: `${flag} changed nothing: these deliveries have no ${what}` });
  }
  for (const [reason, count] of tally.late) {
    const what = counted(count, "answer");
    context.report({
      type: "warning",
      message: `${what} came too late: ${reason}`,
      hint: "let your app answer first, and do the work after that",
    });
  }
}

/** What `--verbose` shows is read by whoever looks on; `--dry-run` and `--curl` print what is to be used. */
function masked(shipment: Shipment): Shipment {
  const { delivery, subject } = shipment;
  return { ...shipment, delivery: maskDelivery(delivery, chosenNames(subject.format.proofs)) };
}

/** What to do where nothing is at the default address: the receiver may run at another one. */
async function receiverHint(context: Context, config: Config): Promise<string> {
  // What is wrong with a log is no news of a delivery.
  const url = await runningListener(context, config).catch(() => undefined);
  return url === undefined
    ? `start ${context.invocation} listen, or send to your own app: --to 3000`
    : `the listen of this project is at ${url}: add --to ${webhookUrl(url, ":product")}`;
}

/** A signal that aborts some time after another one, so that what is under way may end. */
function graceAfter(signal: AbortSignal, ms: number): { readonly signal: AbortSignal; end(): void } {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const start = (): void => {
    timer = setTimeout(() => controller.abort(), ms);
  };
  signal.addEventListener("abort", start, { once: true });
  return {
    signal: controller.signal,
    end() {
      signal.removeEventListener("abort", start);
      clearTimeout(timer);
    },
  };
}

interface LoadOptions {
  /** How many works are under way at the same time, at most. */
  readonly concurrency: number;
  /** How many are begun a second, at most and evenly; undefined for no limit. */
  readonly ratePerSecond: number | undefined;
  /** On abort nothing more is begun. */
  readonly signal: AbortSignal;
}

/**
 * Does a work for each item, in order of beginning, and resolves when all that was begun has ended. Items are taken
 * from the iterator one at a time as there is room, so a million of them take no more memory than a few.
 */
export async function runLoad<Item>(
  items: Iterator<Item>,
  { concurrency, ratePerSecond, signal }: LoadOptions,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  // Each worker that waits for its turn listens to it, which is no leak.
  setMaxListeners(0, signal);
  const intervalMs = ratePerSecond === undefined ? 0 : 1000 / ratePerSecond;
  let nextAt = performance.now();
  const worker = async (): Promise<void> => {
    while (!signal.aborted) {
      const next = items.next();
      if (next.done) return;
      // A slot that was missed is not made up for: the rate is a limit, not an average.
      const now = performance.now();
      const slot = Math.max(nextAt, now);
      nextAt = slot + intervalMs;
      if (intervalMs > 0 && !(await waited(slot - now, signal))) return;
      await work(next.value);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}

/** False when the wait was cut short. */
async function waited(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await delay(ms, undefined, { signal });
    return true;
  } catch {
    return false;
  }
}
