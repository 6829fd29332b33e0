import type { PostResult } from "../forward/post.ts";
import { answerHint, isDelivered } from "../forward/post-failure.ts";
import { type Deadline, deadlineOf, probesText, probeText } from "../model/sender.ts";
import { NOT_RECORDED } from "../recognition/reply.ts";
import { canAllowUnsigned } from "../recognition/unsigned.ts";
import type { ReportingWorkspace } from "../workspace/workspace.ts";
import { unexpectedStatus } from "./flags.ts";
import { sentReport } from "./outgoing.ts";
import type { SendPlan } from "./plan.ts";
import type { SampleDelivery } from "./sample-deliveries.ts";
import type { SendOutcome } from "./tally.ts";

/**
 * Evaluates the answer to a sample. Without `--to` it is the local receiver's, and `receiverHint` is for one that does not
 * run, or is another folder's.
 */
export function outcomeOf(
  workspace: ReportingWorkspace,
  plan: SendPlan,
  outgoing: SampleDelivery,
  result: PostResult,
  receiverHint: string | undefined,
): SendOutcome {
  const { notes, flaw, source } = outgoing;
  const { product, format, event } = source;
  const isReceiver = plan.to === undefined;
  const deadline = deadlineOf(product.title, format.sender?.answer, workspace.overrides?.answerWithinMs);
  const answer = assess(plan, outgoing, result, deadline);
  const { delivered, isRefused, isExpected, accepted, echo } = answer;
  const error = errorOf(answer, outgoing, result, plan);
  const ok = (isExpected ?? delivered) && error === undefined;
  const isAnswerOfApp = delivered && !isReceiver && event !== undefined && result.isLegible;
  const unread = isAnswerOfApp ? deadline.bodyHint(result.replyPreview) : undefined;
  const failing = (): string | undefined => failureHint(answer, outgoing, result, isReceiver, receiverHint);
  const shown = {
    ...outgoing,
    event: nameOf(outgoing),
    notes: flaw !== undefined && isRefused ? [...notes, `refused, as it should be: ${flaw}`] : notes,
  };
  const isModelled = format.evidence === "modelled";
  return {
    ok,
    kind:
      (isExpected === true ? undefined : result.error?.code) ??
      (echo === undefined ? String(result.status) : `${result.status} without the challenge`),
    accepted,
    late: result.latencyMs > deadline.withinMs && !isOfListen(result, isReceiver) ? deadline.reason : undefined,
    sent: sentReport(workspace, shown, result, { isExpected, isModelled, error, hint: ok ? unread : failing() }),
  };
}

/** What an answer says about the app. */
interface Assessment {
  readonly delivered: boolean;
  /** With a status by which apps refuse forgeries. */
  readonly isRefused: boolean;
  /** Undefined where no particular status is expected. */
  readonly isExpected: boolean | undefined;
  /** It was accepted although it has a flaw. */
  readonly accepted: boolean;
  /** Why it is not the answer to a challenge. */
  readonly echo: string | undefined;
  /** Why the sender does not take the answer, whatever its status. */
  readonly refusal: string | undefined;
}

function assess(
  { expectStatus: expected }: SendPlan,
  outgoing: SampleDelivery,
  result: PostResult,
  deadline: Deadline,
): Assessment {
  const { source, flaw } = outgoing;
  const delivered = isDelivered(result);
  const isRefused = REFUSALS.includes(result.status ?? 0);
  return {
    delivered,
    isRefused,
    isExpected: expected?.has(result.status) ?? (flaw === undefined ? undefined : isRefused),
    accepted: delivered && expected === undefined && flaw !== undefined,
    echo: delivered ? echoProblem(outgoing, result) : undefined,
    refusal: probeProblem(source, result) ?? deadline.statusHint(result.status),
  };
}

function errorOf(
  { delivered, isExpected, accepted, echo, refusal }: Assessment,
  { flaw }: SampleDelivery,
  result: PostResult,
  { expectStatus }: SendPlan,
): string | undefined {
  if (isExpected === true) return echo;
  const failed = result.error?.message ?? unexpectedStatus(result, expectStatus);
  if (failed !== undefined) return failed;
  if (accepted) return `accepted, although ${flaw}`;
  // Some senders do not accept every 2xx, such as a 204: then it is an error.
  return echo ?? (delivered ? refusal : undefined);
}

function failureHint(
  { delivered, isExpected, accepted, refusal }: Assessment,
  outgoing: SampleDelivery,
  result: PostResult,
  isReceiver: boolean,
  receiverHint: string | undefined,
): string | undefined {
  if (accepted) return TO_REFUSE;
  const isExplained = delivered && (refusal !== undefined || isExpected === false);
  return isExplained ? undefined : (refusal ?? hintOf(result, outgoing, isReceiver, receiverHint));
}

/** The answers of an app that refuses a forged or broken delivery. A 404 or 413 says nothing about the flaw. */
const REFUSALS: readonly number[] = [400, 401, 403, 422];
const TO_REFUSE = "an app that checks this answers 401";

/** In parentheses where it is not an event. */
function nameOf({ source: { event, probe }, challenge }: SampleDelivery): string | undefined {
  if (probe !== undefined) return `(${probeText(probe)})`;
  return event ?? (challenge === undefined ? undefined : "(challenge)");
}

/** Why the sender would not save a webhook with this answer. */
function probeProblem(
  { probe, product, format }: SampleDelivery["source"],
  { status, error }: PostResult,
): string | undefined {
  if (probe === undefined || error !== undefined || status === 200) return undefined;
  return `${product.title} calls the URL by ${probesText(format.setup?.probes ?? [])}`;
}

function hintOf(
  result: PostResult,
  { source: { product, format }, unsigned }: SampleDelivery,
  isReceiver: boolean,
  receiverHint: string | undefined,
): string | undefined {
  const { status = 0, error } = result;
  if (receiverHint !== undefined) return receiverHint;
  if (error !== undefined) return error.hint;
  if (status === 401 && format.proofs.length === 0) {
    const way = canAllowUnsigned(product)
      ? `with --allow-unsigned ${product.id}`
      : `at the product's own URL, /webhooks/zoho/${product.id}, unless it has a secret for this product alone`;
    return `this format is never signed, but your app requires a signature or token; listen accepts it ${way}`;
  }
  if (status === 401 && unsigned !== undefined) return "your app requires a signature, and it was sent without one";
  if (isOfListen(result, isReceiver))
    return "listen itself could not take it: the reason is in its answer and its output";
  // The receiver answers so with `--respond mirror` when the app is slow, or is not running.
  if (isReceiver && status === 504)
    return "your app took too long to answer listen: let it answer first, and do the work after that";
  if (isReceiver && status === 502)
    return "listen got no answer from your app: is it running? See the output of listen, below the event";
  return answerHint(result) ?? 'answer with JSON: {"challenge": …}, with the value that was sent';
}

/** A 503 that says nothing about the app. */
function isOfListen({ status, replyPreview }: PostResult, isReceiver: boolean): boolean {
  return status === 503 && (isReceiver || replyPreview === NOT_RECORDED);
}

/** The guide's handler answers a challenge with the same value under the same name. */
function echoProblem({ challenge }: SampleDelivery, { replyPreview }: PostResult): string | undefined {
  if (challenge === undefined) return undefined;
  try {
    const reply: unknown = JSON.parse(replyPreview);
    if (typeof reply === "object" && reply !== null && Reflect.get(reply, "challenge") === challenge) return undefined;
  } catch {
    // Not JSON, so not the echo.
  }
  return "the app did not echo the challenge";
}
