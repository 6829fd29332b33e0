import { stripVTControlCharacters } from "node:util";
import { textWidth } from "../text-width.ts";

/** A piece of a line; `width` makes it a column where there is room, of numbers when it stands to the right. */
interface Cell {
  readonly text: string;
  readonly width?: number;
  readonly right?: boolean;
  /** Longer than its column, it has the rest of the line for itself: what would not stand in its place goes below. */
  readonly ownLine?: boolean;
}

/**
 * Pieces as one line with aligned columns. Where that is too long for the terminal it is broken between pieces, the later
 * lines behind `indent`; where even the columns are too long for it there are none. A piece that is longer than its
 * column takes from the room of those behind it. What is not for a terminal (`columns` is infinite) is never broken.
 */
export function fitLine(cells: readonly Cell[], columns: number, indent: string): readonly string[] {
  const total = cells.reduce((sum, { width = -1 }) => sum + width + 1, -1);
  const aligned = total <= columns;
  const lines: string[] = [];
  let line = "";
  let wasColumn = false;
  /** How far the next column stands to the right of its place. */
  let late = 0;
  let ownLine = false;
  for (const cell of cells) {
    const below: boolean = ownLine && late > 0 && cell.text !== "" && Number.isFinite(columns);
    if (below) late = 0;
    const text = aligned ? padded(cell, late) : cell.text;
    if (aligned) late = Math.max(0, late + visibleLength(cell.text) - (cell.width ?? Number.POSITIVE_INFINITY));
    ownLine = below ? false : ownLine || cell.ownLine === true;
    if (text === "") continue;
    const isColumn = aligned && cell.width !== undefined;
    const gap = isColumn && wasColumn ? " " : "  ";
    if (line === "") line = text;
    else if (!below && visibleLength(line + gap + cell.text) <= columns) line += gap + text;
    else {
      lines.push(line.trimEnd());
      line = indent + (below ? text : cell.text);
    }
    wasColumn = isColumn;
  }
  return [...lines, line.trimEnd()];
}

function padded({ text, width = 0, right = false }: Cell, late: number): string {
  const padding = " ".repeat(Math.max(0, width - late - visibleLength(text)));
  return right ? padding + text : text + padding;
}

function visibleLength(text: string): number {
  return textWidth(stripVTControlCharacters(text));
}
