import type { RecordReport } from "../../core/channel-report.ts";
import { compactJson, prettyJson } from "../../core/json-print.ts";
import type { Rendered } from "../context.ts";
import type { Style } from "../human.ts";
import { plain } from "../paint.ts";
import { INDENT } from "./event.ts";

const LONGEST_LINE = 160;

/** A line below the event's number; the whole record with `--verbose`. */
export function renderRecord({ n, module, id, record, error, hint }: RecordReport, { out, verbose }: Style): Rendered {
  const name = `${INDENT}${out.strong(`#${n}`.padEnd(5))}  ${out.name(plain(`${module} ${id}`))}`;
  if (error !== undefined) {
    const below = hint === undefined ? [] : [`${INDENT}       ${out.dim(plain(hint))}`];
    return { out: `${[`${name}  ${out.caution(`no record: ${plain(error)}`)}`, ...below].join("\n")}\n` };
  }
  const text = plain(compactJson(record));
  if (!verbose) {
    return {
      out: `${name}  ${text.length > LONGEST_LINE ? `${text.slice(0, LONGEST_LINE)}… (whole with -v)` : text}\n`,
    };
  }
  const lines = plain(prettyJson(compactJson(record)), true).split("\n");
  return { out: `${[name, ...lines.map((line) => `${INDENT}       ${line}`)].join("\n")}\n` };
}
