import { stripVTControlCharacters } from "node:util";
import { plain, type Rendered, type Style } from "./paint.ts";

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

/** A text below the line that it belongs to, broken between words where the terminal ends. */
export function below(
  text: string,
  indent: string,
  columns: number,
  paint: (line: string) => string = (line) => line,
): readonly string[] {
  return text
    .split("\n")
    .flatMap((each) => wrapLine(indent + each, columns).map((line) => indent + paint(line.trimStart())));
}

/**
 * Breaks text at spaces so that no line is longer than `columns`. Lines that begin with a space keep to themselves, and
 * what does not fit hangs below them, indented further; other lines that follow one another are one paragraph.
 */
export function wrapText(text: string, columns: number): string {
  const paragraphs: string[] = [];
  let open = false;
  for (const line of text.split("\n")) {
    const flowing = line !== "" && !/^\s/.test(line);
    if (flowing && open) paragraphs.push(`${paragraphs.pop()} ${line}`);
    else paragraphs.push(line);
    open = flowing;
  }
  return paragraphs.flatMap((line) => wrapLine(line, columns)).join("\n");
}

/** One line as several, the later ones two columns further in than the first when that has an indent. */
export function wrapLine(line: string, columns: number): readonly string[] {
  if (textWidth(line) <= columns) return [line];
  const indent = /^\s*/.exec(line)?.[0] ?? "";
  const hanging = indent === "" ? "" : `${indent}  `;
  const lines: string[] = [];
  let current = indent;
  // Wide gaps are columns of a table: they stay where they fit.
  for (const [, gap = "", word = ""] of line.slice(indent.length).matchAll(/(\s*)(\S+)/g)) {
    const fits = textWidth(current + gap + word) <= columns;
    if (fits || current.trim() === "") current += gap + word;
    else {
      lines.push(current);
      current = hanging + word;
    }
  }
  return [...lines, current];
}

/** What nearly all texts consist of, our own marks included, has a column for each unit. */
const NARROW = /^[\u0020-\u02ff\u2010-\u2027\u2190-\u2193\u2713\u2717]*$/;

/** How many columns of a terminal a text takes: two for an emoji or a character of East Asia, none for what joins others. */
export function textWidth(text: string): number {
  return NARROW.test(text) ? text.length : widthByCharacter(text);
}

/** Text with spaces behind it, up to that many columns. */
function padEnd(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - textWidth(text)));
}

/** A segmenter's time grows with the square of what it is given: a long text is cut up, at most wrong by a character a piece. */
const PIECE = /.{1,1000}/gsu;

let segmenter: Intl.Segmenter | undefined;

/** By what a person counts as one: a letter with its accents, a family. All that it takes is made when it is first needed. */
function widthByCharacter(text: string): number {
  // Half-width forms are narrow, whatever script they are of.
  const wide =
    /^(?![\uff61-\uffdc])[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Bopomofo}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6\p{Emoji_Presentation}]|\ufe0f/u;
  const invisible = /^[\p{Cf}\p{Mn}\p{Me}]+$/u;
  segmenter ??= new Intl.Segmenter("en");
  let width = 0;
  for (const piece of text.match(PIECE) ?? []) {
    for (const { segment } of segmenter.segment(piece))
      width += wide.test(segment) ? 2 : invisible.test(segment) ? 0 : 1;
  }
  return width;
}

/** Rows for a person, objects for a script. */
export interface TableReport {
  readonly type: "table";
  readonly title?: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** One JSON line a row, in place of the table. */
  readonly json: readonly Readonly<Record<string, unknown>>[];
  readonly footer?: string;
}
