import { hasSucceeded, type RequestReport, type SendSummaryReport, type SentReport } from "../send/reports.ts";
import { plain } from "../util/text.ts";
import { formatBytes, formatDuration } from "../util/units.ts";
import { below, bodyLines, fitLine, headerLines, textOf } from "./layout.ts";
import { answerText, type Rendered, type Style, statusText } from "./paint.ts";
import { latencyText } from "./stats.ts";

export function renderSent(report: SentReport, { out, quiet }: Style): Rendered {
  const { n, url, status, error, hint, brief = false, replyPreview = "" } = report;
  const ok = hasSucceeded(report);
  if (quiet && ok) return {};
  const mark = ok ? out.good(`✓ ${statusText(url, status)}`) : out.bad(`✗ ${status ?? "---"}`);
  const event = report.event ?? (n === undefined ? "(own body)" : "(not recognised)");
  const cells = [
    { text: mark, width: 5 },
    ...(n === undefined ? [] : [{ text: out.strong(`#${n}`), width: 5 }]),
    { text: out.name(plain(report.product ?? "?")), width: 13 },
    { text: plain(event), width: Math.max(26, report.nameWidth ?? 0) },
    // A replay is what once came, whatever format that is.
    ...(n === undefined ? [{ text: out.dim(plain(report.format ?? "")), width: 8 }] : []),
    { text: out.dim(formatDuration(report.latencyMs)), width: 8, right: true },
    { text: out.dim(formatBytes(report.bytes)), width: 8, right: true },
    { text: out.dim(plain(url)) },
    ...(report.isModelled ? [{ text: out.caution("modelled") }] : []),
  ];
  return {
    out: textOf(
      fitLine(cells, out.columns, "  "),
      !(brief || quiet) && report.notes.map((note) => below(note, "  ", out, "dim")),
      error !== undefined && below(error, "  ", out, "bad"),
      !(brief && ok) && replyPreview !== "" && below(`answer: ${answerText(replyPreview)}`, "  ", out),
      hint !== undefined && below(hint, "  ", out, "caution"),
    ),
  };
}

export function renderSendSummary(report: SendSummaryReport, { out }: Style): Rendered {
  const { count, ok, failed, seconds, latency, statuses } = report;
  const rate = seconds > 0 ? `, ${Math.round(count / seconds)} a second` : "";
  const kinds = Object.entries(statuses).map(([status, times]) => `${status} × ${times}`);
  const isAnswered = Object.keys(statuses).some((status) => /^\d+$/.test(status));
  const failures = failed > 0 ? out.bad(`${failed} failed`) : "0 failed";
  return {
    out: textOf(
      `${out.strong(`${count} sent`)} in ${formatDuration(seconds * 1000)}${rate}: ${out.good(`${ok} ok`)}, ${failures}`,
      `  answers  ${kinds.join(", ")}`,
      // A failed connection has no latency.
      isAnswered && `  latency  ${latencyText(latency)}`,
    ),
  };
}

/** As HTTP, or as a curl command. */
export function renderRequest({ n, method, url, headers, body, curl }: RequestReport, { out }: Style): Rendered {
  if (curl !== undefined) return { out: `${curl}\n` };
  return {
    out: textOf(
      n !== undefined && out.dim(`#${n}, not sent:`),
      out.strong(plain(`${method} ${url}`)),
      headerLines(headers, out),
      "",
      bodyLines(undefined, body),
    ),
  };
}
