import { isSuccess } from "../delivery/delivery.ts";
import { isQueue } from "../delivery/queue-address.ts";
import type { ForwardReport, TargetReport } from "../forward/reports.ts";
import type { GapReport, TunnelReport } from "../listener/reports.ts";
import type { JsonLine } from "../util/text.ts";
import { plain } from "../util/text.ts";
import { counted, formatDay, formatDuration } from "../util/units.ts";
import { clockTime, INDENT } from "./event.ts";
import { below, fitLine } from "./layout.ts";
import { answerText, type Paint, type Rendered, type Style, statusText } from "./paint.ts";

export function renderForward(report: ForwardReport, { out, quiet, columns }: Style): Rendered {
  const { state, status, error, hint, replyPreview, replayCommand, failedList } = report;
  const ok =
    state === "delivered" || ((state === "mirrored" || state === "single") && isSuccess(status) && error === undefined);
  // A success with a hint is one that the sender would not take for a success.
  if (quiet && ok && hint === undefined) return {};
  const answer = `→ ${statusText(report.target, status) ?? "no answer"}`;
  const texts = [
    out.dim(formatDuration(report.latencyMs)),
    ...(report.showTarget ? [out.dim(plain(report.target))] : []),
    ...(report.attempt > 1 ? [out.dim(`attempt ${report.attempt}`)] : []),
    ...(report.retryInMs === undefined ? [] : [out.caution(`trying again in ${formatDuration(report.retryInMs)}`)]),
    ...(state === "failed" ? [out.bad("failed")] : []),
  ];
  const cells = [
    { text: out.dim(clockTime(report.at)), width: 8 },
    { text: out.strong(`#${report.n}`), width: 5 },
    { text: ok ? out.good(answer) : out.bad(answer), width: 5 },
    ...texts.map((text) => ({ text })),
  ];
  const indent = `${INDENT}      `;
  const wrapped = (text: string, paint?: (line: string) => string): readonly string[] =>
    below(plain(text), indent, columns, paint);
  const lines = [
    ...fitLine(cells, columns, indent),
    ...(error === undefined ? [] : wrapped(error, out.bad)),
    ...(ok || replyPreview === "" ? [] : wrapped(`answer: ${answerText(replyPreview).slice(0, 200)}`)),
    ...(hint === undefined ? [] : wrapped(hint, out.caution)),
    ...(replayCommand === undefined ? [] : wrapped(`to send it again: ${replayCommand}`, out.dim)),
    ...(failedList === undefined ? [] : wrapped(`to list all failed deliveries: ${failedList}`, out.dim)),
  ];
  return { out: `${lines.join("\n")}\n` };
}

export function renderTarget(
  { at, state, target, reason, waiting, downMs }: TargetReport,
  { err, errColumns }: Style,
): Rendered {
  const subject = isQueue(target) ? "the queue" : "your app";
  if (state === "down") {
    const text = `! ${subject} is down: ${plain(reason ?? "nothing answers")}. Deliveries for ${plain(target)} wait until it is back.`;
    return { err: timed(at, text, errColumns, err, err.caution) };
  }
  const count =
    waiting === undefined || waiting === 0
      ? "no deliveries are waiting"
      : `sending ${counted(waiting, "waiting delivery", "waiting deliveries")}`;
  const text = `✓ ${subject} is back after ${formatDuration(downMs ?? 0)}: ${count}.`;
  return { err: timed(at, text, errColumns, err, err.good) };
}

export function renderTunnel(report: TunnelReport, { err, errColumns }: Style): Rendered {
  const { at, state, url, previousUrl, channelId, reason = "", downMs } = report;
  const down = downMs === undefined ? "" : ` after ${formatDuration(downMs)}`;
  const moved =
    previousUrl === undefined
      ? ""
      : `. The public URL is now ${url} (was ${previousUrl})${channelId === undefined ? ": change it in the webhooks that you set up in Zoho yourself." : `. Channel ${plain(channelId)} is being moved to it.`}`;
  const texts = {
    up: [`✓ tunnel up: ${url}`, err.good],
    down: [`! tunnel down: ${plain(reason)}. Zoho cannot reach you until it reconnects.`, err.caution],
    reconnected: [`✓ tunnel reconnected${down}${moved}`, err.good],
    lost: [`✗ tunnel lost${down}`, err.bad],
  } as const;
  const [text, tone] = texts[state];
  return { err: timed(at, text, errColumns, err, tone) };
}

export function renderGap({ from, to, reason, command }: GapReport, { err, errColumns }: Style): Rendered {
  const day = formatDay(from) === formatDay(to) ? "" : `${formatDay(from)} `;
  const span = `from ${day}${clockTime(from)} to ${clockTime(to)}`;
  const text = `! nothing could arrive ${span} (${reason}): see ${command}`;
  return { err: timed(to, text, errColumns, err, err.caution) };
}

/** A line like an event's, with its time. */
function timed(at: Date, text: string, columns: number, { dim }: Paint, tone: (text: string) => string): string {
  const lines = below(text, INDENT, columns, tone).join("\n");
  return `${dim(clockTime(at))} ${lines.slice(INDENT.length)}\n`;
}

export function forwardLine(report: ForwardReport): JsonLine {
  return {
    type: "forward",
    n: report.n,
    at: report.at.toISOString(),
    attempt: report.attempt,
    target: report.target,
    status: report.status ?? null,
    latency_ms: Number(report.latencyMs.toFixed(2)),
    error: report.error ?? null,
    hint: report.hint ?? null,
    state: report.state,
    retry_in_ms: report.retryInMs ?? null,
  };
}

export function targetLine({ at, state, target, reason, waiting, downMs }: TargetReport): JsonLine {
  return {
    type: "target",
    at: at.toISOString(),
    state,
    target,
    reason: reason ?? null,
    waiting: waiting ?? null,
    down_ms: downMs ?? null,
  };
}

export function tunnelLine({ at, state, url, previousUrl, reason, downMs }: TunnelReport): JsonLine {
  return {
    type: "tunnel",
    at: at.toISOString(),
    state,
    url: url ?? null,
    previous_url: previousUrl ?? null,
    reason: reason ?? null,
    down_ms: downMs ?? null,
  };
}

export function gapLine({ from, to, cause, reason }: GapReport): JsonLine {
  return { type: "gap", from: from.toISOString(), to: to.toISOString(), cause, reason };
}
