import { parseJson } from "../util/json.ts";
import { findFormat, findProduct } from "./event-names.ts";
import type { AnswerRule, Probe, Product } from "./product.ts";

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
  const rule = found === undefined || format === undefined ? undefined : findFormat(found, format)?.sender?.answer;
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
