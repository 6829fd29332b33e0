import type { Config } from "../../config/load.ts";
import type { Context } from "../../context.ts";
import { ExitCode } from "../../core/errors.ts";
import { chosenNames, maskDelivery } from "../../core/mask.ts";
import { stoppedBy } from "../../core/stopped-by.ts";
import { counted } from "../../core/units.ts";
import { runLoad } from "../../delivery/load.ts";
import { openPoster, type Poster } from "../../delivery/post.ts";
import { webhookUrl } from "../../receiver/route.ts";
import { runningListener } from "../running-listener.ts";
import { judge, type Outcome } from "./outcome.ts";
import type { SendPlan } from "./plan.ts";
import { countShipments, type Shipment, shipments } from "./shipments.ts";
import { requestReport } from "./show-requests.ts";
import type { Subject } from "./subjects.ts";
import { Tally } from "./tally.ts";

/** More lines than this nobody reads: a summary takes their place. */
const MOST_LINES = 25;
/**
 * So many are each posted on a connection of their own, so that what is meant to come once, or twice, comes just so often. Of
 * very many this would use up the ports of the system.
 */
export const FEW = 1000;
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
    ownConnections: plan.count === 1 && total <= FEW,
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
        const outcome = judge(context, shipment, result, await startReceiver, plan.to === undefined);
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
