import type { JsonLine } from "../util/text.ts";
import type { Report } from "./text.ts";

/** The lines of a report, as `--json` prints them: the report itself, without what only a person sees. */
export function linesOf(report: Report): readonly JsonLine[] {
  return ownLines(report).map((line) => ({ v: 1, ...line }));
}

function ownLines(report: Report): readonly object[] {
  switch (report.type) {
    case "text":
      return [report.json ?? { type: "text", text: report.text }];
    case "table":
      return report.json;
    case "warning":
      return [{ type: "warning", message: report.message, hint: report.hint ?? null }];
    // For people only: other lines have what a script needs, and with --json nothing is asked.
    case "drifts":
    case "notice":
    case "decisions":
      return [];
    case "event": {
      const { person, ...line } = report;
      return person.event.shown ? [line] : [];
    }
    default: {
      const { person: _, ...line } = report as Report & { readonly person?: object };
      return [line];
    }
  }
}
