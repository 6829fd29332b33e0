import { fitRows, wrapLine } from "../reports/layout.ts";
import type { Paint } from "../reports/paint.ts";

/** `docs/products/crm.md` is the page of the topic `crm`. */
const PAGE = /^(?:\.\.\/|products\/)*([\w-]+)\.md(?:#.*)?$/;

/**
 * Markdown as text for a terminal: headings to the left of all else, paragraphs wrapped, tables aligned, code and commands unbroken.
 * Comments, fences and the marks of links and bold text are left out; a link to another topic names it.
 */
export function pageText(markdown: string, topics: ReadonlyMap<string, string>, columns: number, paint: Paint): string {
  const width = columns - 2;
  const plainText = (text: string): string => withoutMarks(text, topics);
  const lines: string[] = [];
  const add = (...more: readonly string[]): void => void lines.push(...more.map((line) => `  ${line}`.trimEnd()));
  let paragraph = "";
  let rows: (readonly string[])[] = [];
  const flush = (): void => {
    if (paragraph !== "") add(...wrapLine(plainText(paragraph), width));
    if (rows.length > 0) add(...(fitRows(rows, width) ?? rows.flatMap((row) => wrapLine(row.join("  "), width))));
    paragraph = "";
    rows = [];
  };
  let code: "none" | "source" | "output" = "none";
  for (const line of markdown.trimEnd().split(/\r?\n/)) {
    if (line.startsWith("```")) {
      flush();
      const opened = /^```(?:console|text)/.test(line) ? "output" : "source";
      code = code === "none" ? opened : "none";
    } else if (code !== "none") {
      const isWhole = code === "source" || line.startsWith("$ ");
      add(...(isWhole ? [`  ${line}`] : wrapLine(`  ${line}`, width)));
    } else if (/^\|[ :|-]+$/.test(line) || /^<.*>$/.test(line)) {
      // The rule below a table's head, HTML.
    } else if (line.startsWith("|")) {
      rows.push(cellsOf(line).map(plainText));
    } else if (line.startsWith("#")) {
      flush();
      lines.push(...wrapLine(plainText(line.replace(/^#+ /, "")), columns).map((part) => paint.strong(part)));
    } else if (line === "") {
      flush();
      // Of a comment that stood alone, only one empty line is left.
      if (lines.at(-1) !== "") lines.push("");
    } else if (/^\s*(?:-|\d+\.) /.test(line)) {
      flush();
      paragraph = line;
    } else {
      paragraph += `${paragraph === "" ? "" : " "}${line.trim()}`;
    }
  }
  flush();
  return `${lines.join("\n")}\n`;
}

function cellsOf(row: string): readonly string[] {
  return row
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim().replaceAll("\\|", "|"));
}

function withoutMarks(text: string, topics: ReadonlyMap<string, string>): string {
  return text
    .replaceAll("**", "")
    .replace(/!\[([^\]]+)\]\([^)]+\)/g, "(image: $1)")
    .replace(/\[([^\]]+)\]\(([^)]+)\)/g, (_, name: string, target: string) => {
      if (/^https?:/.test(target)) return target.includes(name) ? target : `${name} (${target})`;
      const topic = PAGE.exec(target)?.[1];
      if (topic === undefined || !topics.has(topic)) return name;
      return name === topic ? `help ${topic}` : `${name} (help ${topic})`;
    })
    .replaceAll("&lt;", "<")
    .replaceAll("\\*", "*");
}
