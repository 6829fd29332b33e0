import type { DriftLine } from "../history/lines.ts";
import type { DecisionsReport, NoticeReport, TextReport, WarningReport } from "../process/messages.ts";
import type { EventReport } from "../receiver/event-report.ts";
import type { MissedLine } from "../reconcile/lines.ts";
import { plain } from "../util/text.ts";
import { renderCheck, renderCheckSummary } from "./check.ts";
import { renderDrifts } from "./drift.ts";
import { renderEmulatedDelivery, renderEmulatedRequest, renderEmulator } from "./emulator.ts";
import { INDENT, renderEvent } from "./event.ts";
import { renderEventDetails } from "./event-details.ts";
import { renderForward, renderGap, renderRecord, renderTarget, renderTunnel } from "./forward.ts";
import { below, fitRows, renderTable, textOf, wrapLine } from "./layout.ts";
import type { Rendered, Style } from "./paint.ts";
import { renderProduct } from "./product.ts";
import { renderReconcile } from "./reconcile.ts";
import { renderReady, renderSummary } from "./run.ts";
import { renderSendSummary, renderSent } from "./sent.ts";
import { renderStats } from "./stats.ts";
import { renderVerified, renderVerifySummary } from "./verified.ts";
import { renderApiRequest, renderChannel, renderSignIn, renderWebhook, renderWebhookFailure } from "./zoho.ts";

/** Prints each type of report, under its name. */
const printers = {
  ready: renderReady,
  event: (report: EventReport, style: Style) => {
    const { details, explainCommand } = report.person;
    return details === undefined ? renderEvent(report, style) : renderEventDetails(details, explainCommand, style);
  },
  forward: renderForward,
  target: renderTarget,
  tunnel: renderTunnel,
  gap: renderGap,
  summary: renderSummary,
  stats: renderStats,
  // For scripts only: `drifts` has all of them.
  drift: (_: DriftLine) => ({}),
  drifts: renderDrifts,
  sent: renderSent,
  send_summary: renderSendSummary,
  verified: renderVerified,
  verify_summary: renderVerifySummary,
  product: renderProduct,
  channel: renderChannel,
  record: renderRecord,
  webhook: renderWebhook,
  webhook_failure: renderWebhookFailure,
  // In the tables of the line after them.
  missed: (_: MissedLine) => ({}),
  reconcile: renderReconcile,
  sign_in: renderSignIn,
  api_request: renderApiRequest,
  emulator: renderEmulator,
  emulated_request: renderEmulatedRequest,
  emulated_delivery: renderEmulatedDelivery,
  check: renderCheck,
  check_summary: renderCheckSummary,
  table: renderTable,
  notice: ({ message, below: isBelow }: NoticeReport, { err, quiet }: Style) => {
    if (quiet) return {};
    return { err: textOf(isBelow ? below(message, INDENT, err, "dim") : err.dim(plain(message))) };
  },
  decisions: ({ message, decisions }: DecisionsReport, { err }: Style) => {
    const rows = decisions.map(({ label, value, file }) => [label, plain(value), file]);
    const lines = fitRows(rows, err.columns - 2) ?? rows.flatMap((row) => wrapLine(row.join("  "), err.columns - 2));
    return {
      err: textOf(
        err.strong(plain(message)),
        lines.map((line) => `  ${line}`),
      ),
    };
  },
  warning: ({ message, hint }: WarningReport, { err }: Style) => {
    const text = `${err.caution("warning:")} ${plain(message)}`;
    return { err: textOf(text, hint !== undefined && `  ${err.dim(plain(hint))}`) };
  },
  // Not cleaned afterwards: scripts get every character of a file or path.
  text: ({ text }: TextReport, { out }: Style) => ({ out: out.live ? plain(text, true) : text }),
} satisfies Readonly<Record<string, (report: never, style: Style) => Rendered>>;

/** All that can be reported: what one of these prints. */
export type Report = Parameters<(typeof printers)[keyof typeof printers]>[0];

/** A report as text for a person. Whatever its values hold, only our own colours control the terminal. */
export function renderText(report: Report, style: Style): Rendered {
  const print = printers[report.type] as (report: Report, style: Style) => Rendered;
  const { out = "", err = "" } = print(report, style);
  return { out: report.type === "text" ? out : style.out.clean(out), err: style.err.clean(err) };
}
