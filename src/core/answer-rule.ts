import { parseJson } from "../util/json.ts";
import { findFormat, findProduct } from "./event-names.ts";
import type { AnswerRule, Probe, Product } from "./product.ts";

/** `200 and no other 2xx, within 5 s; 410 removes the webhook`, for a person. */
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

/** The guide's own rule, for every sender that says nothing else. */
const GUIDE_ANSWER_MS = 10_000;

/** How soon an answer is needed, and who says so. */
export interface Deadline {
  readonly withinMs: number;
  readonly reason: string;
  /** What the sender makes of a status, where that is another thing than by HTTP's rules. */
  readonly takes: (status: number | undefined) => string | undefined;
  /** Why it makes nothing of an answer, of which this is the start: no failure of the delivery. */
  readonly reads: (reply: string) => string | undefined;
}

export function deadlineOf(
  title: string,
  rule: AnswerRule | undefined,
  withinMs = rule?.withinMs ?? GUIDE_ANSWER_MS,
): Deadline {
  const time = `${withinMs / 1000} s`;
  const reason =
    rule?.withinMs === undefined
      ? `the guide allows ${time}, and a delivery without an answer counts as failed`
      : `${title} waits for ${time}, and a delivery without an answer counts as failed${loss(rule)}`;
  return {
    withinMs,
    reason,
    takes: (status) => otherThanHttp(title, rule, status),
    reads: (reply) => unread(title, rule, reply),
  };
}

function unread(title: string, rule: AnswerRule | undefined, reply: string): string | undefined {
  if (rule?.reads === undefined || reply.includes(`"${rule.reads.key}"`)) return undefined;
  // Of a long answer only the start is here, and its key may come later.
  if (/^\s*\{/.test(reply) && !parseJson(reply).ok) return undefined;
  return `${title} cannot use this answer: it expects JSON such as ${rule.reads.example}`;
}

function otherThanHttp(title: string, rule: AnswerRule | undefined, status = 0): string | undefined {
  if (status !== 0 && status === rule?.removedBy)
    return `${title} removes a webhook that answers ${status}: no more deliveries would come`;
  if (rule?.only200 !== true || status < 201 || status > 299) return undefined;
  return `${title} accepts only a 200: with ${status} it counts the delivery as failed${loss(rule)}`;
}

function loss({ endsBy }: AnswerRule): string {
  return endsBy === undefined ? "" : `; ${endsBy}`;
}

/** The rule of a delivery's format, and whose it is. */
export function answerRuleOf(
  products: readonly Product[],
  product: string | undefined,
  format: string | undefined,
): { readonly title: string; readonly rule: AnswerRule | undefined } {
  const found = product === undefined ? undefined : findProduct(products, product);
  const its = found === undefined || format === undefined ? undefined : findFormat(found, format);
  return { title: found?.title ?? "the sender", rule: its?.answer };
}

/** `GET`, `POST of {}`, `a call with x-hook-secret` (by what method is not told): a probe, for a person. */
export function probeText({ method = "POST", body, handsOver }: Probe): string {
  if (handsOver !== undefined) return `a call with ${handsOver.header}`;
  return body.length === 0 ? method : `${method} of ${body.toString("utf8")}`;
}

/** `GET, or else POST of {}: one is answered with 200, or the webhook is not saved`. */
export function probesText(probes: readonly Probe[]): string {
  const asked = probes.map(probeText).join(", or else ");
  return `${asked}: unless the answer is 200, the webhook is not saved`;
}
