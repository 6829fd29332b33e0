import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import {
  createForwarder,
  type Forwarder,
  type ForwarderOptions,
  recordAndForward,
} from "../../src/forward/forwarder.ts";
import type { ForwardReport, TargetLine } from "../../src/forward/lines.ts";
import { openPoster } from "../../src/forward/post.ts";
import { createRoutes } from "../../src/forward/routes.ts";
import type { ClaimRequest, Log } from "../../src/log/log.ts";
import { deadlineOf } from "../../src/model/sender.ts";
import { decideReply } from "../../src/recognition/reply.ts";
import { app } from "../support/forward-run.ts";
import { newEntry } from "../support/log-entry.ts";
import { startProxy } from "../support/proxy.ts";
import { freePort, valuesOf } from "../support/target.ts";
import { hang, says, yes } from "../support/target-app.ts";
import { tempLog } from "../support/temp-log.ts";

const NUMBER = "x-zoho-hooks-event";
const soon = deadlineOf("Zoho Desk", { withinMs: 40 });

interface Given {
  readonly log: Log;
  readonly forwarder: Forwarder;
  readonly reports: readonly (ForwardReport | TargetLine)[];
  readonly troubles: readonly string[];
  add(target: string): Promise<number>;
}

async function given(options: Partial<ForwarderOptions> = {}): Promise<Given> {
  const log = await tempLog("sqlite");
  const poster = await openPoster({ connections: 4, insecure: false, env: {}, timeoutMs: 5000 });
  const reports: (ForwardReport | TargetLine)[] = [];
  const troubles: string[] = [];
  const forwarder = createForwarder({
    log,
    poster,
    retry: { retries: 3, baseMs: 5 },
    concurrency: 4,
    deadlineOf: () => deadlineOf("the sender", undefined),
    now: () => new Date(),
    showTarget: false,
    onReport: (report) => void reports.push(report),
    onTarget: (report) => void reports.push(report),
    onTrouble: (message) => void troubles.push(message),
    ...options,
  });
  onTestFinished(async () => {
    await forwarder.close(0);
    await poster.close();
  });
  return {
    log,
    forwarder,
    reports,
    troubles,
    add: async (target) => (await log.append(newEntry({ forward: { targets: [target] } }))).n,
  };
}

function recorderFor(log: Log, forwarder: Forwarder, forwardTo: readonly string[]) {
  const routes = createRoutes({ forwardTo, routes: [], paths: [] });
  return recordAndForward(log, { routes, forwarder, mirror: undefined });
}

function recordRequest() {
  const { delivery, receipt, receivedAt } = newEntry();
  const arrival = { delivery, address: undefined, isFromPage: false, at: receivedAt };
  return { arrival, receipt, decision: decideReply(receipt, { schema: "warn", onInvalid: "reject" }) };
}

describe("a forwarder", () => {
  it("delivers what becomes due while the log is queried", async () => {
    const target = await app((response) => void response.end("OK"));
    let time = 1_000_000;
    const { log, forwarder, reports } = await given({ now: () => new Date(time) });
    const { claim } = log.queue;
    Object.assign(log.queue, {
      async claim(request: ClaimRequest) {
        const claimed = await claim(request);
        if (claimed.claims.length === 0) time += 1;
        return claimed;
      },
    });
    const forward = { targets: [target.url] };
    await log.append(newEntry({ receivedAt: new Date(time + 1), forward }));
    forwarder.wake([target.url]);
    await expect.poll(() => reports.length).toBe(1);
  });

  it("sends new deliveries to one target without reading them from the log while another has no room", async () => {
    const [target, full] = [await app(), await app(hang)];
    const { log, forwarder, reports } = await given({ concurrency: 1 });
    const { url } = target;
    const recorder = recorderFor(log, forwarder, [url, full.url]);
    forwarder.wake([url, full.url]);
    await expect.poll(() => forwarder.reserve([url, full.url], 0)).toEqual([url, full.url]);
    forwarder.release([url], 0);
    while (forwarder.reserve([full.url], 1).length > 0);
    const claimed: string[] = [];
    const { claim } = log.queue;
    Object.assign(log.queue, {
      claim(request: ClaimRequest) {
        claimed.push(request.target);
        return claim(request);
      },
    });
    for (let i = 1; i <= 3; i++) {
      (await recorder.record(recordRequest())).forward?.();
      await expect.poll(() => reports.length).toBe(i);
    }
    expect(reports).toMatchObject([{ target: url }, { target: url }, { target: url }]);
    expect(claimed).not.toContain(url);
    expect(await log.queue.waiting()).toMatchObject([{ target: full.url, waiting: 3 }]);
  });

  it("warns when an answer takes longer than Zoho would wait", async () => {
    const target = await app(hang);
    const { forwarder, troubles, add } = await given({ deadlineOf: () => soon });
    await add(target.url);
    forwarder.wake([target.url]);
    await expect.poll(() => troubles).toEqual([expect.stringMatching(/^#1: .* has taken more than 0.04 s/)]);
  });

  it("does not warn when an answer comes in time", async () => {
    const target = await app();
    const { forwarder, troubles, reports, add } = await given({ deadlineOf: () => soon });
    await add(target.url);
    forwarder.wake([target.url]);
    await expect.poll(() => reports).toHaveLength(1);
    target.answer(hang);
    await add(target.url);
    forwarder.wake([target.url]);
    // A warning about the first would have come before the one about the second.
    await expect.poll(() => troubles).toEqual([expect.stringMatching(/^#2: /)]);
  });

  it("takes turns between the targets of one app", async () => {
    const target = await app();
    const { forwarder, reports, add } = await given({ concurrency: 1 });
    const [one, two] = [`${target.url}/one`, `${target.url}/two`];
    for (let i = 0; i < 20; i++) await add(one);
    for (let i = 0; i < 3; i++) await add(two);
    forwarder.wake([one, two]);
    await expect.poll(() => reports.length).toBe(23);
    expect(target.seen.findIndex((seen) => seen.path === "/two")).toBeLessThan(4);
    expect(target.seen.slice(0, 10).filter((seen) => seen.path === "/two")).toHaveLength(3);
  });

  it("reserves no room while an earlier delivery waits", async () => {
    const target = await app();
    const { forwarder, reports, add } = await given();
    await add(target.url);
    expect(forwarder.reserve([target.url], 1)).toEqual([]);
    forwarder.wake([target.url]);
    await expect.poll(() => reports.length).toBe(1);
    expect(forwarder.reserve([target.url], 1)).toEqual([target.url]);
    forwarder.release([target.url], 1);
  });

  it("reserves room for those of several targets that have some", async () => {
    const [one, two] = [await app(), await app(hang)];
    const { forwarder, reports, troubles, add } = await given({ concurrency: 1 });
    for (const { url } of [one, two]) {
      await add(url);
      forwarder.wake([url]);
    }
    await two.came(1);
    await expect.poll(() => reports.length).toBe(1);
    // Each buffers up to two megabytes.
    expect(forwarder.reserve([two.url], 2_000_000)).toEqual([two.url]);
    expect(forwarder.reserve([one.url, two.url], 200_000)).toEqual([one.url]);
    expect(forwarder.reserve([one.url], 1_800_000)).toEqual([one.url]);
    expect(forwarder.reserve([one.url], 200_000)).toEqual([]);
    expect(troubles).toEqual([]);
  });

  it("claims again after the log has failed", async () => {
    const target = await app();
    const { forwarder, log, reports, troubles, add } = await given();
    await add(target.url);
    const { claim } = log.queue;
    Object.assign(log.queue, { claim: () => Promise.reject(new Error("the disk failed")) });
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    forwarder.wake([target.url]);
    await expect.poll(() => troubles.length).toBeGreaterThan(0);
    // New deliveries do not overtake it.
    expect(forwarder.reserve([target.url], 1)).toEqual([]);
    Object.assign(log.queue, { claim });
    vi.advanceTimersByTime(5000);
    vi.useRealTimers();
    await expect.poll(() => reports.length).toBe(1);
  });

  it("continues once the app is back, even when the waiting count is unavailable", async () => {
    const target = await app();
    const { forwarder, log, reports, troubles, add } = await given();
    await add(target.url);
    await target.stop();
    forwarder.wake([target.url]);
    await expect.poll(() => reports.length).toBe(1);
    Object.assign(log.queue, { waiting: () => Promise.reject(new Error("the log is busy")) });
    await target.start();
    await expect.poll(() => reports.map(({ state }) => state)).toEqual(["down", "up", "delivered"]);
    expect(troubles).toEqual(["the log is busy"]);
  });

  it("sends the others while one delivery is answered 503 forever", async () => {
    const target = await app((response, seen, n) =>
      (valuesOf(seen, NUMBER)[0] === "1" ? says(503) : yes)(response, seen, n),
    );
    const { forwarder, log, reports, add } = await given({ concurrency: 1 });
    const delivered = (): number => reports.filter(({ state }) => state === "delivered").length;
    await add(target.url);
    forwarder.wake([target.url]);
    await target.came(1);
    for (let sent = 0; sent < 20; sent += 10) {
      for (let i = 0; i < 10; i++) await add(target.url);
      forwarder.wake([target.url]);
      await expect.poll(delivered, { timeout: 5000 }).toBe(sent + 10);
      // It had its turn before the next ten.
      await target.came(target.seen.length + 1);
    }
    expect(await log.queue.waiting()).toMatchObject([{ waiting: 1 }]);
    expect(reports.filter(({ state }) => state === "failed" || state === "retry")).toEqual([]);
  });

  it("sends to the other targets of an app that answers 503 on one path, and to all once it was restarted", async () => {
    const target = await app((response, seen, n) =>
      (seen.path === "/broken" ? says(503, "", { "retry-after": "3600" }) : yes)(response, seen, n),
    );
    const { forwarder, reports, add } = await given();
    const [broken, fine] = [`${target.url}/broken`, `${target.url}/fine`];
    const send = async (to: string, count: number): Promise<void> => {
      for (let i = 0; i < count; i++) await add(to);
      forwarder.wake([to]);
    };
    const states = () => reports.map(({ state, target: where }) => [state, where]);
    await send(broken, 1);
    await expect.poll(states).toEqual([["down", broken]]);
    await send(fine, 2);
    await expect.poll(states).toHaveLength(3);
    await target.stop();
    await send(fine, 1);
    await expect.poll(states).toHaveLength(4);
    target.answer(yes);
    await target.start();
    await expect.poll(states, { timeout: 5000 }).toHaveLength(8);
    expect(states().slice(0, 5)).toEqual([
      ["down", broken],
      ["delivered", fine],
      ["delivered", fine],
      ["down", target.url],
      ["up", target.url],
    ]);
    const rest = [
      ["delivered", broken],
      ["delivered", fine],
      ["up", broken],
    ];
    expect(states().slice(5)).toEqual(expect.arrayContaining(rest));
  });

  it("sends one delivery at a time while the app answers 503, and all others once it does not", async () => {
    let underWay = 0;
    const together: number[] = [];
    const target = await app(async (response, seen, n) => {
      underWay++;
      // The first three are sent at the same time; from then on it is down.
      if (n > 3 && n <= 5) {
        together.push(underWay);
        forwarder.wake([target.url]);
        await delay(50);
      }
      underWay--;
      return (n <= 4 ? says(503) : yes)(response, seen, n);
    });
    const { forwarder, log, reports, add } = await given();
    for (let i = 0; i < 3; i++) await add(target.url);
    forwarder.wake([target.url]);
    await expect.poll(() => log.queue.waiting(), { timeout: 5000 }).toEqual([]);
    expect(together).toEqual([1, 1]);
    expect(target.seen).toHaveLength(7);
    expect(reports.map(({ state }) => state).toSorted()).toEqual(["delivered", "delivered", "delivered", "down", "up"]);
    const [down] = reports.filter(({ state }) => state === "down");
    expect(down).toMatchObject({ reason: `127.0.0.1:${target.port} answered 503 Service Unavailable` });
  });

  it.each([
    ["seconds", "1", "Retry-After 1.0 s"],
    ["a date", "Wed, 15 Jan 2025 10:30:01 GMT", "Retry-After"],
  ])("waits for Retry-After in %s", async (_, retryAfter, text) => {
    const times: number[] = [];
    const target = await app((response, seen, n) => {
      times.push(performance.now());
      return (n === 1 ? says(429, "", { "retry-after": retryAfter, date: "Wed, 15 Jan 2025 10:30:00 GMT" }) : yes)(
        response,
        seen,
        n,
      );
    });
    const { forwarder, reports, add } = await given();
    await add(target.url);
    forwarder.wake([target.url]);
    await expect.poll(() => reports.map(({ state }) => state), { timeout: 5000 }).toEqual(["down", "delivered", "up"]);
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(950);
    expect(reports[0]).toMatchObject({ reason: expect.stringContaining(`answered 429 Too Many Requests, ${text}`) });
  });

  it("tries a delivery, not a connection, where a proxy that is down leads to the app", async () => {
    const target = await app();
    const port = await freePort();
    const env = { HTTP_PROXY: `http://127.0.0.1:${port}` };
    const poster = await openPoster({ connections: 4, insecure: false, env, timeoutMs: 5000 });
    onTestFinished(() => poster.close());
    const { forwarder, reports, add } = await given({ poster });
    const hook = "http://app.example/hook";
    await add(hook);
    forwarder.wake([hook]);
    await expect.poll(() => reports).toMatchObject([{ state: "down", target: hook }]);
    await startProxy(target.port, [], port);
    await expect.poll(() => reports, { timeout: 5000 }).toHaveLength(3);
    expect(reports.slice(1)).toMatchObject([{ state: "delivered", attempt: 1 }, { state: "up" }]);
  });

  it("frees the room of a delivery that could not be recorded", async () => {
    const target = await app();
    const { forwarder, log } = await given({ concurrency: 1 });
    const recorder = recorderFor(log, forwarder, [target.url]);
    forwarder.wake([target.url]);
    await expect.poll(() => forwarder.reserve([target.url], 1)).toEqual([target.url]);
    forwarder.release([target.url], 1);
    Object.assign(log, { append: () => Promise.reject(new Error("the log is full")) });
    for (let i = 0; i < 16; i++) await expect(recorder.record(recordRequest())).rejects.toThrow("is full");
    expect(forwarder.reserve([target.url], 1)).toEqual([target.url]);
  });

  it("buffers a few deliveries however many wait, and fewer large ones", async () => {
    const target = await app(hang);
    const { forwarder, log, add } = await given({ concurrency: 2 });
    const buffered = new Map<string, number>();
    const { claim } = log.queue;
    Object.assign(log.queue, {
      async claim(request: ClaimRequest) {
        const claimed = await claim(request);
        buffered.set(request.target, (buffered.get(request.target) ?? 0) + claimed.claims.length);
        return claimed;
      },
    });
    for (let i = 0; i < 50; i++) await add(target.url);
    forwarder.wake([target.url]);
    await target.came(2);
    expect(buffered.get(target.url)).toBe(32);

    const other = await app(hang);
    const large = newEntry({ body: Buffer.alloc(900_000), forward: { targets: [other.url] } });
    for (let i = 0; i < 10; i++) await log.append(large);
    forwarder.wake([other.url]);
    await other.came(2);
    await expect.poll(() => buffered.get(other.url)).toBe(5);
    expect(forwarder.reserve([other.url], 900_000)).toEqual([]);
  });

  it("releases its buffer when the app goes down, and when it closes", async () => {
    const target = await app(hang);
    const { forwarder, log, reports, add } = await given({ concurrency: 1 });
    for (let i = 0; i < 6; i++) await add(target.url);
    forwarder.wake([target.url]);
    await target.came(1);
    await target.stop();
    // One attempt finds nothing listening; the others are not attempted.
    await expect.poll(() => reports.find(({ state }) => state === "down")).toBeDefined();
    await expect.poll(() => log.queue.waiting()).toMatchObject([{ waiting: 6 }]);
    await target.start();
    await target.came(2);
    await forwarder.close(0);
    expect(await log.queue.waiting()).toMatchObject([{ waiting: 6 }]);
  });
});
