import type { MissedLine, ReconcileReport } from "../reconcile/lines.ts";
import { counted, formatDay } from "../util/units.ts";
import { clockTime } from "./event.ts";
import { renderTable, textOf } from "./layout.ts";
import type { Rendered, Style } from "./paint.ts";

/** A table for each state, and what was compared. */
export function renderReconcile(report: ReconcileReport, style: Style): Rendered {
  const { modules, since, credits } = report;
  const { changes, deliverCommand } = report.person;
  const { err, quiet } = style;
  const ofState = (state: MissedLine["state"]): readonly MissedLine[] =>
    changes.filter((change) => change.state === state);
  const [missed, delivered, perhaps] = [ofState("missed"), ofState("delivered"), ofState("perhaps")];
  const table = (title: string, rows: readonly MissedLine[]): string =>
    rows.length === 0 ? "" : (renderTable(tableOf(title, rows), style).out ?? "");
  const found =
    missed.length + delivered.length === 0
      ? "nothing was missed"
      : `${counted(missed.length + delivered.length, "change was", "changes were")} missed`;
  const compared = `${found} in ${modules.join(", ")} since ${localTime(since)} (${counted(credits, "API credit")})`;
  return {
    out: [
      table("missed", missed),
      table("missed, and in the event log now", delivered),
      table("perhaps missed: the channel is limited to some fields, and Zoho does not say which have changed", perhaps),
    ].join(""),
    err: textOf(
      !quiet && err.dim(compared),
      !quiet && missed.length > 0 && err.dim(`to have your app get them: ${deliverCommand}`),
    ),
  };
}

function tableOf(title: string, changes: readonly MissedLine[]) {
  const isLogged = changes.some(({ n }) => n !== null);
  return {
    type: "table" as const,
    title,
    columns: ["module", "id", "operation", "changed at", ...(isLogged ? ["event"] : [])],
    rows: changes.map(({ module, id, operation, at, n }) => [
      module,
      id,
      operation,
      localTime(at),
      ...(n === null ? [] : [`#${n}`]),
    ]),
    json: [],
  };
}

function localTime(time: string): string {
  const at = new Date(time);
  return `${formatDay(at)} ${clockTime(at)}`;
}
