import type { ForwardReport, TargetReport, TunnelReport } from "../../core/forward-report.ts";
import { formatDuration } from "../../core/units.ts";
import type { Rendered } from "../context.ts";
import type { Style } from "../human.ts";
import { plain } from "../paint.ts";
import { INDENT } from "./event.ts";

export function renderForward(report: ForwardReport, { out, quiet }: Style): Rendered {
  const { n, status, state, latencyMs, error, hint, replyPreview } = report;
  const ok =
    state === "delivered" ||
    ((state === "mirrored" || state === "single") && status !== undefined && status < 300 && error === undefined);
  // A yes that the sender would not take for one is no news that a quiet run may keep.
  if (quiet && ok && hint === undefined) return {};
  const answer = error === undefined ? String(status) : (status ?? "no answer");
  const line = [
    `${INDENT}${out.strong(`#${n}`.padEnd(5))}`,
    ok ? out.good(`→ ${answer}`) : out.bad(`→ ${answer}`),
    out.dim(`${formatDuration(latencyMs)}  ${plain(report.target)}`),
    ...(report.attempt > 1 ? [out.dim(`attempt ${report.attempt}`)] : []),
    ...(report.retryInMs === undefined ? [] : [out.caution(`trying again in ${formatDuration(report.retryInMs)}`)]),
    ...(state === "failed" ? [out.bad("given up: see zoho-hooks events list --failed")] : []),
  ].join("  ");
  const below = [
    ...(error === undefined ? [] : [out.bad(plain(error))]),
    ...(ok || replyPreview === "" ? [] : [`${out.dim("answer:")} ${plain(replyPreview).slice(0, 200)}`]),
    ...(hint === undefined ? [] : [out.dim(plain(hint))]),
  ];
  return { out: `${[line, ...below.map((text) => `${INDENT}      ${text}`)].join("\n")}\n` };
}

export function renderTarget({ state, target, reason, waiting, downMs }: TargetReport, { err }: Style): Rendered {
  if (state === "down") {
    const why = plain(reason ?? "it is not there");
    return {
      err: `${INDENT}${err.caution("! your app is down:")} ${why}. Deliveries for ${plain(target)} wait in the log.\n`,
    };
  }
  const count =
    waiting === undefined || waiting === 0
      ? "nothing waits"
      : `${waiting} waiting ${waiting === 1 ? "delivery goes" : "deliveries go"} on`;
  return { err: `${INDENT}${err.good("✓ your app is back")} after ${formatDuration(downMs ?? 0)}: ${count}.\n` };
}

export function renderTunnel(report: TunnelReport, { err }: Style): Rendered {
  const down = report.downMs === undefined ? "" : ` after ${formatDuration(report.downMs)}`;
  const texts = {
    up: () => `${err.good("✓ tunnel up:")} ${report.url}`,
    down: () =>
      `${err.caution("! tunnel down:")} ${plain(report.reason ?? "")}. Zoho's deliveries do not arrive until it is back.`,
    reconnected: () =>
      `${err.good("✓ tunnel reconnected")}${down}${report.previousUrl === undefined ? "" : ` under another URL: ${report.url} (was ${report.previousUrl}); change it in Zoho`}`,
    lost: () => `${err.bad("✗ tunnel lost")}${down}: ${plain(report.reason ?? "")}`,
  };
  return { err: `${INDENT}${texts[report.state]()}\n` };
}
