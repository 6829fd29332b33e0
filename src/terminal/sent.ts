import { isSuccess } from "../delivery/delivery.ts";
import type { RequestReport, SendSummaryReport, SentReport } from "../send/reports.ts";
import type { JsonLine } from "../util/text.ts";
import { plain } from "../util/text.ts";
import { formatBytes, formatDuration } from "../util/units.ts";
import { below, bodyLines, fitLine, headerLines } from "./layout.ts";
import { answerText, type Rendered, type Style, statusText } from "./paint.ts";

export function renderSent(report: SentReport, { out, quiet, columns }: Style): Rendered {
  const ok = report.error === undefined && (report.isExpected ?? isSuccess(report.status));
  if (quiet && ok) return {};
  const status = ok ? out.good(`✓ ${statusText(report.url, report.status)}`) : out.bad(`✗ ${report.status ?? "---"}`);
  const cells = [
    { text: status, width: 5 },
    ...(report.n === undefined ? [] : [{ text: out.strong(`#${report.n}`), width: 5 }]),
    { text: out.name(plain(report.product ?? "?")), width: 13 },
    {
      text: plain(report.event ?? (report.n === undefined ? "(own body)" : "(not recognised)")),
      width: Math.max(26, report.nameWidth ?? 0),
    },
    // A replay is what once came, whatever format that is.
    ...(report.n === undefined ? [{ text: out.dim(plain(report.format ?? "")), width: 8 }] : []),
    { text: out.dim(formatDuration(report.latencyMs)), width: 8, right: true },
    { text: out.dim(formatBytes(report.bytes)), width: 8, right: true },
    { text: out.dim(plain(report.url)) },
    ...(report.isModelled ? [{ text: out.caution("modelled") }] : []),
  ];
  const wrapped = (text: string, paint?: (line: string) => string): readonly string[] =>
    below(plain(text), "  ", columns, paint);
  const lower = [
    ...(report.brief ? [] : report.notes.flatMap((note) => wrapped(note, out.dim))),
    ...(report.error === undefined ? [] : wrapped(report.error, out.bad)),
    ...((report.brief && ok) || report.replyPreview === undefined || report.replyPreview === ""
      ? []
      : wrapped(`answer: ${answerText(report.replyPreview)}`)),
    ...(report.hint === undefined ? [] : wrapped(report.hint, out.caution)),
  ];
  return { out: `${[...fitLine(cells, columns, "  "), ...lower].join("\n")}\n` };
}

export function renderSendSummary(
  { count, ok, failed, seconds, latency, statuses }: SendSummaryReport,
  { out }: Style,
): Rendered {
  const rate = seconds > 0 ? `, ${Math.round(count / seconds)} a second` : "";
  const kinds = Object.entries(statuses).map(([status, times]) => `${status} × ${times}`);
  const isAnswered = Object.keys(statuses).some((status) => /^\d+$/.test(status));
  const { p50, p95, p99, max } = latency;
  return {
    out: [
      `${out.strong(`${count} sent`)} in ${formatDuration(seconds * 1000)}${rate}: ${out.good(`${ok} ok`)}, ${failed > 0 ? out.bad(`${failed} failed`) : "0 failed"}`,
      `  answers  ${kinds.join(", ")}`,
      // A failed connection has no latency.
      ...(isAnswered
        ? [
            `  latency  p50 ${formatDuration(p50)}  p95 ${formatDuration(p95)}  p99 ${formatDuration(p99)}  max ${formatDuration(max)}`,
          ]
        : []),
      "",
    ].join("\n"),
  };
}

/** As HTTP, or as a curl command. */
export function renderRequest(report: RequestReport, { out }: Style): Rendered {
  if (report.curl !== undefined) return { out: `${report.curl}\n` };
  const number = report.n === undefined ? [] : [out.dim(`#${report.n}, not sent:`)];
  const lines = [
    ...number,
    out.strong(plain(`${report.method} ${report.url}`)),
    ...headerLines(report.headers, out),
    "",
  ];
  return { out: `${[...lines, ...bodyLines(undefined, report.body)].join("\n")}\n` };
}

export function sentLine(report: SentReport): JsonLine {
  return {
    ...subjectFields(report),
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

/** A `sent` line with the whole request instead of an answer. */
export function requestLine(report: RequestReport): JsonLine {
  return {
    ...subjectFields(report),
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

function subjectFields({ n, product, event, format, url }: SentReport | RequestReport): JsonLine {
  return {
    type: "sent",
    ...(n === undefined ? {} : { n }),
    product: product ?? null,
    event: event ?? null,
    format: format ?? null,
    url,
  };
}
