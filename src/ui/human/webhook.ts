import type { WebhookReport, WebhookState } from "../../core/webhook-report.ts";
import type { Rendered } from "../context.ts";
import type { Style } from "../human.ts";
import { plain } from "../paint.ts";
import { alignRows } from "./table.ts";

const WORDS: Readonly<Record<WebhookState, { readonly text: string; readonly tone: "good" | "bad" }>> = {
  listed: { text: "webhook", tone: "good" },
  created: { text: "created", tone: "good" },
  deleted: { text: "deleted", tone: "good" },
  "not-deleted": { text: "not deleted", tone: "bad" },
  unknown: { text: "not there", tone: "bad" },
};

/** `created books 460000000026049`, with its facts beneath. */
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
    ["URL", url ?? "not said"],
    ...(enabled === undefined ? [] : [["enabled", enabled ? "yes" : "no"] as const]),
    ...(rules === undefined ? [] : [["rules", rules.length === 0 ? "none" : rules.join(", ")] as const]),
    ...(secret === undefined ? [] : [["secret", secret] as const]),
  ];
}
