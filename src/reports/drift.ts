import type { DriftLine, DriftsReport } from "../history/lines.ts";
import { typesText } from "../history/schema-drift.ts";
import { counted } from "../util/units.ts";
import { type Lines, textOf } from "./layout.ts";
import { clipped, type Paint, type Rendered, type Style } from "./paint.ts";

const MAX_BRIEF_LINES = 5;

export function renderDrifts({ person }: DriftsReport, style: Style): Rendered {
  const { drifts, brief, overlooked, moreCommand } = person;
  const paint = brief ? style.err : style.out;
  const left = counted(overlooked, "delivery was", "deliveries were");
  const text = textOf(
    "",
    paint.strong("Schema drift"),
    drifts.map((drift) => eventLines(drift, brief ? MAX_BRIEF_LINES : Number.POSITIVE_INFINITY, paint)),
    overlooked > 0 && paint.caution(`${left} not compared: too many different events in one run.`),
    moreCommand !== undefined && paint.dim(`full list: ${moreCommand}`),
  );
  return brief ? { err: text } : { out: text };
}

function eventLines(drift: DriftLine, most: number, paint: Paint): Lines {
  const { product, event, format, deliveries, partial, unknown, unseen, conflicts } = drift;
  const few = <T>(all: readonly T[], line: (each: T) => string): Lines => [
    all.slice(0, most).map((each) => `  ${clipped(line(each))}`),
    all.length > most && paint.dim(`  … and ${all.length - most} more`),
  ];
  const ofFormat = paint.dim(`${format}, ${counted(deliveries, "delivery", "deliveries")}`);
  return [
    `${paint.name(clipped(`${product} ${event}`))} ${ofFormat}`,
    few(unknown, ({ path, types, count }) => `+ ${path}: ${typesText(types)}, not in the schema (${count}×)`),
    few(conflicts, ({ path, expected, seen, count }) => {
      return `! ${path}: got ${seen}, the schema expects ${expected} (${count}×)`;
    }),
    most === Number.POSITIVE_INFINITY
      ? few(unseen, ({ path, expected }) => `- ${path}: ${expected}, optional, never came`)
      : unseen.length > 0 && paint.dim(`  ${counted(unseen.length, "optional field")} never came`),
    partial && paint.caution("  incomplete: too many fields to compare them all"),
  ];
}
