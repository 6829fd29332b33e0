import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type EndpointOptions, type Fault, startEndpoint } from "../support/endpoints/good.ts";
import { type RunResult, run, tempFolder } from "../support/run.ts";
import { env } from "../support/send.ts";

/** The ids of all checks with these outcomes. */
function idsOf(result: RunResult, ...outcomes: readonly string[]): readonly unknown[] {
  return result
    .lines()
    .filter(({ type, outcome }) => type === "check" && outcomes.includes(String(outcome)))
    .map(({ id }) => id);
}

interface Options extends EndpointOptions {
  /** Further flags. */
  readonly line?: string;
  /** With --count-cmd, which takes a process for each look. */
  readonly counts?: boolean;
  readonly deadlineMs?: number;
}

/** A deadline of which a busy machine does not take a quarter, for checks that measure. */
const BUSY_MS = 40_000;

/** With a short deadline, from which all times of a run derive. */
async function check({ line = "", deadlineMs = 1500, counts = false, ...options }: Options): Promise<RunResult> {
  const countFile = join(tempFolder(), "count");
  const app = await startEndpoint({ ...options, countFile });
  try {
    const counter = counts ? ["--count-cmd", `cat ${countFile}`] : [];
    // One address: on a busy machine the search for the other one of localhost may take too long.
    const words = ["check", `127.0.0.1:${app.port}`, "--format", "guide", "--json", ...counter, ...line.split(" ")];
    return await run(words.filter(Boolean), { env, overrides: { answerWithinMs: deadlineMs } });
  } finally {
    await app.close();
  }
}

describe("a good endpoint", () => {
  it("passes every check", async () => {
    const result = await check({ line: "--skip speed", counts: true });
    expect(idsOf(result, "failed", "warning"), result.out).toEqual([]);
    // Of this machine.
    expect(idsOf(result, "skipped")).toEqual(["reachability.https", "reachability.public-address"]);
    expect(result.exitCode).toBe(0);
  });

  it("passes those of its speed", async () => {
    const result = await check({ line: "--only speed", deadlineMs: BUSY_MS });
    expect(idsOf(result, "passed"), result.out).toEqual(["speed.deadline", "speed.at-once", "speed.answers-first"]);
  });
});

const FAULTS: readonly (readonly [fault: Fault, findings: readonly string[]])[] = [
  ["accepts a wrong token", ["security.wrong-token"]],
  ["requires no token", ["security.missing-token"]],
  ["requires no signature", ["security.missing-signature"]],
  ["accepts a wrong signature", ["security.wrong-signature"]],
  ["hashes JSON.stringify", ["security.raw-bytes"]],
  ["throws for a short signature", ["security.broken-signature"]],
  ["shows a stack trace", ["security.error-text"]],
  ["shows its token", ["security.error-text"]],
  ["answers 500 to malformed JSON", ["robustness.malformed-json"]],
  ["accepts malformed JSON", ["robustness.malformed-json"]],
  ["answers GET", ["protocol.other-methods"]],
  ["echoes the challenge as text", ["protocol.challenge"]],
  ["forgets the challenge", ["protocol.challenge"]],
  ["refuses unknown events", ["protocol.unknown-event"]],
  ["refuses unknown fields", ["protocol.unknown-field", "robustness.text"]],
  ["closes connections", ["protocol.keep-alive"]],
  ["fails for an empty body", ["robustness.empty-body"]],
  ["dies of a large body", ["robustness.large-body"]],
  ["fails for deep nesting", ["robustness.deep-nesting"]],
  ["fails for bytes that are not UTF-8", ["robustness.encodings"]],
  ["hashes Latin-1", ["robustness.text"]],
  ["rounds ids", ["robustness.long-ids"]],
  ["is impatient", ["robustness.slow-sender"]],
  ["dies of an aborted request", ["robustness.aborted-sender"]],
  ["refuses repeats", ["idempotency.same-twice"]],
  ["counts repeats", ["idempotency.counts-once"]],
  ["keys on the record alone", ["idempotency.two-updates"]],
  ["redirects", ["reachability.redirect"]],
  ["refuses everything", ["protocol.valid-delivery", "protocol.challenge"]],
  ["answers without end", ["protocol.valid-delivery"]],
];

describe("an endpoint that", () => {
  it.concurrent.each(FAULTS)("%s is caught by %s and no other", async (fault, expected) => {
    const result = await check({ fault, line: "--skip speed", counts: expected.some((id) => /^idem/.test(id)) });
    expect(idsOf(result, "failed", "warning"), result.out).toEqual(expected);
    expect(result.exitCode).toBe(idsOf(result, "failed").length > 0 ? 8 : 0);
  });

  it.each([
    // For the last but one of twenty it takes 2.85 s, more than a quarter of that.
    ["works before it answers", "speed.answers-first", 11_000],
    ["refuses many at once", "speed.at-once", BUSY_MS],
    ["answers late", "speed.deadline", 400],
    ["hangs", "speed.deadline", 400],
  ] as const)("%s is caught by %s", async (fault, id, deadlineMs) => {
    const result = await check({ fault, deadlineMs, line: "--only speed" });
    expect(idsOf(result, "failed", "warning"), result.out).toEqual([id]);
  });
});
