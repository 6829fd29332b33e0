import type { Context } from "../../context.ts";
import { deadlineOf } from "../../core/answer-rule.ts";
import { chosenNames, maskText, maskUrl } from "../../core/mask.ts";
import { probesText, probeText } from "../../core/probe-text.ts";
import type { SentReport } from "../../core/send-report.ts";
import { answerHint, isDelivered } from "../../delivery/answer-hint.ts";
import type { PostResult } from "../../delivery/post.ts";
import type { Shipment } from "./shipments.ts";

/** What came of one shipment, judged. */
export interface Outcome {
  readonly ok: boolean;
  /** Set when the sender would not have waited for the answer. */
  readonly late: string | undefined;
  /** The status, or the error's code: what outcomes are counted by. */
  readonly kind: string;
  readonly sent: SentReport;
  /** Set when a delivery with a flaw was accepted. */
  readonly accepted: string | undefined;
}

export function judge(
  { overrides }: Context,
  shipment: Shipment,
  result: PostResult,
  localReceiver: string | undefined,
  toReceiver: boolean,
): Outcome {
  const { subject, delivery, notes, flaw } = shipment;
  const delivered = isDelivered(result);
  const echo = delivered ? echoProblem(shipment, result) : undefined;
  const chosen = chosenNames(subject.format.proofs);
  const deadline = deadlineOf(subject.product.title, subject.format.answer, overrides?.answerWithinMs);
  const refusal = probeProblem(shipment, result) ?? deadline.takes(result.status);
  // By HTTP's rules a 204 is a yes: that it is none here has to be said, or the line would look like one.
  const noYes = delivered ? refusal : undefined;
  const error = result.error?.message ?? echo ?? noYes;
  const ok = delivered && error === undefined;
  // What the receiver answers is no app's answer.
  const isAnswer = !toReceiver && subject.event !== undefined && result.isLegible;
  const unread = isAnswer ? deadline.reads(result.replyPreview) : undefined;
  const failing = noYes === undefined ? (refusal ?? hintOf(result, shipment, localReceiver, toReceiver)) : undefined;
  return {
    ok,
    kind: result.error?.code ?? (echo === undefined ? String(result.status) : `${result.status} without the challenge`),
    accepted: delivered ? flaw : undefined,
    late: result.latencyMs > deadline.withinMs ? deadline.reason : undefined,
    sent: {
      type: "sent",
      product: subject.product.id,
      event: nameOf(shipment),
      format: subject.format.id,
      url: maskUrl(delivery.url, chosen),
      status: result.status,
      latencyMs: result.latencyMs,
      error,
      hint: ok ? unread : failing,
      // An app's page of an error may repeat the token that was sent.
      replyPreview: maskText(result.replyPreview, chosen),
      notes,
      bytes: delivery.body.length,
    },
  };
}

/** In brackets where it is no event. */
function nameOf({ subject, challenge }: Shipment): string | undefined {
  if (subject.probe !== undefined) return `(${probeText(subject.probe)})`;
  return subject.event ?? (challenge === undefined ? undefined : "(challenge)");
}

/** Why the sender would not save a webhook whose URL gave this answer. */
function probeProblem({ subject }: Shipment, { status, error }: PostResult): string | undefined {
  const { probe, product, format } = subject;
  if (probe === undefined || error !== undefined || status === 200) return undefined;
  return `${product.title} calls the URL by ${probesText(format.probes ?? [])}`;
}

function hintOf(
  result: PostResult,
  { flaw, subject, unsigned }: Shipment,
  localReceiver: string | undefined,
  toReceiver: boolean,
): string | undefined {
  if (result.error?.code === "ECONNREFUSED" && localReceiver !== undefined) return localReceiver;
  if (result.error !== undefined) return result.error.hint;
  const { status = 0 } = result;
  if (flaw !== undefined && status >= 400 && status < 500) return `refused, as it should be: ${flaw}`;
  if (status === 401 && subject.format.proofs.length === 0) {
    const { product, format } = subject;
    if (product.formats.length === 1)
      return `this format is never signed, but your app asks for a signature or token; listen accepts it at the product's own URL, /webhooks/zoho/${product.id}`;
    return `this format is never signed, but your app asks for a signature or token; listen accepts it with "products": { "${product.id}": { "format": "${format.id}" } } in the config`;
  }
  if (status === 401 && unsigned !== undefined) return `it was sent without a signature: ${unsigned}`;
  // With `--respond mirror` the receiver answers so for an app that is not there.
  if (toReceiver && (status === 502 || status === 504))
    return "listen got no answer from your app to pass on: is the app running? What happened is shown in listen, below the event";
  return answerHint(result) ?? 'answer with JSON: {"challenge": …}, with the value that was sent';
}

/** The guide's handler answers a challenge with the same value under the same name. */
function echoProblem({ challenge }: Shipment, { replyPreview }: PostResult): string | undefined {
  if (challenge === undefined) return undefined;
  try {
    const reply: unknown = JSON.parse(replyPreview);
    if (typeof reply === "object" && reply !== null && Reflect.get(reply, "challenge") === challenge) return undefined;
  } catch {
    // Not JSON: not the echo either.
  }
  return "the app did not send the challenge back";
}
