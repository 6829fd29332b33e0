import type { MissedLine, ReconcileLine } from "../process/lines.ts";
import type { ReconciledChange, ReconcileReport } from "../reconcile/reports.ts";
import { counted, formatDay } from "../util/units.ts";
import { clockTime } from "./event.ts";
import { renderTable, textOf } from "./layout.ts";
import type { Rendered, Style } from "./paint.ts";

/** A table for each state, and what was compared. */
export function renderReconcile(report: ReconcileReport, style: Style): Rendered {
  const { changes, modules, since, credits, deliverCommand } = report;
  const { err, quiet } = style;
  const ofState = (state: ReconciledChange["state"]): readonly ReconciledChange[] =>
    changes.filter((change) => change.state === state);
  const [missed, delivered, perhaps] = [ofState("missed"), ofState("delivered"), ofState("perhaps")];
  const table = (title: string, rows: readonly ReconciledChange[]): string =>
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

function tableOf(title: string, changes: readonly ReconciledChange[]) {
  const isLogged = changes.some(({ n }) => n !== undefined);
  return {
    type: "table" as const,
    title,
    columns: ["module", "id", "operation", "changed at", ...(isLogged ? ["event"] : [])],
    rows: changes.map(({ module, id, operation, at, n }) => [
      module,
      id,
      operation,
      localTime(at),
      ...(n === undefined ? [] : [`#${n}`]),
    ]),
    json: [],
  };
}

function localTime(at: Date): string {
  return `${formatDay(at)} ${clockTime(at)}`;
}

/** A `missed` line for each change, and a `reconcile` line at the end. */
export function reconcileLines(report: ReconcileReport): readonly (MissedLine | ReconcileLine)[] {
  const { product, since, modules, changes, credits } = report;
  const count = (state: ReconciledChange["state"]): number => changes.filter((each) => each.state === state).length;
  return [
    ...changes.map(({ state, module, id, operation, at, n }): MissedLine => {
      return {
        type: "missed",
        state,
        product,
        module,
        id,
        operation,
        at: at.toJSON(),
        n: n ?? null,
      };
    }),
    {
      type: "reconcile",
      product,
      since: since.toJSON(),
      modules,
      missed: count("missed"),
      perhaps: count("perhaps"),
      delivered: count("delivered"),
      credits,
    },
  ];
}
