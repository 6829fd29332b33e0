import { stripVTControlCharacters } from "node:util";
import type { HeaderPair } from "../delivery/delivery.ts";
import { utf8Text } from "../delivery/payload.ts";
import type { TableReport } from "../process/messages.ts";
import type { Output } from "../process/output.ts";
import { prettyJson } from "../util/json-print.ts";
import { cutText, NARROW, plain, textWidth } from "../util/text.ts";
import { formatBytes } from "../util/units.ts";
import type { Paint, Rendered, Style, Tone } from "./paint.ts";

/** A line of text or several, or none where a condition is not met. */
export type Lines = string | false | null | undefined | readonly Lines[];

/** Lines as text for a stream. */
export function textOf(...lines: readonly Lines[]): string {
  return linesOf(lines)
    .map((line) => `${line}\n`)
    .join("");
}

export function linesOf(lines: Lines): readonly string[] {
  if (Array.isArray(lines)) return lines.flatMap(linesOf);
  return typeof lines === "string" ? [lines] : [];
}

/** In a narrow terminal long cells are broken between words; where that is not enough, there are no columns. */
export function renderTable({ title, columns, rows, footer }: TableReport, { out, quiet }: Style): Rendered {
  const { columns: width } = out;
  const clean = rows.map((row) => row.map((cell) => plain(cell)));
  // Headings can hold a sender's words, too: an event's name.
  const fitted = fitRows([columns.map((column) => plain(column)), ...clean], width);
  const [head, ...lines] = fitted ?? [];
  const narrow = () =>
    clean.flatMap((row) => {
      const cells = row.map((text) => ({ text }));
      return fitLine(cells, width, "  ");
    });
  return {
    out: textOf(
      !quiet && title !== undefined && out.strong(plain(title)),
      !quiet && head !== undefined && out.dim(head),
      fitted === undefined ? narrow() : lines,
      !quiet && footer !== undefined && ["", out.dim(plain(footer, true))],
    ),
  };
}

/** Cells up to this length, such as a span of time, are never broken. */
const MAX_UNBROKEN = 20;

type Rows = readonly (readonly string[])[];

/** A table's lines within a width, the first row on one line; undefined if words would have to be broken. */
export function fitRows(rows: Rows, width: number): readonly string[] | undefined {
  const widths = columnWidths(rows);
  const least = columnWidths(rows, (cell) =>
    textWidth(cell) <= MAX_UNBROKEN ? textWidth(cell) : Math.max(MAX_UNBROKEN, largest(cell.split(" "), textWidth)),
  );
  for (let over = widths.reduce((sum, each) => sum + each + 2, -2) - width; over > 0; over--) {
    const canShrink = widths.map((each, i) => (each > (least[i] ?? 0) ? each : 0));
    const widest = largest(canShrink, (each) => each);
    if (widest === 0) return undefined;
    widths[canShrink.indexOf(widest)] = widest - 1;
  }
  return rows.flatMap((row) => {
    const cells = row.map((cell, i) => wrapLine(cell, widths[i] ?? 0));
    const height = largest(cells, (lines) => lines.length);
    return alignCells(
      Array.from({ length: height }, (_, line) => cells.map((lines) => lines[line] ?? "")),
      widths,
    );
  });
}

/** Columns as wide as their longest cell, two spaces apart. */
export function alignRows(rows: Rows, rightColumns: readonly number[] = []): readonly string[] {
  return alignCells(rows, columnWidths(rows), rightColumns);
}

function alignCells(rows: Rows, widths: readonly number[], rightColumns: readonly number[] = []): readonly string[] {
  return rows.map((row) => {
    const cells = row.map((cell, i) => {
      const spaces = " ".repeat(Math.max(0, (widths[i] ?? 0) - textWidth(cell)));
      return rightColumns.includes(i) ? spaces + cell : cell + spaces;
    });
    return cells.join("  ").trimEnd();
  });
}

function columnWidths(rows: Rows, widthOf: (cell: string) => number = textWidth): number[] {
  return (rows[0] ?? []).map((_, column) => largest(rows, (row) => widthOf(row[column] ?? "")));
}

/** `Math.max(...all)` overflows the stack for very many values. */
function largest<T>(all: readonly T[], of: (each: T) => number): number {
  return all.reduce((most, each) => Math.max(most, of(each)), 0);
}

/** A piece of a line. With a `width` it is a column, as long as the terminal has room for columns. */
interface Cell {
  readonly text: string;
  readonly width?: number;
  readonly right?: boolean;
}

/**
 * Pieces as one line with aligned columns, broken between pieces where the terminal ends; without columns where even those
 * are too wide for it. A piece that is longer than its column takes the room of those behind it. Output that is not for a
 * terminal (`columns` is infinite) is never broken.
 */
export function fitLine(cells: readonly Cell[], columns: number, indent: string): readonly string[] {
  const aligned = cells.reduce((sum, { width = -1 }) => sum + width + 1, -1) <= columns;
  const lines: string[] = [];
  let line = "";
  let lineWidth = 0;
  let wasColumn = false;
  /** How far the next column is to the right of its place. */
  let late = 0;
  for (const { text, width, right = false } of cells) {
    const isColumn = aligned && width !== undefined;
    const visible = visibleWidth(text);
    const padding = isColumn ? Math.max(0, width - late - visible) : 0;
    if (aligned) late = Math.max(0, late + visible - (width ?? Number.POSITIVE_INFINITY));
    if (visible + padding === 0) continue;
    const gap = line === "" ? "" : isColumn && wasColumn ? " " : "  ";
    if (line === "" || lineWidth + gap.length + visible <= columns) {
      const spaces = " ".repeat(padding);
      line += gap + (right ? spaces + text : text + spaces);
      lineWidth += gap.length + visible + padding;
    } else {
      lines.push(line.trimEnd());
      line = indent + text;
      lineWidth = indent.length + visible;
    }
    wasColumn = isColumn;
  }
  return [...lines, line.trimEnd()];
}

/** The width of a text with colours in it. Measured several times for each event. */
export function visibleWidth(text: string): number {
  return NARROW.test(text) ? text.length : textWidth(stripVTControlCharacters(text));
}

/** A text below the line that it belongs to, broken between words where the terminal ends. */
export function below(text: string, indent: string, paint: Paint, tone?: Tone): readonly string[] {
  const painted = (line: string): string => (tone === undefined ? line : paint[tone](line));
  return wrapLine(indent + plain(text), paint.columns).map((line) => indent + painted(line.trimStart()));
}

/**
 * Breaks text at spaces so that no line is longer than `columns`. Lines that begin with a space are not joined with others,
 * and their continuation is indented further; other lines that follow one another are one paragraph.
 */
export function wrapText(text: string, columns: number): string {
  const paragraphs: string[] = [];
  let isOpen = false;
  for (const line of text.split("\n")) {
    const isFlowing = line !== "" && !/^\s/.test(line);
    if (isFlowing && isOpen) paragraphs.push(`${paragraphs.pop()} ${line}`);
    else paragraphs.push(line);
    isOpen = isFlowing;
  }
  return paragraphs.flatMap((line) => wrapLine(line, columns)).join("\n");
}

/** Wraps lines that are wider than the terminal. Output that is not a terminal stays unchanged. */
export function fitText(text: string, { columns }: Output): string {
  if (!columns) return text;
  return text
    .split("\n")
    .flatMap((line) => wrapLine(line, columns, 2))
    .join("\n");
}

/**
 * One line as several, broken between words. The others begin below the text behind a mark or label; else they are indented
 * by two more columns, or by `hanging` where the line has no indentation. JSON and commands are for copying: they stay whole.
 */
export function wrapLine(line: string, columns: number, hanging = 0): readonly string[] {
  const bare = stripVTControlCharacters(line);
  if (visibleWidth(bare) <= columns || JSON_LINE.test(bare)) return [line];
  const indent = /^ */.exec(line)?.[0] ?? "";
  const lead = textWidth(LEAD.exec(bare)?.[0] ?? "");
  const isHung = lead > indent.length && lead <= columns / 2;
  const below = " ".repeat(isHung ? lead : indent === "" ? hanging : indent.length + 2);
  const lines: string[] = [];
  let current = indent;
  // Wide gaps are columns of a table: they stay where they fit.
  for (const [, gap = "", word = ""] of line.slice(indent.length).matchAll(WORD)) {
    const fits = visibleWidth(current + gap + word) <= columns;
    if (fits || current.trim() === "" || visibleWidth(below + word) > columns) current += gap + word;
    else {
      lines.push(current);
      current = below + word;
    }
  }
  return [...lines, current];
}

/** A mark, a number, or a label before a wide gap. */
const LEAD = /^ *(?:(?:[✓✗!–→-]|\d+\.) |\S.{0,26}?\S {2,}(?=\S))/;
const JSON_LINE = /^ *"(?:[^"\\]|\\.)*"(?:: |,?$)/;
/** Up to the last bracket. Where none follows, all of the line, which also keeps the search linear. */
const JSON_REST = String.raw`[[{]+"(?:.*[\]}]\S*|.*)`;
/** One of our commands, and its arguments: words with more than small letters, or those before and behind a flag. */
const COMMAND = String.raw`(?:(?:npx |yarn )?zoho-hooks|node (?:'[^']*'|\S+))(?: [a-z-]+){1,2}(?:(?<![,;:)]) (?:-\S+(?: [a-z]+)?|'[^']*'|\S*[^a-z\s]\S*|[a-z]+(?= -)))*\S*`;
const COLORS = String.raw`(?:\u001b\[\d+m)*`;
const WORD = new RegExp(String.raw`(\s*)(${COLORS}(?:${JSON_REST}|${COMMAND})|\S+)`, "g");

export function headerLines(headers: readonly HeaderPair[], paint: Paint): readonly string[] {
  return headers.map(([name, value]) => `${paint.dim(`${plain(name)}:`)} ${plain(value)}`);
}

/** JSON indented with every digit as it came; other text as it is; for binary bytes their length. */
export function bodyLines(text: string | undefined, body: Buffer, left = 0): readonly string[] {
  if (body.length === 0) return ["(empty body)"];
  const shown = text === undefined ? utf8Text(body) : prettyJson(text);
  const lines =
    shown === undefined ? [`(${body.length} bytes that are not UTF-8 text)`] : plain(shown, true).split("\n");
  return left === 0 ? lines : [...lines, `… ${left} more bytes are not shown`];
}

/** Masking and laying out a megabyte takes a second, in which nobody is answered. */
const MAX_LIVE_BYTES = 64 * 1024;

/** The part of a body that is shown, its JSON where it is whole, and how many bytes are left out: none but of a live event. */
export function shownBody(body: Buffer, text: string | undefined, isLive: boolean) {
  if (!isLive || body.length <= MAX_LIVE_BYTES) return { body, text, left: 0 };
  let end = MAX_LIVE_BYTES;
  // Between two characters of UTF-8.
  while (end > 0 && ((body[end] ?? 0) & 0xc0) === 0x80) end--;
  return { body: body.subarray(0, end), text: undefined, left: body.length - end };
}

/** For below a body of which the log has only the first bytes. */
export function cutLines(cutTo: number | undefined, paint: Paint): readonly string[] {
  return cutTo === undefined ? [] : [paint.caution(cutText(cutTo, "its body"))];
}

export function sizeText(bytes: number, cutTo: number | undefined): string {
  if (cutTo === undefined) return formatBytes(bytes);
  const recorded = cutTo === 0 ? "not recorded" : `${formatBytes(cutTo)} recorded`;
  return bytes > cutTo ? `${formatBytes(bytes)}, ${recorded}` : recorded;
}
