import { readFileSync } from "node:fs";
import { nearest } from "../contract/event-names.ts";
import type { Runtime } from "../process/runtime.ts";
import { findTopics, helpColumns } from "../terminal/help.ts";
import { fitRows, wrapLine } from "../terminal/layout.ts";
import { UserError } from "../util/errors.ts";

/** Prints a page of the documentation: formatted for a terminal, or as raw Markdown through a pipe. `names`: the commands, to suggest them. */
export function showTopic(topic: string, names: readonly string[], { packageRoot, stdout }: Runtime): void {
  const topics = findTopics(packageRoot);
  const path = topics.get(topic.toLowerCase());
  if (path === undefined) {
    const [near] = nearest(topic, [...topics.keys(), ...names], 1);
    const hint = near === undefined ? "run zoho-hooks help for the commands and topics" : `did you mean ${near}?`;
    throw new UserError("usage", `there is no command or topic '${topic}'`, hint);
  }
  const markdown = readFileSync(path, "utf8");
  stdout.write(stdout.isTTY ? pageText(markdown, helpColumns(stdout)) : markdown);
}

/** Markdown as text: paragraphs wrapped, tables aligned, code indented; `**`, the targets of links within docs/ and HTML are left out. */
function pageText(markdown: string, columns: number): string {
  const lines: string[] = [];
  let paragraph = "";
  let rows: (readonly string[])[] = [];
  const flush = (): void => {
    if (paragraph !== "") lines.push(...wrapLine(paragraph, columns));
    if (rows.length > 0)
      lines.push(...(fitRows(rows, columns) ?? rows.flatMap((row) => wrapLine(row.join("  "), columns))));
    paragraph = "";
    rows = [];
  };
  let isCode = false;
  for (const line of markdown.trimEnd().split(/\r?\n/)) {
    if (line.startsWith("```")) {
      flush();
      isCode = !isCode;
    } else if (isCode) {
      lines.push(`  ${line}`);
    } else if (/^\|[ :|-]+$/.test(line) || /^<.*>$/.test(line)) {
      // The rule below a table's head, HTML.
    } else if (line.startsWith("|")) {
      rows.push(cellsOf(line));
    } else if (/^(?:#|$)/.test(line)) {
      flush();
      lines.push(plainText(line));
    } else if (/^\s*(?:-|\d+\.) /.test(line)) {
      flush();
      // Indented, so that its further lines are indented more.
      paragraph = `  ${plainText(line)}`;
    } else {
      paragraph += `${paragraph === "" ? "" : " "}${plainText(line.trim())}`;
    }
  }
  flush();
  return `${lines.join("\n")}\n`;
}

function cellsOf(row: string): readonly string[] {
  const cells = row.split(/(?<!\\)\|/).slice(1, -1);
  return cells.map((cell) => plainText(cell.trim().replaceAll("\\|", "|")));
}

function plainText(text: string): string {
  return text
    .replaceAll("**", "")
    .replace(/\[([^\]]+)\]\((https?:[^)]+)\)/g, (_, name: string, url: string) =>
      url.includes(name) ? url : `${name} (${url})`,
    )
    .replace(/\[([^\]]+)\]\([^)]+\)/g, "$1")
    .replaceAll("&lt;", "<")
    .replaceAll("\\*", "*");
}
