import type { Report, Reports } from "../process/messages.ts";
import { plain } from "../util/text.ts";
import { renderApiRequest, renderChannel, renderSignIn } from "./channel.ts";
import { renderCheck, renderCheckSummary } from "./check.ts";
import { INDENT, renderEvent } from "./event.ts";
import { renderForward, renderGap, renderTarget, renderTunnel } from "./forward.ts";
import { below, fitRows, renderTable, wrapLine } from "./layout.ts";
import { renderDrift, renderEntry, renderLogStats } from "./log.ts";
import type { Rendered, Style } from "./paint.ts";
import { renderProduct } from "./product.ts";
import { renderReady, renderRecord, renderSummary } from "./run.ts";
import { renderRequest, renderSendSummary, renderSent } from "./sent.ts";
import { renderVerified, renderVerifySummary } from "./verified.ts";
import { renderWebhook, renderWebhookFailure } from "./webhook.ts";

type Renderers = {
  readonly [Kind in keyof Reports]: (report: Reports[Kind], style: Style) => Rendered;
};

const renderers: Renderers = {
  ready: renderReady,
  event: renderEvent,
  forward: renderForward,
  target: renderTarget,
  tunnel: renderTunnel,
  gap: renderGap,
  entry: renderEntry,
  "log-stats": renderLogStats,
  drift: renderDrift,
  summary: renderSummary,
  sent: renderSent,
  "send-summary": renderSendSummary,
  request: renderRequest,
  verified: renderVerified,
  product: renderProduct,
  channel: renderChannel,
  webhook: renderWebhook,
  "webhook-failure": renderWebhookFailure,
  record: renderRecord,
  "sign-in": renderSignIn,
  "api-request": renderApiRequest,
  "verify-summary": renderVerifySummary,
  check: renderCheck,
  "check-summary": renderCheckSummary,
  table: renderTable,
  notice: ({ message, below: isBelow }, { err, quiet, errColumns }) => {
    if (quiet) return {};
    const text = plain(message);
    return { err: `${isBelow ? below(text, INDENT, errColumns, err.dim).join("\n") : err.dim(text)}\n` };
  },
  decisions: ({ message, decisions }, { err, errColumns }) => {
    const rows = decisions.map(({ label, value, file }) => [label, plain(value), file]);
    const lines = fitRows(rows, errColumns - 2) ?? rows.flatMap((row) => wrapLine(row.join("  "), errColumns - 2));
    return { err: `${[err.strong(plain(message)), ...lines.map((line) => `  ${line}`)].join("\n")}\n` };
  },
  warning: ({ message, hint }, { err }) => ({
    err: `${err.caution("warning:")} ${plain(message)}\n${hint === undefined ? "" : `  ${err.dim(plain(hint))}\n`}`,
  }),
  // Not cleaned afterwards: scripts get every character of a file or path.
  text: ({ text }, { out }) => ({ out: out.live ? plain(text, true) : text }),
};

/** A report as text for a person. Whatever its values hold, only our own colours control the terminal. */
export function renderHuman(report: Report, style: Style): Rendered {
  const render = renderers[report.type] as (report: Report, style: Style) => Rendered;
  const { out = "", err = "" } = render(report, style);
  return { out: report.type === "text" ? out : style.out.clean(out), err: style.err.clean(err) };
}
