import type { DriftReport } from "../../core/drift-report.ts";

/** A line an event. */
export function driftLines({ drifts }: DriftReport): readonly Readonly<Record<string, unknown>>[] {
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
