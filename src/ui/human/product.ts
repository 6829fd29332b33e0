import type { ProductReport } from "../../core/report.ts";
import type { Rendered } from "../context.ts";
import type { Style } from "../human.ts";
import { type Paint, plain } from "../paint.ts";
import { alignRows } from "./table.ts";

type FormatReport = ProductReport["formats"][number];

/** What a passed proof tells, in words that promise no more than it does. */
const PROVES: Readonly<Record<FormatReport["proofs"][number]["proves"], string>> = {
  body: "proves the body: these exact bytes were signed by someone who has the secret",
  sender: "proves the sender only: whoever has seen one delivery can make another with any content",
  nothing: "proves nothing",
};

/** A product's events, format by format, with where each format is specified and what its proofs are worth. */
export function renderProduct({ id, title, formats }: ProductReport, { out, quiet }: Style): Rendered {
  const blocks = formats.map((format, i) => {
    const rows = format.events.map((event) => [event.name, event.summary]);
    if (quiet) return alignRows(rows);
    const name = `format ${format.id}${i === 0 && formats.length > 1 ? " (the default)" : ""}`;
    return [
      `${out.strong(`${plain(title)} (${id})`)}  ${name}`,
      `  ${out.dim("source")}  ${format.source}`,
      ...proofLines(format, out),
      "",
      ...eventLines(rows, out),
      ...(i < formats.length - 1 ? [""] : []),
    ];
  });
  return { out: [...blocks.flat(), ""].join("\n") };
}

function proofLines({ proofs }: FormatReport, paint: Paint): readonly string[] {
  if (proofs.length === 0) return [`  ${paint.dim("proof")}   none: this product sends no signature and no token`];
  return proofs.flatMap(({ id, title, proves, variable }) => [
    `  ${paint.dim("proof")}   ${paint.name(id)}: ${title}`,
    `          ${PROVES[proves]}${variable === undefined ? "" : paint.dim(` (${variable})`)}`,
  ]);
}

function eventLines(rows: readonly (readonly string[])[], paint: Paint): readonly string[] {
  const [head = "", ...lines] = alignRows([["event", "what happened"], ...rows]);
  return [paint.dim(head), ...lines];
}
