import { textWidth } from "./text-width.ts";

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
