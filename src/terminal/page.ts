import { fitRows, wrapLine } from "../reports/layout.ts";
import type { Paint } from "../reports/paint.ts";

/** `docs/products/crm.md` is the page of the topic `crm`. */
const PAGE = /^(?:\.\.\/|products\/)*([\w-]+)\.md(?:#.*)?$/;

/**
 * Markdown as text for a terminal: headings to the left of all else, paragraphs wrapped, tables aligned, code and commands unbroken.
 * Comments, fences and the marks of links and bold text are left out; a link to another topic names it.
 */
export function pageText(markdown: string, topics: ReadonlyMap<string, string>, columns: number, paint: Paint): string {
  const writer = new PageWriter(topics, columns, paint);
  for (const line of markdown.trimEnd().split(/\r?\n/)) writer.addLine(line);
  return writer.end();
}

/** Writes a page line by line. Lines of a paragraph and rows of a table are kept until it ends. */
class PageWriter {
  readonly #topics: ReadonlyMap<string, string>;
  readonly #columns: number;
  readonly #paint: Paint;
  readonly #lines: string[] = [];
  #paragraph = "";
  #rows: (readonly string[])[] = [];
  /** The block of code that the lines are in. */
  #code: "none" | "source" | "output" = "none";

  constructor(topics: ReadonlyMap<string, string>, columns: number, paint: Paint) {
    this.#topics = topics;
    this.#columns = columns;
    this.#paint = paint;
  }

  addLine(line: string): void {
    if (line.startsWith("```")) this.#addFence(line);
    else if (this.#code !== "none") this.#addCode(line);
    else this.#addText(line);
  }

  end(): string {
    this.#flush();
    return `${this.#lines.join("\n")}\n`;
  }

  #addFence(line: string): void {
    this.#flush();
    const opened = /^```(?:console|text)/.test(line) ? "output" : "source";
    this.#code = this.#code === "none" ? opened : "none";
  }

  #addCode(line: string): void {
    const isWhole = this.#code === "source" || line.startsWith("$ ");
    this.#addIndented(isWhole ? [`  ${line}`] : wrapLine(`  ${line}`, this.#width));
  }

  #addText(line: string): void {
    // The rule below a table's head, HTML.
    if (/^\|[ :|-]+$/.test(line) || /^<.*>$/.test(line)) return;
    if (line.startsWith("|")) {
      this.#rows.push(cellsOf(line).map((cell) => this.#plain(cell)));
    } else if (line.startsWith("#")) {
      this.#flush();
      const heading = wrapLine(this.#plain(line.replace(/^#+ /, "")), this.#columns);
      this.#lines.push(...heading.map((part) => this.#paint.strong(part)));
    } else if (line === "") {
      this.#flush();
      // Of a comment that stood alone, only one empty line is left.
      if (this.#lines.at(-1) !== "") this.#lines.push("");
    } else if (/^\s*(?:-|\d+\.) /.test(line)) {
      this.#flush();
      this.#paragraph = line;
    } else {
      this.#paragraph += `${this.#paragraph === "" ? "" : " "}${line.trim()}`;
    }
  }

  #flush(): void {
    if (this.#paragraph !== "") this.#addIndented(wrapLine(this.#plain(this.#paragraph), this.#width));
    if (this.#rows.length > 0) {
      const table = fitRows(this.#rows, this.#width);
      this.#addIndented(table ?? this.#rows.flatMap((row) => wrapLine(row.join("  "), this.#width)));
    }
    this.#paragraph = "";
    this.#rows = [];
  }

  #addIndented(lines: readonly string[]): void {
    this.#lines.push(...lines.map((line) => `  ${line}`.trimEnd()));
  }

  #plain(text: string): string {
    return withoutMarks(text, this.#topics);
  }

  get #width(): number {
    return this.#columns - 2;
  }
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
