import { type EventDrift, typesText } from "../core/traffic.ts";
import type { JsonLine } from "../util/text.ts";
import { counted } from "../util/units.ts";
import { clipped, type Paint, type Rendered, type Style } from "./paint.ts";

/** In what the traffic and the schemas differ, by event. */
export interface DriftReport {
  readonly type: "drift";
  readonly drifts: readonly EventDrift[];
  /** A few of each kind only, and where to find the rest: there is more to read at the end of a run. */
  readonly brief: boolean;
  /** How many deliveries were of more events than are compared in one run. */
  readonly overlooked: number;
  /** The command that shows it whole; undefined where there is no log to read it from. */
  readonly moreCommand: string | undefined;
}

const MOST_BRIEF = 5;

export function renderDrift({ drifts, brief, overlooked, moreCommand }: DriftReport, style: Style): Rendered {
  const paint = brief ? style.err : style.out;
  const events = drifts.flatMap((drift) => eventLines(drift, brief ? MOST_BRIEF : Number.POSITIVE_INFINITY, paint));
  const more =
    moreCommand === undefined ? [] : [paint.dim(`${moreCommand} shows all of it; --learn proposes fixtures`)];
  const left =
    overlooked === 0
      ? []
      : [
          paint.caution(
            `${counted(overlooked, "delivery was", "deliveries were")} not compared: there were more events than one run compares.`,
          ),
        ];
  const text = `${["", paint.strong("Schema drift"), ...events, ...left, ...more].join("\n")}\n`;
  return brief ? { err: text } : { out: text };
}

function eventLines(drift: EventDrift, most: number, paint: Paint): readonly string[] {
  const { product, event, format, deliveries, partial, unknown, unseen, conflicts } = drift;
  const few = <T>(all: readonly T[], line: (each: T) => string): readonly string[] => [
    ...all.slice(0, most).map((each) => `  ${clipped(line(each))}`),
    ...(all.length > most ? [paint.dim(`  … and ${all.length - most} more`)] : []),
  ];
  return [
    `${paint.name(clipped(`${product} ${event}`))} ${paint.dim(`${format}, ${counted(deliveries, "delivery", "deliveries")}`)}`,
    ...few(unknown, ({ path, types, count }) => `+ ${path}: ${typesText(types)}, not in the schema (${count}×)`),
    ...few(
      conflicts,
      ({ path, expected, seen, count }) => `! ${path}: ${seen} came, the schema says ${expected} (${count}×)`,
    ),
    ...(most === Number.POSITIVE_INFINITY
      ? few(unseen, ({ path, expected }) => `- ${path}: ${expected}, optional, never came`)
      : unseen.length === 0
        ? []
        : [paint.dim(`  ${counted(unseen.length, "optional field")} never came`)]),
    ...(partial ? [paint.caution("  there were more fields than one run compares, so this list is incomplete")] : []),
  ];
}

/** A line an event. */
export function driftLines({ drifts }: DriftReport): readonly JsonLine[] {
  return drifts.map(({ product, format, event, deliveries, partial, unknown, unseen, conflicts }) => ({
    type: "drift",
    product,
    format,
    event,
    deliveries,
    partial,
    unknown,
    unseen,
    conflicts,
  }));
}
