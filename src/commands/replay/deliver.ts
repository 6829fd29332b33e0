import type { Config } from "../../config/load.ts";
import type { Context } from "../../context.ts";
import { ExitCode } from "../../core/errors.ts";
import { chosenNames, maskDelivery, maskText, maskUrl } from "../../core/mask.ts";
import type { Product } from "../../core/product.ts";
import type { RequestReport, SentReport } from "../../core/send-report.ts";
import { stoppedBy } from "../../core/stopped-by.ts";
import { answerHint, isDelivered } from "../../delivery/answer-hint.ts";
import { isOfTheConnection } from "../../delivery/end-to-end.ts";
import { openPoster, type Poster, type PostResult } from "../../delivery/post.ts";
import type { Log, LogEntry } from "../../store/log.ts";
import { requireEntry } from "../events/open-log.ts";
import { FEW } from "../send/deliver.ts";
import { Tally } from "../send/tally.ts";
import type { ReplayPlan } from "./plan.ts";
import { type ReplayRequest, replayBody, replayRequest } from "./request.ts";
import type { Replay } from "./select.ts";

interface Work {
  readonly log: Log;
  readonly config: Config;
  readonly products: readonly Product[];
  readonly replays: readonly Replay[];
}

/** Sends one after the other, in the order in which they came, and says of each what came of it. */
export async function replayAll(
  context: Context,
  plan: ReplayPlan,
  { log, config, products, replays }: Work,
): Promise<ExitCode> {
  if (replays.length === 0) {
    context.report({ type: "notice", message: "no delivery in the log matches: nothing was sent" });
    return ExitCode.ok;
  }
  const tally = new Tally();
  const poster = await openPoster({
    timeoutMs: plan.timeoutMs,
    connections: 1,
    insecure: plan.insecure ?? config.settings.insecure,
    env: config.env,
    ownConnections: replays.length <= FEW,
  });
  let body: Buffer | undefined;
  let ended = 0;
  try {
    for (const { n, target } of replays) {
      if (context.signal.aborted) break;
      const entry = await requireEntry(log, n);
      // A person edits once, however many targets there are.
      if (!plan.edit || body === undefined) body = await replayBody(context, plan, config, entry);
      const request = replayRequest(context, plan, { secrets: config.secrets, products }, entry, target, body);
      if (plan.dryRun) showRequest(context, plan, entry, request);
      else await sendOne(context, plan, { log, poster, tally, entry, target, request, alone: replays.length === 1 });
      ended++;
    }
  } finally {
    await poster.close();
  }
  if (plan.dryRun) return ExitCode.ok;
  if (replays.length > 1) context.report(tally.summary());
  if (context.signal.aborted) {
    context.report({ type: "warning", message: `${stoppedBy(context.signal)} after ${ended} of ${replays.length}` });
  }
  return tally.failed === 0 && tally.ok > 0 ? ExitCode.ok : ExitCode.targetFailed;
}

function showRequest(context: Context, plan: ReplayPlan, entry: LogEntry, request: ReplayRequest): void {
  for (const note of request.notes) context.report({ type: "notice", message: `#${entry.n} ${note}` });
  context.report(requestReport(plan, entry, request));
}

function requestReport(plan: ReplayPlan, entry: LogEntry, request: ReplayRequest): RequestReport {
  const shown = plan.showSecrets ? request.delivery : maskDelivery(request.delivery, chosenNames(entry.verdicts));
  const headers = shown.headers.filter(([name]) => !isOfTheConnection(name));
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
    // The line behind it has the number.
    const { n: _, ...shown } = requestReport(plan, entry, request);
    context.report(shown);
  }
  const at = context.now();
  const post = () => poster.post(request.delivery, { signal: context.signal });
  const result = alone ? await context.waiting(`waiting for ${new URL(target).host} to answer`, post) : await post();
  const ok = isDelivered(result);
  const kind = result.error?.code ?? String(result.status);
  const { status, latencyMs, error, replyPreview: reply } = result;
  if (kind !== "interrupted") {
    // A changed body that is taken says nothing of the one that was not.
    const mends = ok && !request.changed;
    await log.recordAttempt(entry.n, { target, at, status, latencyMs, error: error?.message, reply, mends });
  }
  const known = tally.examples.has(kind);
  const sent = sentReport(plan, entry, request, result, ok);
  tally.add({ ok, kind, sent, accepted: undefined, late: undefined });
  context.report({ ...sent, hint: known && !context.json ? undefined : sent.hint, brief: !alone && ok });
}

function sentReport(
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
    error: result.error?.message,
    hint: ok ? undefined : (result.error?.hint ?? answerHint(result)),
    replyPreview: plan.showSecrets ? result.replyPreview : maskText(result.replyPreview, chosenNames(verdicts)),
    notes,
    bytes: delivery.body.length,
  };
}
