import { chosenNames, maskText, maskUrl } from "../delivery/mask.ts";
import type { PostResult } from "../forward/post.ts";
import { answerHint, isDelivered } from "../forward/post-failure.ts";
import type { Context } from "../project/context.ts";
import { canAllowUnsigned } from "../recognition/hints.ts";
import { deadlineOf, NOT_RECORDED, probesText, probeText } from "../recognition/reply.ts";
import { type ExpectedStatus, unexpectedStatus } from "./expect-status.ts";
import type { SendSummaryReport, SentReport } from "./reports.ts";
import type { Shipment } from "./shipments.ts";

/** The result of one shipment. */
export interface Outcome {
  readonly ok: boolean;
  /** The rule by which the answer came too late for its sender. */
  readonly late: string | undefined;
  /** Outcomes are counted by this: the status, or the error's code. */
  readonly kind: string;
  readonly sent: SentReport;
  /** It was accepted, although it has a flaw. */
  readonly accepted: boolean;
}

interface Target {
  /** The hint if the local receiver does not run. */
  readonly receiverHint: string | undefined;
  /** The target is the local receiver, not an app. */
  readonly isReceiver: boolean;
  /** Of --expect-status; undefined for any 2xx. */
  readonly expected: ExpectedStatus | undefined;
}

export function outcomeOf(
  { overrides, knownSecrets }: Context,
  shipment: Shipment,
  result: PostResult,
  target: Target,
): Outcome {
  const { subject, delivery, notes, flaw } = shipment;
  const { expected } = target;
  const delivered = isDelivered(result);
  const isRefused = REFUSALS.includes(result.status ?? 0);
  const isExpected = expected?.has(result.status) ?? (flaw === undefined ? undefined : isRefused);
  const accepted = delivered && expected === undefined && flaw !== undefined;
  const echo = delivered ? echoProblem(shipment, result) : undefined;
  const chosen = chosenNames(subject.format.proofs);
  const deadline = deadlineOf(subject.product.title, subject.format.answer, overrides?.answerWithinMs);
  const refusal = probeProblem(shipment, result) ?? deadline.statusHint(result.status);
  // Some senders do not accept every 2xx, such as a 204: then it is an error.
  const refused = delivered ? refusal : undefined;
  const error =
    isExpected === true
      ? echo
      : (result.error?.message ??
        unexpectedStatus(result, expected) ??
        (accepted ? `accepted, although ${flaw}` : (echo ?? refused)));
  const ok = (isExpected ?? delivered) && error === undefined;
  const isAnswerOfApp = delivered && !target.isReceiver && subject.event !== undefined && result.isLegible;
  const unread = isAnswerOfApp ? deadline.bodyHint(result.replyPreview) : undefined;
  const isExplained = refused !== undefined || (delivered && isExpected === false);
  const failing = accepted ? TO_REFUSE : isExplained ? undefined : (refusal ?? hintOf(result, shipment, target));
  return {
    ok,
    kind:
      (isExpected === true ? undefined : result.error?.code) ??
      (echo === undefined ? String(result.status) : `${result.status} without the challenge`),
    accepted,
    late: result.latencyMs > deadline.withinMs && !isOfListen(result, target) ? deadline.reason : undefined,
    sent: {
      type: "sent",
      product: subject.product.id,
      event: nameOf(shipment),
      format: subject.format.id,
      isModelled: subject.format.evidence === "modelled",
      url: maskUrl(delivery.url, chosen),
      status: result.status,
      isExpected,
      latencyMs: result.latencyMs,
      error,
      hint: ok ? unread : failing,
      // An app's error page may repeat the token.
      replyPreview: maskText(knownSecrets.maskCut(result.replyPreview), chosen),
      notes: flaw !== undefined && isRefused ? [...notes, `refused, as it should be: ${flaw}`] : notes,
      bytes: delivery.body.length,
    },
  };
}

/** The answers of an app that refuses a forged or broken delivery. A 404 or 413 says nothing about the flaw. */
const REFUSALS: readonly number[] = [400, 401, 403, 422];
const TO_REFUSE = "an app that checks this answers 401, or 400 if the body is broken";

/** In parentheses where it is not an event. */
function nameOf({ subject, challenge }: Shipment): string | undefined {
  if (subject.probe !== undefined) return `(${probeText(subject.probe)})`;
  return subject.event ?? (challenge === undefined ? undefined : "(challenge)");
}

/** Why the sender would not save a webhook with this answer. */
function probeProblem({ subject }: Shipment, { status, error }: PostResult): string | undefined {
  const { probe, product, format } = subject;
  if (probe === undefined || error !== undefined || status === 200) return undefined;
  return `${product.title} calls the URL by ${probesText(format.probes ?? [])}`;
}

function hintOf(result: PostResult, { subject, unsigned }: Shipment, target: Target): string | undefined {
  const { receiverHint, isReceiver } = target;
  if (result.error?.code === "ECONNREFUSED" && receiverHint !== undefined) return receiverHint;
  if (result.error !== undefined) return result.error.hint;
  const { status = 0 } = result;
  if (status === 401 && subject.format.proofs.length === 0) {
    const { product } = subject;
    const way = canAllowUnsigned(product)
      ? `with --allow-unsigned ${product.id}`
      : `at the product's own URL, /webhooks/zoho/${product.id}, unless it has a secret for this product alone`;
    return `this format is never signed, but your app requires a signature or token; listen accepts it ${way}`;
  }
  if (status === 401 && unsigned !== undefined) return `it was sent without a signature: ${unsigned}`;
  if (isOfListen(result, target)) return "listen itself could not take it: the reason is in its answer and its output";
  // The receiver answers so with `--respond mirror` when the app is not running.
  if (isReceiver && (status === 502 || status === 504))
    return "listen got no answer from your app: is it running? See the output of listen, below the event";
  return answerHint(result) ?? 'answer with JSON: {"challenge": …}, with the value that was sent';
}

/** A 503 that says nothing about the app. */
function isOfListen({ status, replyPreview }: PostResult, { isReceiver }: Target): boolean {
  return status === 503 && (isReceiver || replyPreview === NOT_RECORDED);
}

/** The guide's handler answers a challenge with the same value under the same name. */
function echoProblem({ challenge }: Shipment, { replyPreview }: PostResult): string | undefined {
  if (challenge === undefined) return undefined;
  try {
    const reply: unknown = JSON.parse(replyPreview);
    if (typeof reply === "object" && reply !== null && Reflect.get(reply, "challenge") === challenge) return undefined;
  } catch {
    // Not JSON, so not the echo.
  }
  return "the app did not echo the challenge";
}

const MAX_EXAMPLES = 5;

/** Counts outcomes, in memory that does not grow with them. */
export class Tally {
  ok = 0;
  failed = 0;
  /** Aborted by Ctrl-C before an answer came. */
  cutOff = 0;
  /** Late answers, by the rule of their sender. */
  readonly late = new Map<string, number>();
  /** The first failure of each kind. */
  readonly examples = new Map<string, SentReport>();
  readonly notes = new Set<string>();
  /** Accepted although they have a flaw. */
  accepted = 0;
  readonly #statuses = new Map<string, number>();
  readonly #latencies = latencies();
  readonly #startedAt = performance.now();

  get count(): number {
    return this.ok + this.failed;
  }

  add({ ok, kind, sent, accepted, late }: Outcome): void {
    for (const note of sent.notes) this.notes.add(note);
    if (kind === "interrupted") {
      this.cutOff++;
      return;
    }
    if (ok) this.ok++;
    else this.failed++;
    if (!ok && this.examples.size < MAX_EXAMPLES && !this.examples.has(kind)) this.examples.set(kind, sent);
    if (accepted) this.accepted++;
    if (late !== undefined) this.late.set(late, (this.late.get(late) ?? 0) + 1);
    this.#statuses.set(kind, (this.#statuses.get(kind) ?? 0) + 1);
    // A refused connection is not an answer.
    if (sent.status !== undefined) this.#latencies.add(sent.latencyMs);
  }

  summary(): SendSummaryReport {
    const at = (share: number): number => this.#latencies.percentile(share);
    return {
      type: "send-summary",
      count: this.count,
      ok: this.ok,
      failed: this.failed,
      seconds: (performance.now() - this.#startedAt) / 1000,
      latency: { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: this.#latencies.max },
      statuses: Object.fromEntries(this.#statuses),
    };
  }
}

/** Ratio of the widths of neighbouring buckets. */
const GROWTH = 1.01;
const SMALLEST_MS = 0.01;
/** Up to more than an hour. */
const BUCKETS = 2000;

/** Percentiles of any number of durations, in constant memory. */
export function latencies() {
  const counts = new Uint32Array(BUCKETS);
  let total = 0;
  let min = Number.POSITIVE_INFINITY;
  let max = 0;
  return {
    add(ms: number): void {
      const bucket = Math.ceil(Math.log(Math.max(ms, SMALLEST_MS) / SMALLEST_MS) / Math.log(GROWTH));
      const at = Math.min(bucket, BUCKETS - 1);
      counts[at] = (counts[at] ?? 0) + 1;
      total++;
      min = Math.min(min, ms);
      max = Math.max(max, ms);
    },
    /** The duration below which this share (0 to 1) lies, to about 1 %; 0 when nothing was added. */
    percentile(share: number): number {
      if (total === 0) return 0;
      let left = Math.max(1, Math.ceil(share * total));
      const at = counts.findIndex((count) => {
        left -= count;
        return left <= 0;
      });
      return Math.min(max, Math.max(min, SMALLEST_MS * GROWTH ** at));
    },
    get max(): number {
      return max;
    },
  };
}
