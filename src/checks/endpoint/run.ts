import { type Check, groupOf, isAccepted, type Result, skipped } from "./check.ts";
import type { Endpoint } from "./endpoint.ts";
import { idempotency } from "./idempotency.ts";
import { protocol, refusesUnsigned } from "./protocol.ts";
import { reachability, unanswered, unreachable } from "./reachability.ts";
import { robustness } from "./robustness.ts";
import { security } from "./security.ts";
import { speed } from "./speed.ts";
import type { Subject } from "./subject.ts";

/** In the order in which they run. */
export const checks: readonly Check[] = [
  ...reachability,
  ...protocol,
  ...speed,
  ...security,
  ...robustness,
  ...idempotency,
];

export const groups: readonly string[] = [...new Set(checks.map(groupOf))];

/** Those that the subject has something for. */
export function checksFor(subject: Subject): readonly Check[] {
  return checks.filter((check) => check.applies?.(subject) !== false);
}

/** Those that tell why no other check could be made. */
export function prerequisitesOf(subject: Subject): readonly Check[] {
  return checksFor(subject).filter(({ after }) => after === "nothing" || after === "reachable");
}

/** How many sample events an app acts on, at most: the first delivery is sent whichever checks are chosen. */
export function eventsOf(chosen: readonly Check[]): number {
  return chosen.reduce((sum, { events }) => sum + events, 1);
}

/** Runs checks one after the other. One that cannot be tried because of an earlier one is skipped. */
export function createRunner(endpoint: Endpoint): (check: Check) => Promise<Result> {
  let gone: string | undefined;
  const failures = new Map<string, string>();
  return async (check) => {
    const missing = check.missing?.(endpoint.subject);
    if (missing !== undefined) return skipped(missing);
    const earlier = gone ?? failures.get(check.unless ?? "");
    if (earlier !== undefined) return skipped(earlier);
    const blocked = await blockedBy(check, endpoint);
    if (blocked !== undefined) return { ...skipped(blocked), isBlocked: true };
    const result = await check.run(endpoint);
    // Otherwise every later check would fail for the same reason.
    if (result.outcome === "failed" && check.after !== "nothing" && check.after !== "reachable")
      if (!(await endpoint.isAlive())) gone = `it no longer answers since ${check.id}`;
    if (result.outcome !== "failed") return result;
    failures.set(check.id, `${check.id} failed, which leaves nothing to see`);
    return check.severity === "warning" ? { ...result, outcome: "warning" } : result;
  };
}

async function blockedBy({ after }: Check, endpoint: Endpoint): Promise<string | undefined> {
  if (after === "nothing") return undefined;
  const closed = await unreachable(endpoint);
  if (closed !== undefined || after === "reachable") return closed;
  const silent = await unanswered(endpoint);
  if (silent !== undefined || after === "answer") return silent;
  const answer = await endpoint.baseline();
  if (isAccepted(answer)) return undefined;
  return refusesUnsigned(endpoint.subject, answer) ?? "it does not accept a valid delivery";
}
