import type { TableReport } from "../../core/report.ts";
import type { Rendered } from "../context.ts";
import type { Style } from "../human.ts";
import { plain } from "../paint.ts";
import { fitLine } from "./fit-line.ts";

/** A table; where the terminal is too narrow for it, each row as a line that is broken between its cells. */
export function renderTable({ title, columns, rows, footer }: TableReport, { out, quiet, columns: width }: Style) {
  const clean = rows.map((row) => row.map((cell) => plain(cell)));
  const [head = "", ...lines] = alignRows([columns, ...clean]);
  const fits = [head, ...lines].every((line) => line.length <= width);
  const narrow = clean.flatMap((row) =>
    fitLine(
      row.map((text) => ({ text })),
      width,
      "  ",
    ),
  );
  return {
    out: [
      ...(title === undefined || quiet ? [] : [out.strong(title)]),
      ...(quiet || !fits ? [] : [out.dim(head)]),
      ...(fits ? lines : narrow),
      ...(footer === undefined || quiet ? [] : ["", out.dim(footer)]),
      "",
    ].join("\n"),
  } satisfies Rendered;
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
