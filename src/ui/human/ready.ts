import type { ReadyReport } from "../../core/report.ts";
import type { Rendered } from "../context.ts";
import type { Style } from "../human.ts";
import { plain } from "../paint.ts";

export function renderReady(report: ReadyReport, { out, quiet }: Style): Rendered {
  const ready = `${out.good("Ready.")} Listening on ${out.strong(report.url)}`;
  if (quiet) return { out: `${ready}\n` };
  const urls = Object.entries(report.urls).map(([product, url]) => `  ${product.padEnd(14)} ${url}`);
  return {
    out: [
      ready,
      ...urls,
      ...report.notes.map((note) => `  ${out.dim(plain(note))}`),
      "",
      `Try it in a second terminal:  ${out.strong(report.tryCommand)}`,
      out.dim("Ctrl-C to stop."),
      "",
      "",
    ].join("\n"),
  };
}
