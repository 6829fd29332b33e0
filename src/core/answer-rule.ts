import { parseJson } from "../util/json.ts";
import { findFormat, findProduct } from "./event-names.ts";
import type { AnswerRule, Probe, Product } from "./product.ts";

/** `200 and no other 2xx, within 5 s; 410 removes the webhook` */
export function answerRuleText({ withinMs, only200, removedBy, endsBy, reads }: AnswerRule): string {
  const parts = [
    ...(only200 === true ? ["200 and no other 2xx"] : withinMs === undefined ? [] : ["any 2xx"]),
    ...(withinMs === undefined ? [] : [`within ${withinMs / 1000} s`]),
    ...(reads === undefined ? [] : [`JSON such as ${reads.example}`]),
  ];
  const ends = [
    ...(removedBy === undefined ? [] : [`${removedBy} removes the webhook`]),
    ...(endsBy === undefined ? [] : [endsBy]),
  ];
  return [parts.join(", "), ...ends].filter((part) => part !== "").join("; ");
}

/** The guide's limit, for every sender that documents none. */
const GUIDE_ANSWER_MS = 10_000;

/** A sender's time limit for a response, and how it reads one. */
export interface Deadline {
  readonly withinMs: number;
  readonly reason: string;
  /** How the sender treats a status, where that differs from HTTP's rules. */
  readonly takes: (status: number | undefined) => string | undefined;
  /** Why the sender cannot use a response that starts like this; the delivery does not fail for it. */
  readonly reads: (reply: string) => string | undefined;
}

export function deadlineOf(
  title: string,
  rule: AnswerRule = {},
  withinMs = rule.withinMs ?? GUIDE_ANSWER_MS,
): Deadline {
  const time = `${withinMs / 1000} s`;
  const outcome = "and a delivery without an answer counts as failed";
  const ending = rule.endsBy === undefined ? "" : `; ${rule.endsBy}`;
  return {
    withinMs,
    reason:
      rule.withinMs === undefined
        ? `the guide allows ${time}, ${outcome}`
        : `${title} waits for ${time}, ${outcome}${ending}`,
    takes(status = 0) {
      if (status !== 0 && status === rule.removedBy)
        return `${title} removes a webhook that answers ${status}: no more deliveries would come`;
      if (rule.only200 !== true || status < 201 || status > 299) return undefined;
      return `${title} accepts only a 200: with ${status} it counts the delivery as failed${ending}`;
    },
    reads(reply) {
      if (rule.reads === undefined || reply.includes(`"${rule.reads.key}"`)) return undefined;
      // JSON that was cut off may have the key further on.
      if (/^\s*\{/.test(reply) && !parseJson(reply).ok) return undefined;
      return `${title} cannot use this answer: it expects JSON such as ${rule.reads.example}`;
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

/** `GET`, `POST of {}`, `a call with x-hook-secret` (its method is not documented). */
export function probeText({ method = "POST", body, handsOver }: Probe): string {
  if (handsOver !== undefined) return `a call with ${handsOver.header}`;
  return body.length === 0 ? method : `${method} of ${body.toString("utf8")}`;
}

/** `GET, or else POST of {}: unless the answer is 200, the webhook is not saved` */
export function probesText(probes: readonly Probe[]): string {
  const requests = probes.map((probe) =>
    [probeText(probe), ...(probe.when === undefined ? [] : [probe.when])].join(" "),
  );
  return `${requests.join(", or else ")}: unless the answer is 200, the webhook is not saved`;
}
