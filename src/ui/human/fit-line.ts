import { stripVTControlCharacters } from "node:util";

/** A piece of a line; `width` makes it a column where there is room, of numbers when it stands to the right. */
interface Cell {
  readonly text: string;
  readonly width?: number;
  readonly right?: boolean;
}

/**
 * Pieces as one line with aligned columns. Where that is too long for the terminal it is broken between pieces, the later
 * lines behind `indent`; where even the columns are too long for it there are none.
 */
export function fitLine(cells: readonly Cell[], columns: number, indent: string): readonly string[] {
  const total = cells.reduce((sum, { width = -1 }) => sum + width + 1, -1);
  const aligned = total <= columns;
  const lines: string[] = [];
  let line = "";
  let wasColumn = false;
  for (const cell of cells) {
    const text = aligned ? padded(cell) : cell.text;
    if (text === "") continue;
    const isColumn = aligned && cell.width !== undefined;
    const gap = isColumn && wasColumn ? " " : "  ";
    if (line === "") line = text;
    else if (visibleLength(line + gap + cell.text) <= columns) line += gap + text;
    else {
      lines.push(line.trimEnd());
      line = indent + cell.text;
    }
    wasColumn = isColumn;
  }
  return [...lines, line.trimEnd()];
}

function padded({ text, width = 0, right = false }: Cell): string {
  const padding = " ".repeat(Math.max(0, width - visibleLength(text)));
  return right ? padding + text : text + padding;
}

function visibleLength(text: string): number {
  return stripVTControlCharacters(text).length;
}
