import type { SendSummaryReport, SentReport } from "../../core/send-report.ts";
import { isSuccess } from "../../core/status.ts";
import { formatBytes, formatDuration } from "../../core/units.ts";
import type { Rendered } from "../context.ts";
import type { Style } from "../human.ts";
import { plain } from "../paint.ts";
import { below } from "./below.ts";
import { fitLine } from "./fit-line.ts";

export function renderSent(report: SentReport, { out, quiet, columns }: Style): Rendered {
  const ok = report.error === undefined && isSuccess(report.status);
  if (quiet && ok) return {};
  const status =
    report.status === undefined
      ? out.bad("✗ ---")
      : ok
        ? out.good(`✓ ${report.status}`)
        : out.bad(`✗ ${report.status}`);
  const cells = [
    { text: status, width: 5 },
    ...(report.n === undefined ? [] : [{ text: out.strong(`#${report.n}`), width: 5 }]),
    { text: out.name(plain(report.product ?? "?")), width: 13 },
    {
      text: plain(report.event ?? (report.n === undefined ? "(own body)" : "(no known event)")),
      width: Math.max(26, report.nameWidth ?? 0),
    },
    { text: out.dim(formatDuration(report.latencyMs)), width: 8, right: true },
    { text: out.dim(formatBytes(report.bytes)), width: 8, right: true },
    { text: out.dim(plain(report.url)) },
  ];
  const wrapped = (text: string, paint?: (line: string) => string): readonly string[] =>
    below(plain(text), "  ", columns, paint);
  const lower = [
    ...(report.brief ? [] : report.notes.flatMap((note) => wrapped(note, out.dim))),
    ...(report.error === undefined ? [] : wrapped(report.error, out.bad)),
    ...((report.brief && ok) || report.replyPreview === undefined || report.replyPreview === ""
      ? []
      : wrapped(`answer: ${report.replyPreview}`)),
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
      // Who did not answer was not fast.
      ...(isAnswered
        ? [
            `  latency  p50 ${formatDuration(p50)}  p95 ${formatDuration(p95)}  p99 ${formatDuration(p99)}  max ${formatDuration(max)}`,
          ]
        : []),
      "",
    ].join("\n"),
  };
}
