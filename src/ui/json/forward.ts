import type { ForwardReport, TargetReport, TunnelReport } from "../../core/forward-report.ts";
import type { JsonLine } from "../../core/json-line.ts";

export function forwardLine(report: ForwardReport): JsonLine {
  return {
    type: "forward",
    n: report.n,
    attempt: report.attempt,
    target: report.target,
    status: report.status ?? null,
    latency_ms: Number(report.latencyMs.toFixed(2)),
    error: report.error ?? null,
    hint: report.hint ?? null,
    state: report.state,
    retry_in_ms: report.retryInMs ?? null,
  };
}

export function targetLine({ at, state, target, reason, waiting, downMs }: TargetReport): JsonLine {
  return {
    type: "target",
    at: at.toISOString(),
    state,
    target,
    reason: reason ?? null,
    waiting: waiting ?? null,
    down_ms: downMs ?? null,
  };
}

export function tunnelLine({ at, state, url, previousUrl, reason, downMs }: TunnelReport): JsonLine {
  return {
    type: "tunnel",
    at: at.toISOString(),
    state,
    url: url ?? null,
    previous_url: previousUrl ?? null,
    reason: reason ?? null,
    down_ms: downMs ?? null,
  };
}
