import type { ForwardReport, TargetReport, TunnelReport } from "../../core/forward-report.ts";
import { isSuccess } from "../../core/status.ts";
import { counted, formatDuration } from "../../core/units.ts";
import type { Rendered } from "../context.ts";
import type { Style } from "../human.ts";
import { type Paint, plain } from "../paint.ts";
import { below } from "./below.ts";
import { clockTime, INDENT } from "./event.ts";
import { fitLine } from "./fit-line.ts";

export function renderForward(report: ForwardReport, { out, quiet, columns }: Style): Rendered {
  const { n, status, state, latencyMs, error, hint, replyPreview, replayCommand, failedList } = report;
  const ok =
    state === "delivered" || ((state === "mirrored" || state === "single") && isSuccess(status) && error === undefined);
  // A yes that the sender would not take for one is no news that a quiet run may keep.
  if (quiet && ok && hint === undefined) return {};
  const answer = error === undefined ? String(status) : (status ?? "no answer");
  const cells = [
    `${INDENT}${out.strong(`#${n}`.padEnd(5))}`,
    ok ? out.good(`→ ${answer}`) : out.bad(`→ ${answer}`),
    out.dim(`${formatDuration(latencyMs)}  ${plain(report.target)}`),
    ...(report.attempt > 1 ? [out.dim(`attempt ${report.attempt}`)] : []),
    ...(report.retryInMs === undefined ? [] : [out.caution(`trying again in ${formatDuration(report.retryInMs)}`)]),
    ...(state === "failed" ? [out.bad("given up")] : []),
  ];
  const deeper = `${INDENT}      `;
  const wrapped = (text: string, paint?: (line: string) => string): readonly string[] =>
    below(plain(text), deeper, columns, paint);
  const lower = [
    ...(error === undefined ? [] : wrapped(error, out.bad)),
    ...(ok || replyPreview === "" ? [] : wrapped(`answer: ${replyPreview.slice(0, 200)}`)),
    ...(hint === undefined ? [] : wrapped(hint, out.caution)),
    ...(replayCommand === undefined ? [] : wrapped(`to send it again: ${replayCommand}`, out.dim)),
    ...(failedList === undefined ? [] : wrapped(`to list all that were given up: ${failedList}`, out.dim)),
  ];
  const lines = fitLine(
    cells.map((text) => ({ text })),
    columns,
    deeper,
  );
  return { out: `${[...lines, ...lower].join("\n")}\n` };
}

export function renderTarget(
  { at, state, target, reason, waiting, downMs }: TargetReport,
  { err, errColumns }: Style,
): Rendered {
  if (state === "down") {
    const why = plain(reason ?? "it is not there");
    const text = `! your app is down: ${why}. Deliveries for ${plain(target)} wait until it is back.`;
    return { err: timed(at, text, errColumns, err, err.caution) };
  }
  const count =
    waiting === undefined || waiting === 0
      ? "nothing was waiting for it"
      : `sending it the ${counted(waiting, "delivery", "deliveries")} that waited`;
  const text = `✓ your app is back after ${formatDuration(downMs ?? 0)}: ${count}.`;
  return { err: timed(at, text, errColumns, err, err.good) };
}

export function renderTunnel(report: TunnelReport, { err, errColumns }: Style): Rendered {
  const { at, state, url, previousUrl, reason = "", downMs } = report;
  const down = downMs === undefined ? "" : ` after ${formatDuration(downMs)}`;
  const moved = previousUrl === undefined ? "" : ` with a new URL: ${url} (was ${previousUrl}); change it in Zoho`;
  const told = {
    up: [`✓ tunnel up: ${url}`, err.good],
    down: [`! tunnel down: ${plain(reason)}. Until it is back, Zoho's deliveries do not arrive.`, err.caution],
    reconnected: [`✓ tunnel reconnected${down}${moved}`, err.good],
    // The run's error says the rest.
    lost: [`✗ tunnel lost${down}`, err.bad],
  } as const;
  const [text, tone] = told[state];
  return { err: timed(at, text, errColumns, err, tone) };
}

/** What belongs to no event stands where one would, with its time. */
function timed(at: Date, text: string, columns: number, { dim }: Paint, tone: (text: string) => string): string {
  const lines = below(text, INDENT, columns, tone).join("\n");
  return `${dim(clockTime(at))} ${lines.slice(INDENT.length)}\n`;
}
