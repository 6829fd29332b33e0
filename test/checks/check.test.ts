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
async function check({ line = "", deadlineMs = 1500, counts = false, ...options }: Options) {
  const countFile = join(tempFolder(), "count");
  const app = await startEndpoint({ ...options, countFile });
  try {
    const counter = counts ? ["--count-cmd", `cat ${countFile}`] : [];
    // One address: on a busy machine the search for the other one of localhost may take too long.
    const words = ["check", `127.0.0.1:${app.port}`, "--format", "guide", "--json", ...counter, ...line.split(" ")];
    const result = await run(words.filter(Boolean), { env, overrides: { answerWithinMs: deadlineMs } });
    return { ...result, app };
  } finally {
    await app.close();
  }
}

/** Of this machine. */
const LOCAL = ["reachability.https", "reachability.public-address"];

describe("a good endpoint", () => {
  it("passes every check", async () => {
    const result = await check({ line: "--skip speed", counts: true });
    expect(idsOf(result, "failed", "warning"), result.out).toEqual([]);
    expect(idsOf(result, "skipped")).toEqual(LOCAL);
    expect(result.exitCode).toBe(0);
  });

  it("passes those of its speed", async () => {
    const result = await check({ line: "--only speed", deadlineMs: BUSY_MS });
    expect(idsOf(result, "passed"), result.out).toEqual([
      "speed.deadline",
      "speed.at-once",
      "speed.answers-first",
      "speed.rate-limit",
    ]);
  });
});

/** Endpoints with several faults that do not touch one another, in the order in which they are found. */
const ENDPOINTS: readonly Readonly<Partial<Record<Fault, readonly string[]>>>[] = [
  {
    "answers GET": ["protocol.other-methods"],
    "echoes the challenge as text": ["protocol.challenge"],
    "refuses unknown events": ["protocol.unknown-event"],
    "closes connections": ["protocol.keep-alive"],
    "accepts a wrong token": ["security.wrong-token"],
    "requires no signature": ["security.missing-signature"],
    "hashes JSON.stringify": ["security.raw-bytes"],
    "answers 500 to malformed JSON": ["robustness.malformed-json"],
    "fails for an empty body": ["robustness.empty-body"],
    "rounds ids": ["robustness.long-ids"],
    "refuses repeats": ["idempotency.same-twice"],
  },
  {
    "forgets the challenge": ["protocol.challenge"],
    "refuses unknown fields": ["protocol.unknown-field"],
    "requires no token": ["security.missing-token"],
    "throws for a short signature": ["security.broken-signature"],
    "accepts malformed JSON": ["robustness.malformed-json"],
    // It has one more field.
    "fails for deep nesting": ["robustness.deep-nesting", "robustness.text"],
    "counts repeats": ["idempotency.counts-once"],
  },
  {
    "answers 204": ["protocol.exact-200"],
    "refuses unknown operations": ["protocol.unknown-event"],
    "accepts a wrong signature": ["security.wrong-signature"],
    "shows a stack trace": ["security.error-text"],
    "fails for bytes that are not UTF-8": ["robustness.encodings"],
    "is impatient": ["robustness.slow-sender"],
    "keys on the record alone": ["idempotency.two-updates"],
  },
  { "shows its token": ["security.error-text"], "hashes Latin-1": ["robustness.text"] },
  { "dies of a large body": ["robustness.large-body"] },
  { "dies of an aborted request": ["robustness.aborted-sender"] },
  { redirects: ["reachability.redirect"] },
  { "refuses everything": ["protocol.valid-delivery", "protocol.challenge"] },
  { "answers without end": ["protocol.valid-delivery"] },
];

describe("an endpoint that", () => {
  it.concurrent.each(ENDPOINTS)("%j is caught by these checks and no others", async (endpoint) => {
    const faults = Object.keys(endpoint) as readonly Fault[];
    const expected = Object.values(endpoint).flat();
    const counts = expected.some((id) => /^idempotency\.(counts|two)/.test(id));
    const result = await check({ faults, counts, line: "--skip speed" });
    expect(idsOf(result, "failed", "warning"), result.out).toEqual(expected);
    expect(result.exitCode).toBe(idsOf(result, "failed").length > 0 ? 8 : 0);
  });

  it.each([
    // For the last but one of twenty it takes 1.14 s, more than a quarter of that.
    ["works before it answers", "speed.answers-first", 4400],
    ["refuses many at once", "speed.at-once", BUSY_MS],
    ["answers late", "speed.deadline", 400],
    ["hangs", "speed.deadline", 400],
  ] as const)("%s is caught by %s", async (fault, id, deadlineMs) => {
    const result = await check({ faults: [fault], deadlineMs, line: "--only speed" });
    expect(idsOf(result, "failed", "warning"), result.out).toEqual([id]);
  });
});

describe("an endpoint that limits its rate", () => {
  it("gets one finding, and the other checks go on within the limit", async () => {
    const result = await check({ faults: ["allows 24 in a row"] });
    expect(idsOf(result, "failed", "warning"), result.out).toEqual(["speed.rate-limit"]);
    const skipped = result.lines().filter(({ outcome }) => outcome === "skipped");
    const counted = ["idempotency.counts-once", "idempotency.two-updates"];
    expect(skipped.map(({ id }) => id)).toEqual([...LOCAL, "speed.at-once", "speed.answers-first", ...counted]);
    expect(skipped.find(({ id }) => id === "speed.at-once")?.text).toBe("it limits its rate (429)");
    const finding = result.lines().find(({ id }) => id === "speed.rate-limit");
    expect(finding?.text).toMatch(/^it limits its rate: 429 within \d+ requests$/);
    expect(result.exitCode).toBe(8);
  });

  it("is asked again after the time that Retry-After names, and not before", async () => {
    const result = await check({ faults: ["allows 5, and more after a second"], line: "--only protocol" });
    expect(idsOf(result, "failed", "warning", "skipped"), result.out).toEqual([]);
    expect(result.app.refused).toBe(1);
  });

  it("for longer than check can wait has the rest skipped for that reason", async () => {
    const result = await check({ faults: ["allows 12 an hour"] });
    expect(idsOf(result, "failed", "warning"), result.out).toEqual(["speed.rate-limit"]);
    const skipped = result.lines().filter(({ text }) => text === "it limits its rate (429)");
    expect(skipped.length).toBeGreaterThan(15);
    // No more than are on their way at the same time.
    expect(result.app.requests).toBeLessThanOrEqual(12 + 20);
    expect(result.out).toContain('"came back":"429, Retry-After: 3600"');
  });

  it("fails with --only, too, where nothing could be tried", async () => {
    const result = await check({ faults: ["allows 12 an hour"], line: "--only security --only robustness" });
    expect(idsOf(result, "failed", "warning"), result.out).toEqual(["speed.rate-limit"]);
    expect(result.exitCode).toBe(8);
  });
});
