import type { Report } from "../core/report.ts";
import type { Rendered } from "./context.ts";
import { below } from "./human/below.ts";
import { renderApiRequest, renderChannel, renderSignIn } from "./human/channel.ts";
import { renderDrift } from "./human/drift.ts";
import { renderEntry } from "./human/entry.ts";
import { INDENT, renderEvent } from "./human/event.ts";
import { renderForward, renderTarget, renderTunnel } from "./human/forward.ts";
import { renderLogStats } from "./human/log-stats.ts";
import { renderProduct } from "./human/product.ts";
import { renderReady } from "./human/ready.ts";
import { renderRecord } from "./human/record.ts";
import { renderRequest } from "./human/request.ts";
import { renderSendSummary, renderSent } from "./human/sent.ts";
import { renderSummary } from "./human/summary.ts";
import { renderTable } from "./human/table.ts";
import { renderVerified, renderVerifySummary } from "./human/verified.ts";
import { renderWebhook } from "./human/webhook.ts";
import { type Paint, plain } from "./paint.ts";

export interface Style {
  /** Paint for stdout and for stderr: one may be a terminal and the other a file. */
  readonly out: Paint;
  readonly err: Paint;
  /** Of stdout; endless where it is no terminal. */
  readonly columns: number;
  /** Of stderr. */
  readonly errColumns: number;
  readonly verbose: boolean;
  readonly quiet: boolean;
}

type Renderers = {
  readonly [Kind in Report["type"]]: (report: Extract<Report, { type: Kind }>, style: Style) => Rendered;
};

const renderers: Renderers = {
  ready: renderReady,
  event: renderEvent,
  forward: renderForward,
  target: renderTarget,
  tunnel: renderTunnel,
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
  record: renderRecord,
  "sign-in": renderSignIn,
  "api-request": renderApiRequest,
  "verify-summary": renderVerifySummary,
  table: renderTable,
  notice: ({ message, below: isBelow }, { err, quiet, errColumns }) => {
    if (quiet) return {};
    const text = plain(message, true);
    return { err: `${isBelow ? below(text, INDENT, errColumns, err.dim).join("\n") : err.dim(text)}\n` };
  },
  warning: ({ message, hint }, { err }) => ({
    err: `${err.caution("warning:")} ${plain(message, true)}\n${hint === undefined ? "" : `  ${err.dim(plain(hint, true))}\n`}`,
  }),
  text: ({ text }) => ({ out: text }),
};

/** A report as text for people. */
export function renderHuman<Kind extends Report["type"]>(
  report: Extract<Report, { type: Kind }>,
  style: Style,
): Rendered {
  return (renderers[report.type as Kind] as (report: Extract<Report, { type: Kind }>, style: Style) => Rendered)(
    report,
    style,
  );
}
