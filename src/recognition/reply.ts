import { findFormat, findProduct } from "../contract/event-names.ts";
import { type AnswerRule, type Probe, type Product, plainReply, type Reply } from "../contract/product.ts";
import { issueWithoutValue } from "../contract/schema.ts";
import { problemText } from "../delivery/payload.ts";
import { parseJson } from "../util/json.ts";
import type { Receipt } from "./receive.ts";
import { nearestText } from "./recognise.ts";

export interface ReplyPolicy {
  /** For a body that does not match its schema: `enforce` rejects it, `warn` accepts it, `off` does not check. */
  readonly schema: "warn" | "enforce" | "off";
  /** For a failed proof. */
  readonly onInvalid: "reject" | "warn";
}

/** The response to a delivery, and why it was rejected. */
export interface Decision {
  readonly reply: Reply;
  readonly accepted: boolean;
  readonly reason: string | undefined;
}

/** The response is always short and clear, never a stack, a secret or a value of the body. */
export function decideReply(receipt: Receipt, policy: ReplyPolicy): Decision {
  const { handshake, problem, verdicts } = receipt;
  const rejects = policy.onInvalid === "reject";
  // Checked before the handshake; 403 since other credentials would not help.
  const outsider = verdicts.find(({ id, verdict }) => id === "source-address" && verdict === "failed");
  if (outsider !== undefined && rejects) return refuse(403, `${outsider.id}: ${outsider.reason}`);
  if (handshake !== undefined) return { reply: handshake, accepted: true, reason: undefined };
  if (problem !== undefined) return refuse(problem.status, problemText(problem));
  // Without a product no proof can be required: accepting would let anything in unsigned.
  if (receipt.product === undefined) {
    const closest = receipt.nearest === undefined ? "" : ` (closest: ${nearestText(receipt.nearest)})`;
    return refuse(
      404,
      `no known product sends a body like this${closest}: to name its product, post it to /webhooks/zoho/<product>`,
    );
  }
  const failed = verdicts.find((verdict) => verdict.verdict === "failed");
  if (failed !== undefined && rejects) return refuse(401, `${failed.id}: ${failed.reason}`);
  if (policy.schema === "enforce" && receipt.format === undefined)
    return refuse(422, `the body is not an event of ${receipt.product}`);
  const [issue] = receipt.schema?.issues ?? [];
  if (issue !== undefined && policy.schema === "enforce") {
    return refuse(422, `the event of ${receipt.product} does not match its schema: ${issueWithoutValue(issue)}`);
  }
  return { reply: plainReply(200, "OK"), accepted: true, reason: undefined };
}

export function refuse(status: number, reason: string): Decision {
  return { reply: plainReply(status, reason), accepted: false, reason };
}

/** The answer of `listen` to a delivery that it could not record: a 503 that is not the app's. */
export const NOT_RECORDED = "the delivery could not be stored; send it again later";

/** `200 only, within 5 s; 410 removes the webhook` */
export function answerRuleText({ withinMs, only200, removedBy, endsBy, json }: AnswerRule): string {
  const parts = [
    ...(only200 === true ? ["200 only"] : withinMs === undefined ? [] : ["any 2xx"]),
    ...(withinMs === undefined ? [] : [`within ${withinMs / 1000} s`]),
    ...(json === undefined ? [] : [`JSON such as ${json.example}`]),
  ];
  const ends = [
    ...(removedBy === undefined ? [] : [`${removedBy} removes the webhook`]),
    ...(endsBy === undefined ? [] : [endsBy]),
  ];
  return [parts.join(", "), ...ends].filter((part) => part !== "").join("; ");
}

/** The guide's limit, for every sender that documents none. */
const GUIDE_ANSWER_MS = 10_000;

/** A sender's time limit for a response, and hints about responses that it does not accept. */
export interface Deadline {
  readonly withinMs: number;
  readonly reason: string;
  /** For a status that the sender treats otherwise than HTTP does. */
  readonly statusHint: (status: number | undefined) => string | undefined;
  /** Why the sender cannot use a response that starts like this; the delivery does not fail for it. */
  readonly bodyHint: (reply: string) => string | undefined;
}

export function deadlineOf(
  title: string,
  rule: AnswerRule = {},
  withinMs = rule.withinMs ?? GUIDE_ANSWER_MS,
): Deadline {
  const time = `${withinMs / 1000} s`;
  const outcome = "and counts a delivery without an answer as failed";
  const ending = rule.endsBy === undefined ? "" : `; ${rule.endsBy}`;
  return {
    withinMs,
    reason:
      rule.withinMs === undefined
        ? `the guide allows ${time} ${outcome}`
        : `${title} waits ${time} ${outcome}${ending}`,
    statusHint(status = 0) {
      if (status !== 0 && status === rule.removedBy)
        return `${title} removes a webhook that answers ${status}: you would get no more deliveries`;
      if (rule.only200 !== true || status < 201 || status > 299) return undefined;
      return `${title} accepts only a 200: it counts a delivery answered with ${status} as failed${ending}`;
    },
    bodyHint(reply) {
      if (rule.json === undefined || reply.includes(`"${rule.json.key}"`)) return undefined;
      // JSON that was cut off may have the key further on.
      if (/^\s*\{/.test(reply) && !parseJson(reply).ok) return undefined;
      return `${title} cannot use this answer: it expects JSON such as ${rule.json.example}`;
    },
  };
}

/** The rule of a delivery's format, and the title of its product. */
export function answerRuleOf(
  products: readonly Product[],
  product: string | undefined,
  format: string | undefined,
): { readonly title: string; readonly rule: AnswerRule | undefined } {
  const found = product === undefined ? undefined : findProduct(products, product);
  const rule = found === undefined || format === undefined ? undefined : findFormat(found, format)?.answer;
  return { title: found?.title ?? "the sender", rule };
}

/** `GET`, `POST of {}`, `a request with x-hook-secret` (its method is not documented). */
export function probeText({ method = "POST", body, handsOver }: Probe): string {
  if (handsOver !== undefined) return `a request with ${handsOver.header}`;
  return body.length === 0 ? method : `${method} of ${body.toString("utf8")}`;
}

/** `GET, or else POST of {}: the webhook is saved only if the answer is 200` */
export function probesText(probes: readonly Probe[]): string {
  const requests = probes.map((probe) =>
    [probeText(probe), ...(probe.when === undefined ? [] : [probe.when])].join(" "),
  );
  return `${requests.join(", or else ")}: the webhook is saved only if the answer is 200`;
}
