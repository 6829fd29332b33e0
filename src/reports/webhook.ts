import type { JsonLine } from "../util/text.ts";
import { plain } from "../util/text.ts";
import { alignRows } from "./layout.ts";
import type { Rendered, Style } from "./paint.ts";

/** The state of a webhook in a Zoho product, or a change of it. */
export interface WebhookReport {
  readonly type: "webhook";
  readonly state: WebhookState;
  readonly product: string;
  readonly id: string;
  /** Undefined where only a change is reported. */
  readonly webhook?: WebhookFacts | undefined;
  /** Why it is in a bad state. */
  readonly reason?: string | undefined;
}

/** `not-deleted`: it still exists; `unknown`: it was to be deleted, but did not exist. */
type WebhookState = "listed" | "created" | "deleted" | "not-deleted" | "unknown";

interface WebhookFacts {
  readonly name: string | undefined;
  readonly url: string | undefined;
  readonly events: readonly string[];
  readonly enabled: boolean | undefined;
  /** Undefined where it needs none or Zoho does not name them. */
  readonly rules: readonly string[] | undefined;
  /** Masked unless the user asked to see it; undefined where there is none or it is not known. */
  readonly secret: string | undefined;
}

/** A delivery that Zoho could not make, or the answer to asking for it again. */
export interface WebhookFailureReport {
  readonly type: "webhook-failure";
  readonly state: FailureState;
  readonly product: string;
  readonly failure: FailureFacts;
  /** Why Zoho does not send it again. */
  readonly refusal?: string | undefined;
}

type FailureState = "failed" | "resent" | "not-resent";

/** A delivery that Zoho counts as failed, as far as its list says. */
export interface FailureFacts {
  readonly id: string;
  /** When it failed last. */
  readonly at: Date | undefined;
  /** The webhook's name, else its id. */
  readonly webhook: string | undefined;
  /** The workflow rule that called it. */
  readonly rule: string | undefined;
  /** The event, or the module of the record. */
  readonly event: string | undefined;
  /** The record's id. */
  readonly record: string | undefined;
  /** Masked in a report. */
  readonly url: string | undefined;
  /** The status that the receiver answered. */
  readonly status: number | undefined;
  readonly reason: string | undefined;
  /** How often Zoho has repeated it. */
  readonly retries: number | undefined;
}

const WORDS: Readonly<Record<WebhookState, { readonly text: string; readonly tone: "good" | "bad" }>> = {
  listed: { text: "webhook", tone: "good" },
  created: { text: "created", tone: "good" },
  deleted: { text: "deleted", tone: "good" },
  "not-deleted": { text: "not deleted", tone: "bad" },
  unknown: { text: "not found", tone: "bad" },
};

/** `created books 460000000026049`, with its facts below. */
export function renderWebhook(report: WebhookReport, { out, err, quiet }: Style): Rendered {
  const { text, tone } = WORDS[report.state];
  const paint = tone === "bad" ? err : out;
  const head = `${paint[tone](text)} ${report.product} ${paint.strong(plain(report.id))}`;
  const reason = report.reason === undefined ? [] : [`  ${plain(report.reason, true)}`];
  const facts = quiet ? [] : factRows(report).map(([name, value]) => [`  ${name}`, plain(value)]);
  const lines = `${[head, ...reason, ...alignRows(facts)].join("\n")}\n`;
  return tone === "bad" ? { err: lines } : { out: lines };
}

function factRows({ webhook }: WebhookReport): readonly (readonly [string, string])[] {
  if (webhook === undefined) return [];
  const { name, url, events, enabled, rules, secret } = webhook;
  return [
    ["name", name ?? "none"],
    ["events", events.join(", ")],
    ["URL", url ?? "not known"],
    ...(enabled === undefined ? [] : [["enabled", enabled ? "yes" : "no"] as const]),
    ...(rules === undefined ? [] : [["rules", rules.length === 0 ? "none" : rules.join(", ")] as const]),
    ...(secret === undefined ? [] : [["secret", secret] as const]),
  ];
}

export function webhookLine({ state, product, id, webhook, reason }: WebhookReport): JsonLine {
  return {
    type: "webhook",
    state: state.replaceAll("-", "_"),
    product,
    id,
    ...(webhook === undefined
      ? {}
      : {
          name: webhook.name ?? null,
          url: webhook.url ?? null,
          events: webhook.events,
          enabled: webhook.enabled ?? null,
          rules: webhook.rules ?? null,
          secret: webhook.secret ?? null,
        }),
    ...(reason === undefined ? {} : { reason }),
  };
}

const FAILURE_WORDS: Readonly<Record<FailureState, string>> = {
  failed: "failed",
  resent: "sent again",
  "not-resent": "not sent again",
};

/** `sent again salesiq 0db0d4d5-…`. The list itself is shown as a table. */
export function renderWebhookFailure(
  { state, product, failure, refusal }: WebhookFailureReport,
  { out, err }: Style,
): Rendered {
  const paint = state === "resent" ? out : err;
  const tone = state === "resent" ? paint.good : paint.bad;
  const head = `${tone(FAILURE_WORDS[state])} ${product} ${paint.strong(plain(failure.id))}`;
  const lines = `${head}${refusal === undefined ? "" : `\n  ${plain(refusal, true)}`}\n`;
  return state === "resent" ? { out: lines } : { err: lines };
}

export function webhookFailureLine({ state, product, failure, refusal }: WebhookFailureReport): JsonLine {
  const { id, at, webhook, rule, event, record, url, status, reason, retries } = failure;
  return {
    type: "webhook_failure",
    state: state.replaceAll("-", "_"),
    product,
    id,
    at: at?.toISOString() ?? null,
    webhook: webhook ?? null,
    rule: rule ?? null,
    event: event ?? null,
    record: record ?? null,
    url: url ?? null,
    status: status ?? null,
    reason: refusal ?? reason ?? null,
    retries: retries ?? null,
  };
}
