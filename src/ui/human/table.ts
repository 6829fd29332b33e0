import type { TableReport } from "../../core/report.ts";
import type { Rendered } from "../context.ts";
import type { Style } from "../human.ts";
import { plain } from "../paint.ts";
import { padEnd, textWidth } from "../text-width.ts";
import { wrapLine } from "../wrap.ts";
import { fitLine } from "./fit-line.ts";

/**
 * A table; in a narrow terminal long cells are broken between words, and where that does not help, each row is a line that is
 * broken between its cells.
 */
export function renderTable({ title, columns, rows, footer }: TableReport, { out, quiet, columns: width }: Style) {
  const clean = rows.map((row) => row.map((cell) => plain(cell)));
  // A sender's words stand in these, too: the name of its event.
  const [head, ...lines] = fitRows([columns.map((column) => plain(column)), ...clean], width) ?? [];
  const narrow = () =>
    clean.flatMap((row) =>
      fitLine(
        row.map((text) => ({ text })),
        width,
        "  ",
      ).flatMap((line) => wrapLine(line, width)),
    );
  return {
    out: [
      ...(title === undefined || quiet ? [] : [out.strong(plain(title))]),
      ...(quiet || head === undefined ? [] : [out.dim(head)]),
      ...(head === undefined ? narrow() : lines),
      ...(footer === undefined || quiet ? [] : ["", out.dim(plain(footer, true))]),
      "",
    ].join("\n"),
  } satisfies Rendered;
}

/** A cell of this length is a thing of its own, such as a span of time, and stays in one piece. */
const SHORT = 20;

/** The lines of a table that is no wider than that; the first row takes one line. Undefined where words would have to be broken. */
export function fitRows(rows: readonly (readonly string[])[], width: number): readonly string[] | undefined {
  const [head = []] = rows;
  const longest = (length: (cell: string) => number): readonly number[] =>
    head.map((_, column) => largest(rows, (row) => length(row[column] ?? "")));
  const least = longest((cell) => (textWidth(cell) <= SHORT ? textWidth(cell) : Math.max(SHORT, longestWord(cell))));
  const widths = [...longest(textWidth)];
  let over = widths.reduce((sum, each) => sum + each + 2, -2) - width;
  for (; over > 0; over--) {
    const widest = widths.reduce((best, each, i) => {
      const gives = each > (least[i] ?? 0);
      return gives && each > (widths[best] ?? 0) ? i : best;
    }, -1);
    if (widest === -1) return undefined;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return rows.flatMap((row) => {
    const cells = row.map((cell, i) => wrapLine(cell, widths[i] ?? 0));
    const height = largest(cells, (lines) => lines.length);
    return Array.from({ length: height }, (_, line) =>
      cells
        .map((lines, i) => padEnd(lines[line] ?? "", widths[i] ?? 0))
        .join("  ")
        .trimEnd(),
    );
  });
}

function longestWord(text: string): number {
  return largest(text.split(" "), textWidth);
}

/** `Math.max(...all)` takes no more values than fit on the stack. */
function largest<T>(all: readonly T[], of: (each: T) => number): number {
  return all.reduce((most, each) => Math.max(most, of(each)), 0);
}

/** Columns of equal width, two spaces apart; numbers stand to the right where asked for. */
export function alignRows(
  rows: readonly (readonly string[])[],
  rightColumns: readonly number[] = [],
): readonly string[] {
  const width = (column: number): number => largest(rows, (row) => textWidth(row[column] ?? ""));
  const widths = (rows[0] ?? []).map((_, column) => width(column));
  return rows.map((row) =>
    row
      .map((cell, i) => (rightColumns.includes(i) ? cell.padStart(widths[i] ?? 0) : padEnd(cell, widths[i] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
}
