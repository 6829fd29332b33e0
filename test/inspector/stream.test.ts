import { rmSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { GrowingLog } from "../../src/history/changes.ts";
import type { EventRow, State } from "../../src/inspector/api.ts";
import { EventStream } from "../../src/inspector/stream.ts";
import type { Log, LogRow } from "../../src/log/log.ts";
import { openLog } from "../../src/log/sqlite/log.ts";
import { type Message, startInspector, type TestInspector, type TestStream, userEnv } from "../support/inspector.ts";
import { newEntry } from "../support/log-entry.ts";
import { leadBody, startLoggedProject } from "../support/logged-project.ts";
import { tempFolder } from "../support/run.ts";
import { freePort } from "../support/target.ts";
import { runSqlIn } from "../support/temp-log.ts";

const TARGET = "http://localhost:1/hook";

async function logOf(cwd: string): Promise<Log> {
  const log = await openLog({ path: join(cwd, ".zoho-hooks/events.db"), now: () => new Date() });
  onTestFinished(() => log.close());
  return log;
}

async function append(log: Log, count: number, url = "/webhooks/zoho/crm"): Promise<void> {
  // A delivery of this millisecond would stay when those older than 0 ms are pruned.
  const receivedAt = new Date(Date.now() - 1000);
  await Promise.all(Array.from({ length: count }, () => log.append(newEntry({ receivedAt, url }))));
}

function streamOf(log: GrowingLog, state = async () => ({}) as State): EventStream {
  const toRows = async (rows: readonly LogRow[]) => rows.map((row) => ({ n: row.n, path: row.url }) as EventRow);
  const onError = (error: unknown) => expect.fail(String(error));
  return new EventStream({ log, toRows, state }, onError, (json) => json);
}

function has(n: number) {
  return ({ name, id = 0 }: Message): boolean => name === "events" && id >= n;
}

function upTo(n: number, from = 1): readonly number[] {
  return Array.from({ length: n - from + 1 }, (_, i) => from + i);
}

describe("the stream", () => {
  it("begins with the state, then has what comes from now on", async () => {
    const cwd = tempFolder();
    const log = await logOf(cwd);
    await append(log, 3);
    const { stream } = await startInspector([], { cwd, env: userEnv() });
    const watcher = await stream();
    expect(await watcher.until(() => true)).toMatchObject({ name: "state", data: { project: cwd } });
    await append(log, 2);
    await watcher.until(has(5));
    expect(watcher.numbers()).toEqual([4, 5]);
  });

  it("goes on after Last-Event-ID over restarts of listen and of the inspector: no gap, nothing twice", async () => {
    const env = userEnv();
    const cwd = tempFolder();
    let log = await logOf(cwd);
    await append(log, 1200);
    const port = String(await freePort());
    let inspector = await startInspector(["--port", port], { cwd, env });
    const { address } = inspector;
    const seen: number[] = [];
    const follow = async (from: number, until: number): Promise<TestStream> => {
      const watcher = await inspector.stream(from);
      await watcher.until(has(until));
      seen.push(...watcher.numbers());
      return watcher;
    };
    const first = await follow(0, 1200);
    await log.close();
    log = await logOf(cwd);
    await append(log, 700);
    await first.until(has(1900));
    seen.splice(0, seen.length, ...first.numbers());
    await inspector.stop();
    await first.ended;
    await append(log, 600);
    inspector = await startInspector([], { cwd, env });
    expect(inspector.address).toBe(address);
    await follow(1900, 2500);
    expect(seen).toEqual(upTo(2500));
  });

  it("sends an event again as changed when an attempt changes its state, also after a reconnection", async () => {
    const cwd = tempFolder();
    const log = await logOf(cwd);
    const forward = { targets: [TARGET], claim: [TARGET] };
    const { forwards } = await log.append(newEntry({ forward }));
    const { stream } = await startInspector([], { cwd, env: userEnv() });
    const watcher = await stream(0);
    const state = ({ data }: Message): string => data[0]?.state;
    expect(state(await watcher.until(has(1)))).toBe("waiting");
    const claim = forwards[0]?.claim;
    const attempt = { target: TARGET, at: new Date(), status: 200, latencyMs: 1, error: undefined, reply: undefined };
    if (claim) await log.queue.complete(claim, attempt, { state: "delivered" });
    expect(state(await watcher.until(({ name }) => name === "changed"))).toBe("delivered");
    const again = await stream(1);
    expect(state(await again.until(({ name }) => name === "changed"))).toBe("delivered");
    expect(again.numbers()).toEqual([]);
  });

  it("says which events have been pruned", async () => {
    const cwd = tempFolder();
    const log = await logOf(cwd);
    await append(log, 20);
    const { stream } = await startInspector([], { cwd, env: userEnv() });
    const watcher = await stream(0);
    await watcher.until(has(20));
    await log.prune({ keepMs: 0 });
    await append(log, 1);
    await watcher.until(({ name, data }) => name === "pruned" && data.oldest > 20);
  });

  it("says so of all events where the log has been emptied", async () => {
    const cwd = tempFolder();
    const log = await logOf(cwd);
    await append(log, 2);
    const { stream } = await startInspector([], { cwd, env: userEnv() });
    const watcher = await stream(0);
    await watcher.until(has(2));
    await log.prune({ keepMs: 0 });
    const { data } = await watcher.until(({ name }) => name === "pruned");
    expect(data).toEqual({ oldest: 3 });
  });

  it("says that the list is to be read anew where the page knows a later event than the log has", async () => {
    const cwd = tempFolder();
    await append(await logOf(cwd), 2);
    const { stream } = await startInspector([], { cwd, env: userEnv() });
    const watcher = await stream(50);
    await watcher.until(({ name }) => name === "reset");
  });

  it("says so where the log was removed and begins again, then has what comes", async () => {
    const cwd = tempFolder();
    const log = await logOf(cwd);
    await append(log, 20);
    const { stream } = await startInspector([], { cwd, env: userEnv() });
    const watcher = await stream(0);
    await watcher.until(has(20));
    await log.close();
    rmSync(join(cwd, ".zoho-hooks"), { recursive: true });
    const other = await logOf(cwd);
    await append(other, 2);
    await watcher.until(({ name }) => name === "reset");
    await append(other, 1);
    await watcher.until(({ id }) => id === 3);
    expect(watcher.numbers()).toEqual([...upTo(20), 3]);
  });

  it("goes on after a damaged event with a new attempt", async () => {
    const cwd = tempFolder();
    const log = await logOf(cwd);
    await append(log, 1);
    const { stream } = await startInspector([], { cwd, env: userEnv() });
    const watcher = await stream(0);
    await watcher.until(has(1));
    await runSqlIn("sqlite", join(cwd, ".zoho-hooks/events.db"), "UPDATE deliveries SET records = '[[' WHERE n = 1");
    await log.recordAttempt(1, { target: TARGET, at: new Date(), status: 200, latencyMs: 1, error: undefined });
    await append(log, 1);
    await watcher.until(has(2));
  });

  it("says which events have been pruned while a page was not connected", async () => {
    const cwd = tempFolder();
    const log = await logOf(cwd);
    await append(log, 20);
    await log.prune({ keepMs: 0 });
    await append(log, 1);
    const { stream } = await startInspector([], { cwd, env: userEnv() });
    const watcher = await stream(20);
    expect((await watcher.until(({ name }) => name === "pruned")).data.oldest).toBe(21);
  });

  it("shows a new receiver in the state", async () => {
    const env = userEnv();
    const project = await startLoggedProject({ forward: false, env });
    const { stream } = await startInspector([], { cwd: project.cwd, env });
    const watcher = await stream();
    await watcher.until(({ data }) => data.receiver?.url === project.listener.url);
    await project.deliver("/webhooks/zoho/crm", leadBody());
    await watcher.until(has(1));
    await project.stop();
    await watcher.until(({ name, data }) => name === "state" && data.receiver === null);
  });
});

describe("a watcher that does not read", () => {
  it("delays no other watcher, and gets everything once it reads", async () => {
    const cwd = tempFolder();
    const log = await logOf(cwd);
    const { stream } = await startInspector([], { cwd, env: userEnv() });
    const slow = await stream(0);
    const fast = await stream(0);
    slow.pause();
    // More than the buffers of a connection hold.
    const [count, path] = [6000, `/${"x".repeat(2000)}`];
    for (let i = 0; i < count / 1000; i++) await append(log, 1000, path);
    await fast.until(has(count));
    expect(fast.numbers()).toEqual(upTo(count));
    slow.resume();
    await slow.until(has(count));
    expect(slow.numbers()).toEqual(upTo(count));
  }, 60_000);

  it("gets the state that has changed meanwhile", async () => {
    let project = "1";
    let reads = 0;
    const log = await logOf(tempFolder());
    await append(log, 1);
    const stream = streamOf(log, async () => {
      reads++;
      return { project } as State;
    });
    // Full from the first byte on.
    const response = new PassThrough({ highWaterMark: 1 });
    await stream.add(response as unknown as ServerResponse, 0);
    project = "2";
    const before = reads;
    stream.renewState();
    await expect.poll(() => reads).toBeGreaterThan(before);
    let text = "";
    response.on("data", (chunk) => {
      text += chunk;
    });
    await expect.poll(() => text).toContain('"project":"2"');
    await stream.close();
  });

  it("has at most a megabyte and a batch waiting for it", async () => {
    const all = 20_000;
    let newest = 0;
    const stream = streamOf({
      ends: async () => ({ oldest: 1, newest, lastAttempt: 0 }),
      async *rows({ after = 0, before = all + 1 } = {}, { limit = all } = {}) {
        for (const n of upTo(Math.min(newest, after + limit, before - 1), after + 1))
          yield { n, url: "x".repeat(300) } as LogRow;
      },
      attemptsAfter: async () => [],
    });
    const response = new PassThrough({ highWaterMark: 16_384 });
    await stream.add(response as unknown as ServerResponse, 0);
    let most = 0;
    while (newest < all) {
      newest += 5000;
      await delay(250);
      most = Math.max(most, response.writableLength + response.readableLength);
    }
    expect(most).toBeGreaterThan(300_000);
    expect(most).toBeLessThan(1_300_000);
    let text = "";
    response.on("data", (chunk) => {
      text += chunk;
    });
    await vi.waitFor(() => expect(text).toContain(`id: ${all}\n`), 5000);
    expect([...text.matchAll(/"n":(\d+)/g)].map(([, n]) => Number(n))).toEqual(upTo(all));
    await stream.close();
  });

  it("is forgotten when it goes away while the log is read", async () => {
    let asked = 0;
    const log = await logOf(tempFolder());
    const stream = streamOf({
      ends() {
        asked++;
        return log.ends();
      },
      rows: (...options) => log.rows(...options),
      attemptsAfter: (id) => log.attemptsAfter(id),
    });
    const response = new PassThrough();
    const added = stream.add(response as unknown as ServerResponse, 0);
    response.destroy();
    await added;
    await stream.close();
    // For its position, and no more.
    expect(asked).toBe(1);
  });

  it("that goes away is forgotten", async () => {
    const cwd = tempFolder();
    const log = await logOf(cwd);
    const inspector: TestInspector = await startInspector([], { cwd, env: userEnv() });
    const watcher = await inspector.stream(0);
    watcher.close();
    await watcher.ended;
    await append(log, 1);
    const other = await inspector.stream(0);
    await other.until(has(1));
  });
});
