import type { Probe } from "./product.ts";

/** `GET`, `POST of {}`, `a call with x-hook-secret` (by what method is not told): a probe, for a person. */
export function probeText({ method = "POST", body, handsOver }: Probe): string {
  if (handsOver !== undefined) return `a call with ${handsOver.header}`;
  return body.length === 0 ? method : `${method} of ${body.toString("utf8")}`;
}

/** `GET, or else POST of {}: one is answered with 200, or the webhook is not saved`. */
export function probesText(probes: readonly Probe[]): string {
  const asked = probes.map(probeText).join(", or else ");
  return `${asked}: unless the answer is 200, the webhook is not saved`;
}
