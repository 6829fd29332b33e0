import type { JsonLine } from "../util/text.ts";
import { plain } from "../util/text.ts";
import type { FailureState, WebhookFailureReport, WebhookReport, WebhookState } from "../webhooks/reports.ts";
import { alignRows } from "./layout.ts";
import type { Rendered, Style } from "./paint.ts";

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
