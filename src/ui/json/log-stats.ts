import type { JsonLine } from "../../core/json-line.ts";
import type { LogStatsReport } from "../../core/log-report.ts";

export function logStatsLine({ total, products, hours, latencyMs }: LogStatsReport): JsonLine {
  return {
    type: "stats",
    ...total,
    products,
    hours: hours.map(({ at, product, counts }) => ({ at: at.toISOString(), product, ...counts })),
    latency_ms: latencyMs ?? null,
  };
}
