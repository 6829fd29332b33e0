import { hasSucceeded, type RequestReport, type SendSummaryLine, type SentReport } from "../send/lines.ts";
import { plain } from "../util/text.ts";
import { formatBytes, formatDuration } from "../util/units.ts";
import { below, bodyLines, fitLine, headerLines, textOf } from "./layout.ts";
import { answerText, type Rendered, type Style, statusText } from "./paint.ts";
import { latencyText } from "./stats.ts";

export function renderSent(report: SentReport | RequestReport, style: Style): Rendered {
  return report.request === undefined ? renderAnswered(report, style) : renderRequest(report, style);
}

function renderAnswered(report: SentReport, { out, quiet }: Style): Rendered {
  const { n, url, status, error, hint, reply, person } = report;
  const { brief = false, nameWidth = 0, bytes, isModelled } = person;
  const ok = hasSucceeded(report);
  if (quiet && ok) return {};
  const mark = ok ? out.good(`✓ ${statusText(url, status ?? undefined)}`) : out.bad(`✗ ${status ?? "---"}`);
  const event = report.event ?? (n === undefined ? "(own body)" : "(not recognised)");
  const cells = [
    { text: mark, width: 5 },
    ...(n === undefined ? [] : [{ text: out.strong(`#${n}`), width: 5 }]),
    { text: out.name(plain(report.product ?? "?")), width: 13 },
    { text: plain(event), width: Math.max(26, nameWidth) },
    // A replay is what once came, whatever format that is.
    ...(n === undefined ? [{ text: out.dim(plain(report.format ?? "")), width: 8 }] : []),
    { text: out.dim(formatDuration(report.latency_ms)), width: 8, right: true },
    { text: out.dim(formatBytes(bytes)), width: 8, right: true },
    { text: out.dim(plain(url)) },
    ...(isModelled ? [{ text: out.caution("modelled") }] : []),
  ];
  return {
    out: textOf(
      fitLine(cells, out.columns, "  "),
      !(brief || quiet) && report.notes.map((note) => below(note, "  ", out, "dim")),
      error !== null && below(error, "  ", out, "bad"),
      !(brief && ok) && reply !== "" && below(`answer: ${answerText(reply)}`, "  ", out),
      hint !== null && below(hint, "  ", out, "caution"),
    ),
  };
}

export function renderSendSummary(report: SendSummaryLine, { out }: Style): Rendered {
  const { count, ok, failed, seconds, latency_ms: latency, statuses } = report;
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
function renderRequest({ n, request }: RequestReport, { out }: Style): Rendered {
  const { method, url, headers, body_b64, curl } = request;
  if (curl !== undefined) return { out: `${curl}\n` };
  return {
    out: textOf(
      n !== undefined && out.dim(`#${n}, not sent:`),
      out.strong(plain(`${method} ${url}`)),
      headerLines(headers, out),
      "",
      bodyLines(undefined, Buffer.from(body_b64, "base64")),
    ),
  };
}
