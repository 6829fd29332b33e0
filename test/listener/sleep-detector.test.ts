import { afterEach, expect, it } from "vitest";
import { causeOfGap } from "../../src/listener/sleep-detector.ts";
import { clockTime } from "../../src/reports/event.ts";
import { formatDay } from "../../src/util/units.ts";
import { startHumanListener } from "../support/human-listener.ts";
import { type Listener, startListener } from "../support/listener.ts";
import { startTestTunnel } from "../support/test-tunnel.ts";

const START = Date.parse("2026-03-01T14:02:10Z");
const MINUTE_MS = 60_000;
let listener: Listener | undefined;
afterEach(async () => {
  await listener?.stop();
  listener = undefined;
});

/** A machine whose clock goes on only when the test wakes what sleeps. */
function machine() {
  let nowMs = START;
  const naps: (() => void)[] = [];
  return {
    options: {
      now: () => new Date(nowMs),
      sleep: (_: number, signal?: AbortSignal) =>
        new Promise<void>((resolve) => {
          naps.push(resolve);
          signal?.addEventListener("abort", () => resolve(), { once: true });
        }),
    },
    setClock(ms: number): void {
      nowMs = ms;
    },
    /** Resolves when everything sleeps again. */
    async wakeAfter(ms: number): Promise<void> {
      nowMs += ms;
      for (const wake of naps.splice(0)) wake();
      await expect.poll(() => naps.length).toBeGreaterThan(0);
    },
  };
}

it("reports once from when to when the machine slept", async () => {
  const { options, wakeAfter } = machine();
  listener = await startListener([], options);
  await wakeAfter(10_000);
  await wakeAfter(30 * MINUTE_MS);
  await wakeAfter(10_000);
  expect(listener.lines().filter(({ type }) => type === "gap")).toEqual([
    {
      v: 1,
      type: "gap",
      from: "2026-03-01T14:02:20.000Z",
      to: "2026-03-01T14:32:20.000Z",
      cause: "sleep",
      reason: "this machine slept or its clock was set",
    },
  ]);
});

it("takes neither a busy machine nor a clock that is set back for sleep", async () => {
  const { options, wakeAfter } = machine();
  listener = await startListener([], options);
  await wakeAfter(39_000);
  await wakeAfter(-24 * 60 * MINUTE_MS);
  await wakeAfter(10_000);
  expect(listener.lines().filter(({ type }) => type === "gap")).toEqual([]);
});

it.each([
  ["a check in time", { wallMs: 39_999, monotonicMs: 39_999, activeMs: 39_000 }, undefined],
  ["a stall of the process", { wallMs: 60_000, monotonicMs: 60_000, activeMs: 49_000 }, "busy"],
  ["a stopped process", { wallMs: 60_000, monotonicMs: 60_000, activeMs: 40 }, "sleep"],
  ["sleep, in which the monotonic clock stands still", { wallMs: 600_000, monotonicMs: 10_000, activeMs: 40 }, "sleep"],
])("takes %s for what it is", (_, elapsed, cause) => {
  expect(causeOfGap(elapsed)?.cause).toBe(cause);
});

it("reports once from when to when the tunnel was down", async () => {
  const tunnel = await startTestTunnel();
  const { options, setClock } = machine();
  const { overrides } = tunnel;
  const env = { NGROK_AUTHTOKEN: "2abcSecretTokenOfTheTest_7xyz" };
  listener = await startListener(["--tunnel", "ngrok"], { now: options.now, overrides, env });
  tunnel.goDown();
  setClock(START + 30 * MINUTE_MS);
  tunnel.comeBack("127.0.0.1");
  await listener.line("tunnel", { state: "reconnected" });
  tunnel.goDown();
  setClock(START);
  tunnel.comeBack("127.0.0.1");
  const gaps = listener.lines().filter(({ type }) => type === "gap");
  expect(gaps).toMatchObject([
    {
      from: "2026-03-01T14:02:10.000Z",
      to: "2026-03-01T14:32:10.000Z",
      cause: "tunnel",
      reason: "the tunnel was down",
    },
    // The clock was set back in the meantime.
    { to: "2026-03-01T14:02:10.000Z" },
  ]);
  expect(String(gaps[1]?.from) <= String(gaps[1]?.to)).toBe(true);
  await listener.stop();
  await tunnel.close();
});

it("tells a person where to look for what was lost", async () => {
  const { options, wakeAfter } = machine();
  const human = await startHumanListener([], options);
  await wakeAfter(30 * MINUTE_MS);
  await wakeAfter(24 * 60 * MINUTE_MS);
  const { err } = await human.stop();
  const [first, second, third] = [0, 30, 30 + 24 * 60].map((minutes) => new Date(START + minutes * MINUTE_MS));
  if (first === undefined || second === undefined || third === undefined) throw new Error("no times");
  const why = (from: Date) =>
    `(this machine slept or its clock was set): see zoho-hooks reconcile --since ${formatDay(from)}T${clockTime(from).slice(0, 5)} (channels) and zoho-hooks webhooks failures\n`;
  expect(err).toContain(
    `${clockTime(second)} ! nothing could arrive from ${clockTime(first)} to ${clockTime(second)} ${why(first)}`,
  );
  expect(err).toContain(
    `nothing could arrive from ${formatDay(second)} ${clockTime(second)} to ${clockTime(third)} ${why(second)}`,
  );
});
