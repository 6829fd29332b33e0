import type { RequestReport } from "../../core/send-report.ts";
import type { Rendered } from "../context.ts";
import type { Style } from "../human.ts";
import { plain } from "../paint.ts";
import { bodyLines, headerLines } from "./event.ts";

/** A request that was not sent: as HTTP, or as the curl command that would send it. */
export function renderRequest(report: RequestReport, { out }: Style): Rendered {
  if (report.curl !== undefined) return { out: `${report.curl}\n` };
  const number = report.n === undefined ? [] : [out.dim(`#${report.n}, not sent:`)];
  const lines = [
    ...number,
    out.strong(plain(`${report.method} ${report.url}`)),
    ...headerLines(report.headers, out),
    "",
  ];
  return { out: `${[...lines, ...bodyLines(undefined, report.body)].join("\n")}\n` };
}
