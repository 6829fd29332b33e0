import type { Config } from "../../project/load.ts";
import { usageError } from "../../util/errors.ts";
import type { ReportingWorkspace } from "../../workspace/workspace.ts";
import { type Finding, type Found, skipped } from "../finding.ts";
import { type Check, groupOf } from "./check.ts";
import { BURST, type Endpoint, openEndpoint, RateLimited } from "./endpoint.ts";
import { idempotency } from "./idempotency.ts";
import { blockedBy } from "./prerequisites.ts";
import { protocol } from "./protocol.ts";
import { reachability } from "./reachability.ts";
import { robustness } from "./robustness.ts";
import type { Subject } from "./samples.ts";
import { security } from "./security.ts";
import { rateLimit, speed } from "./speed.ts";

/** In the order in which they run. Any of them may be the one that the endpoint answers 429. */
export const checks: readonly Check[] = [
  ...reachability,
  ...protocol,
  ...speed,
  ...security,
  ...robustness,
  ...idempotency,
  rateLimit,
];

const groups: readonly string[] = [...new Set(checks.map(groupOf))];

/** Selects the checks that are wanted and apply to the subject. Throws a usage error for an unknown name. */
export function chooseChecks(
  subject: Subject,
  { only = [], skip = [] }: { readonly only?: readonly string[]; readonly skip?: readonly string[] },
): readonly Check[] {
  for (const [flag, names] of Object.entries({ "--only": only, "--skip": skip })) {
    const unknown = names.find((name) => !groups.includes(name) && checks.every(({ id }) => id !== name));
    if (unknown === undefined) continue;
    const [group = ""] = unknown.split(".", 1);
    const ofGroup = checks.filter((each) => groupOf(each) === group).map(({ id }) => id);
    const known = ofGroup.length > 0 ? ofGroup : groups;
    throw usageError(`${flag}: there is no check ${JSON.stringify(unknown)}`, `there are ${known.join(", ")}`);
  }
  const isNamed = (check: Check, names: readonly string[]): boolean =>
    names.includes(check.id) || names.includes(groupOf(check));
  const chosen = checksFor(subject).filter(
    (each) => (only.length === 0 || isNamed(each, only)) && !isNamed(each, skip),
  );
  if (chosen.length > 0) return chosen;
  const { product, format } = subject;
  throw usageError("no check is left", `none of them applies to ${product.id} ${format.id} at this address`);
}

function checksFor(subject: Subject): readonly Check[] {
  return checks.filter((check) => check.applies?.(subject) !== false);
}

/** How many sample events an app acts on, at most: the first delivery is sent whichever checks are chosen. */
export function eventsOf(chosen: readonly Check[]): number {
  const atOnce = chosen.some(({ bursts }) => bursts) ? BURST : 0;
  return chosen.reduce((sum, { events = 1 }) => sum + events, 1 + atOnce);
}

/** For all of it: an endpoint that hangs is given up. */
const MAX_RUN_MS = 300_000;
const TOO_LONG = new Error("the time limit of 5 minutes has passed");

/** Runs checks one after the other. */
export async function* checkEndpoint(
  workspace: ReportingWorkspace,
  { env }: Config,
  subject: Subject,
  chosen: readonly Check[],
): AsyncGenerator<Finding> {
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(TOO_LONG), MAX_RUN_MS);
  const signal = AbortSignal.any([workspace.signal, over.signal]);
  const { sleep, now } = workspace;
  const endpoint = await openEndpoint(subject, { env, sleep, now, signal });
  const runner = createRunner(endpoint);
  let hasFailed = false;
  try {
    for (const [i, check] of chosen.entries()) {
      const progress = `check ${i + 1} of ${chosen.length}: ${check.title}`;
      const finding = await workspace.waiting(progress, () => runner.run(check));
      hasFailed ||= finding.outcome === "failed";
      yield finding;
    }
    // With --only or --skip what blocks the others may not be among them, and nothing tried is not a success.
    if (hasFailed || !runner.isBlocked()) return;
    for (const check of checksFor(subject).filter(({ after }) => after === "nothing" || after === "reachable")) {
      const finding = await runner.run(check);
      if (finding.outcome === "failed") yield finding;
    }
  } finally {
    clearTimeout(timer);
    await endpoint.close();
  }
}

/** Runs single checks. One that cannot be tried because of an earlier one is skipped. */
export function createRunner(endpoint: Endpoint) {
  let gone: string | undefined;
  let isBlocked = false;
  const failures = new Map<string, string>();

  async function tryCheck(check: Check): Promise<Found> {
    const missing = check.missing?.(endpoint.subject);
    if (missing !== undefined) return skipped(missing);
    const earlier = gone ?? failures.get(check.unless ?? "");
    if (earlier !== undefined) return skipped(earlier);
    const blocked = await blockedBy(check, endpoint);
    isBlocked ||= blocked !== undefined;
    if (blocked !== undefined) return skipped(blocked);
    const found = await check.run(endpoint);
    if (found.outcome !== "failed") return found;
    failures.set(check.id, `${check.id} failed, so there is nothing to check here`);
    // Otherwise every later check would fail for the same reason.
    if (check.after !== "nothing" && check.after !== "reachable" && !(await endpoint.isAlive()))
      gone = `it has not answered since ${check.id}`;
    return check.onlyWarns ? { ...found, outcome: "warning" } : found;
  }

  return {
    /** Whether something was skipped since the endpoint cannot be reached, or accepts nothing. */
    isBlocked: () => isBlocked,
    async run(check: Check): Promise<Finding> {
      const found = await tryCheck(check).catch((error: unknown) => {
        if (error !== TOO_LONG && !(error instanceof RateLimited)) throw error;
        isBlocked ||= error !== TOO_LONG;
        return skipped((error as Error).message);
      });
      return findingOf(check, found);
    },
  };
}

/** Adds what the check itself says: its title where it passed, else why it matters and what to do. */
function findingOf({ id, title, why, remedy }: Check, found: Found): Finding {
  const { outcome, text } = found;
  if (outcome === "passed") return { id, outcome, text: text === "" ? title : `${title} (${text})` };
  if (outcome === "skipped") return { id, outcome, text };
  return { id, outcome, text, details: { ...found.details, why }, remedy: found.remedy ?? remedy };
}
