import type { DriftReport } from "../../core/drift-report.ts";
import type { JsonLine } from "../../core/json-line.ts";

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
