import type { JsonLine } from "../../core/json-line.ts";
import type { RequestReport, SendSummaryReport, SentReport } from "../../core/send-report.ts";

export function sentLine(report: SentReport): JsonLine {
  return {
    type: "sent",
    ...(report.n === undefined ? {} : { n: report.n }),
    product: report.product ?? null,
    event: report.event ?? null,
    format: report.format ?? null,
    url: report.url,
    status: report.status ?? null,
    latency_ms: Number(report.latencyMs.toFixed(2)),
    error: report.error ?? null,
    hint: report.hint ?? null,
    reply: report.replyPreview ?? null,
    notes: report.notes,
  };
}

export function sendSummaryLine({ type: _, latency, ...figures }: SendSummaryReport): JsonLine {
  const latencyMs = Object.fromEntries(Object.entries(latency).map(([name, ms]) => [name, Number(ms.toFixed(2))]));
  return { type: "send_summary", ...figures, latency_ms: latencyMs };
}

/** With `--dry-run` the line of a sent event holds the whole request instead of an answer. */
export function requestLine(report: RequestReport): JsonLine {
  return {
    type: "sent",
    ...(report.n === undefined ? {} : { n: report.n }),
    product: report.product ?? null,
    event: report.event ?? null,
    format: report.format ?? null,
    url: report.url,
    status: null,
    latency_ms: null,
    error: null,
    request: {
      method: report.method,
      url: report.url,
      headers: report.headers,
      body_b64: report.body.toString("base64"),
      body: report.body.toString("utf8"),
      ...(report.curl === undefined ? {} : { curl: report.curl }),
    },
  };
}
