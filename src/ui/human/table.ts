import type { TableReport } from "../../core/report.ts";
import type { Rendered } from "../context.ts";
import type { Style } from "../human.ts";
import { plain } from "../paint.ts";

export function renderTable({ title, columns, rows, footer }: TableReport, { out, quiet }: Style): Rendered {
  const clean = rows.map((row) => row.map((cell) => plain(cell)));
  const [head = "", ...lines] = alignRows([columns, ...clean]);
  return {
    out: [
      ...(title === undefined || quiet ? [] : [out.strong(title)]),
      ...(quiet ? [] : [out.dim(head)]),
      ...lines,
      ...(footer === undefined || quiet ? [] : ["", out.dim(footer)]),
      "",
    ].join("\n"),
  };
}

/** Columns of equal width, two spaces apart; numbers stand to the right where asked for. */
export function alignRows(
  rows: readonly (readonly string[])[],
  rightColumns: readonly number[] = [],
): readonly string[] {
  const width = (column: number): number => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  const widths = (rows[0] ?? []).map((_, column) => width(column));
  return rows.map((row) =>
    row
      .map((cell, i) => (rightColumns.includes(i) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
}
