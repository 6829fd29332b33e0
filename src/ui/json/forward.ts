import type { ForwardReport, TargetReport, TunnelReport } from "../../core/forward-report.ts";

type Line = Readonly<Record<string, unknown>>;

export function forwardLine(report: ForwardReport): Line {
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

export function targetLine({ at, state, target, reason, waiting, downMs }: TargetReport): Line {
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

export function tunnelLine({ at, state, url, previousUrl, reason, downMs }: TunnelReport): Line {
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
