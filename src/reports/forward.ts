import type { RecordLine } from "../channels/lines.ts";
import { isQueue } from "../delivery/target.ts";
import type { ForwardReport, TargetLine } from "../forward/lines.ts";
import { isDelivered } from "../forward/post-failure.ts";
import type { GapReport, TunnelReport } from "../listener/lines.ts";
import { prettyJson } from "../util/json-print.ts";
import { plain } from "../util/text.ts";
import { counted, formatDay, formatDuration } from "../util/units.ts";
import { clockTime, INDENT } from "./event.ts";
import { below, fitLine, linesOf, textOf } from "./layout.ts";
import { answerText, type Rendered, type Style, statusText, type Tone } from "./paint.ts";

export function renderForward(report: ForwardReport, { out, quiet }: Style): Rendered {
  const { n, state, target, status, attempt, error, hint, retry_in_ms: retryInMs } = report;
  const { showTarget, reply, sameAs, replayCommand, failedList } = report.person;
  const ok = isDelivered(report);
  // A success with a hint is one that the sender would not take for a success.
  if (quiet && ok && hint === null) return {};
  const answer = `→ ${statusText(target, status) ?? "no answer"}`;
  const texts = linesOf([
    out.dim(formatDuration(report.latency_ms)),
    showTarget && out.dim(plain(target)),
    attempt > 1 && out.dim(`attempt ${attempt}`),
    retryInMs !== null && out.caution(`trying again in ${formatDuration(retryInMs)}`),
    state === "failed" && out.bad("failed"),
    sameAs !== undefined && sameAs !== n && out.dim(`as #${sameAs}`),
  ]);
  const cells = [
    { text: out.dim(clockTime(new Date(report.at))), width: 8 },
    { text: out.strong(`#${n}`), width: 5 },
    { text: ok ? out.good(answer) : out.bad(answer), width: 5 },
    ...texts.map((text) => ({ text })),
  ];
  const indent = `${INDENT}      `;
  return {
    out: textOf(
      fitLine(cells, out.columns, indent),
      error !== null && sameAs === undefined && below(error, indent, out, "bad"),
      !ok && reply !== "" && below(`answer: ${answerText(reply).slice(0, 200)}`, indent, out),
      hint !== null && below(hint, indent, out, "caution"),
      replayCommand !== undefined && below(`to send it again: ${replayCommand}`, indent, out, "dim"),
      failedList !== undefined && below(`to list all failed deliveries: ${failedList}`, indent, out, "dim"),
    ),
  };
}

const MAX_RECORD_LENGTH = 160;

/** One line; with `--verbose` the whole record. */
export function renderRecord({ n, module, id, record, error, hint }: RecordLine, { out, verbose }: Style): Rendered {
  const name = `${INDENT}${out.strong(`#${n}`.padEnd(5))}  ${out.name(plain(`${module} ${id}`))}`;
  const indent = `${INDENT}       `;
  if (error !== undefined) {
    const failure = `${name}  ${out.caution(`no record: ${plain(error)}`)}`;
    return { out: textOf(failure, typeof hint === "string" && `${indent}${out.dim(plain(hint))}`) };
  }
  const json = JSON.stringify(record);
  if (verbose)
    return {
      out: textOf(
        name,
        plain(prettyJson(json), true)
          .split("\n")
          .map((line) => indent + line),
      ),
    };
  const text = plain(json);
  const shown = text.length > MAX_RECORD_LENGTH ? `${text.slice(0, MAX_RECORD_LENGTH)}… (-v shows all of it)` : text;
  return { out: textOf(`${name}  ${shown}`) };
}

export function renderTarget(
  { at, state, target, reason, waiting, down_ms: downMs }: TargetLine,
  style: Style,
): Rendered {
  const subject = isQueue(target) ? "the queue" : "your app";
  const cause = plain(reason ?? "nothing answers");
  const down = `! ${subject} is down: ${cause}. Deliveries for ${plain(target)} wait until it is back.`;
  const sending = !waiting
    ? "no deliveries are waiting"
    : `sending ${counted(waiting, "waiting delivery", "waiting deliveries")}`;
  return timed(
    at,
    state === "down" ? down : `✓ ${subject} is back after ${formatDuration(downMs ?? 0)}: ${sending}.`,
    style,
  );
}

export function renderTunnel(report: TunnelReport, style: Style): Rendered {
  const { at, state, url, previous_url: previousUrl, reason, down_ms: downMs } = report;
  const { moving } = report.person;
  const down = downMs === null ? "" : ` after ${formatDuration(downMs)}`;
  const next =
    moving.length === 0
      ? ": change it in the webhooks that you set up in Zoho yourself."
      : `. Moving ${plain(moving.join(", "))} to it.`;
  const moved = previousUrl === null ? "" : `. The public URL is now ${url} (was ${previousUrl})${next}`;
  const texts = {
    up: `✓ tunnel up: ${url}`,
    down: `! tunnel down: ${plain(reason ?? "")}. Zoho cannot reach you until it reconnects.`,
    reconnected: `✓ tunnel reconnected${down}${moved}`,
    lost: `✗ tunnel lost${down}`,
    closed: "! tunnel closed: Zoho cannot reach you until you open it again.",
  };
  return timed(at, texts[state], style);
}

export function renderGap({ reason, person, ...line }: GapReport, style: Style): Rendered {
  const [channels, webhooks] = person.commands;
  const [from, to] = [new Date(line.from), new Date(line.to)];
  const day = formatDay(from) === formatDay(to) ? "" : `${formatDay(from)} `;
  const span = `from ${day}${clockTime(from)} to ${clockTime(to)}`;
  return timed(
    line.to,
    `! nothing could arrive ${span} (${reason}): see ${channels} (channels) and ${webhooks}`,
    style,
  );
}

const TONES: Readonly<Record<string, Tone>> = { "✓": "good", "!": "caution", "✗": "bad" };

/** A line like an event's, with its time, in the colour of the mark that it begins with. */
function timed(at: string, text: string, { err }: Style): Rendered {
  const [first = "", ...others] = below(text, INDENT, err, TONES[text.charAt(0)]);
  return { err: textOf(`${err.dim(clockTime(new Date(at)))} ${first.slice(INDENT.length)}`, others) };
}
