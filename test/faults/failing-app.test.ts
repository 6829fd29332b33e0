import { join } from "node:path";
import { Redis } from "ioredis";
import { expect, it, onTestFinished } from "vitest";
import { readHealth } from "../../src/log/sqlite/health.ts";
import { openLog } from "../../src/log/sqlite/log.ts";
import { startChild } from "../support/child.ts";
import { DEFAULT_LOG, expectNothingLost, IS_LONG, peakOf } from "../support/faults.ts";
import { app, CRM, lead, leadNumber } from "../support/forward-run.ts";
import { startListenProcess } from "../support/listen-process.ts";
import { lacks } from "../support/needs.ts";
import { postLoad } from "../support/post-load.ts";
import { startRedis } from "../support/redis.ts";
import { tempFolder } from "../support/run.ts";
import type { Answer } from "../support/target.ts";
import { hang, hangUp, says, yes } from "../support/target-app.ts";
import { collect } from "../support/temp-log.ts";

const COUNT = IS_LONG ? 6000 : 300;
const garbage: Answer = ({ socket }) => void socket?.end("this is not HTTP\r\n\r\n");
const half: Answer = (response) =>
  void response.writeHead(200, { "content-length": 9 }).write("half", () => response.destroy());

it.each<readonly [fault: string, answer: Answer | "stopped"]>([
  ["an app that is not started yet", "stopped"],
  ["an app that never answers", hang],
  ["an app that answers 500", says(500)],
  ["an app that hangs up", hangUp],
  ["an app that answers no HTTP", garbage],
  ["an app that breaks off its answer", half],
])("%s gets all deliveries once it is well", async (fault, answer) => {
  const cwd = tempFolder();
  const received = new Set<number>();
  const target = await app();
  if (answer === "stopped") await target.stop();
  const troubled = COUNT / 6;
  target.answer((response, seen, n) => {
    if (answer !== "stopped" && n <= troubled) return answer(response, seen, n);
    received.add(leadNumber(seen));
    return yes(response, seen, n);
  });
  const env = { ZOHO_HOOKS_RETRY_BASE: "20ms", ZOHO_HOOKS_FORWARD_TIMEOUT: "300ms" };
  const listener = await startListenProcess(["--forward-to", target.url, "--retries", "12"], { cwd, env });
  const load = postLoad({ url: listener.url, from: 0, count: COUNT, connections: 8 });
  await load.until(COUNT / 2);
  await target.start();
  await load.ended;
  // The app has a delivery before listen has its answer, which may come too late and be asked for again.
  await expect.poll(async () => (await readHealth(join(cwd, DEFAULT_LOG))).waiting, { interval: 200 }).toEqual([]);
  expect(received.size).toBe(COUNT);
  const peakMegabytes = peakOf(listener);
  expect(await listener.stop()).toMatchObject({
    exitCode: 0,
    summary: { received: COUNT, forwards: { delivered: COUNT, failed: 0, waiting: 0 } },
  });
  const states = listener.lines.flatMap(({ type, state }) => (type === "target" ? [state] : []));
  if (answer === "stopped") expect(states).toEqual(["down", "up"]);
  await expectNothingLost({ fault, cwd, loads: [load], peakMegabytes });
});

/** The attempts of all deliveries, by their number of each delivery and their status. */
async function attemptsOf(cwd: string): Promise<Record<string, number>> {
  const log = await openLog({ path: join(cwd, DEFAULT_LOG), now: () => new Date(), create: false });
  const counts: Record<string, number> = {};
  for (const { attempts } of await collect(log.entries({}, { order: "oldest" })))
    for (const { attempt, status } of attempts)
      counts[`${attempt} ${status}`] = (counts[`${attempt} ${status}`] ?? 0) + 1;
  await log.close();
  return counts;
}

it("an app that a proxy answers for with 503 and Retry-After gets each event once it is back, as a first attempt", async () => {
  const cwd = tempFolder();
  const backend = await app();
  await backend.stop();
  const refusedAt: number[] = [];
  const proxy = await app(async (response, { path, body }) => {
    try {
      const answer = await fetch(backend.url + path, { method: "POST", body: new Uint8Array(body) });
      response.writeHead(answer.status).end(await answer.text());
    } catch {
      refusedAt.push(performance.now());
      response.writeHead(503, { "retry-after": "1" }).end("no backend");
    }
  });
  const listener = await startListenProcess(["--forward-to", proxy.url], { env: { ZOHO_HOOKS_CONCURRENCY: "1" }, cwd });
  const load = postLoad({ url: listener.url, from: 0, count: COUNT, connections: 8 });
  await expect.poll(() => refusedAt.length).toBe(2);
  const [first = 0, second = 0] = refusedAt;
  expect(second - first).toBeGreaterThanOrEqual(990);
  await backend.start();
  await load.ended;
  await expect.poll(async () => (await readHealth(join(cwd, DEFAULT_LOG))).waiting, { interval: 200 }).toEqual([]);
  expect(new Set(backend.seen.map(leadNumber)).size).toBe(COUNT);
  expect((await listener.stop()).summary).toMatchObject({
    forwards: { delivered: COUNT, failed: 0, waiting: 0 },
  });
  expect(await attemptsOf(cwd)).toEqual({ "1 200": COUNT });
  await expectNothingLost({ fault: "a proxy without its app", cwd, loads: [load] });
});

it("an app on this machine gets what waits within six seconds of its return, and after its Retry-After", async () => {
  const statuses = [502, 503, 504];
  const apps = await Promise.all([
    ...statuses.map((status) => app(says(status))),
    app(says(503, "", { "retry-after": "7" })),
  ]);
  const listener = await startListenProcess(
    apps.flatMap(({ url }) => ["--forward-to", url]),
    { cwd: tempFolder() },
  );
  const deliver = (n: number): Promise<Response> => fetch(`${listener.url}${CRM}`, { method: "POST", body: lead(n) });
  /** Seconds from the return of an app, after so many refusals, until it has been sent something. */
  const sentAfter = async (target: (typeof apps)[number], refusals: number): Promise<number> => {
    await target.came(refusals);
    const returnedAt = performance.now();
    target.answer(yes);
    await target.came(refusals + 1);
    return (performance.now() - returnedAt) / 1000;
  };

  await deliver(1);
  // The sixth comes after eight seconds.
  const first = await Promise.all(apps.map((each, i) => sentAfter(each, i < statuses.length ? 6 : 1)));
  for (const [i, status] of statuses.entries()) apps[i]?.answer(says(status));
  const before = apps.map(({ seen }) => seen.length);
  await deliver(2);
  const again = await Promise.all(apps.slice(0, 3).map((each, i) => sentAfter(each, (before[i] ?? 0) + 1)));

  const [afterRetryAfter = 0] = first.splice(3);
  process.stdout.write(
    `back after 502, 503, 504: ${[...first, ...again].map((s) => s.toFixed(1))} s, Retry-After 7 s: ${afterRetryAfter.toFixed(1)} s\n`,
  );
  expect(Math.max(...first, ...again)).toBeLessThan(6);
  expect(afterRetryAfter).toBeGreaterThanOrEqual(6.9);
  expect(afterRetryAfter).toBeLessThan(8);
});

it.skipIf(lacks("redis-server"))(
  "a Redis that is a replica for a while gets each event once, as a first attempt",
  async () => {
    const cwd = tempFolder();
    const redis = await startRedis();
    const client = new Redis(redis.port);
    onTestFinished(() => client.disconnect());
    const queue = `bullmq://127.0.0.1:${redis.port}/webhooks`;
    const listener = await startListenProcess(["--forward-to", queue], { env: { ZOHO_HOOKS_RETRY_BASE: "20ms" }, cwd });
    const third = COUNT / 3;
    const post = (part: number) => postLoad({ url: listener.url, from: third * part, count: third, connections: 8 });
    const loads = [post(0)];
    const went = (state: string) =>
      expect.poll(() => listener.lines.filter((line) => line.type === "target" && line.state === state).length);
    for (const round of [1, 2]) {
      await client.replicaof("127.0.0.1", 1);
      loads.push(post(round));
      await went("down").toBe(round);
      await client.replicaof("NO", "ONE");
      await went("up").toBe(round);
    }
    for (const load of loads) await load.ended;
    await expect.poll(async () => (await readHealth(join(cwd, DEFAULT_LOG))).waiting, { interval: 200 }).toEqual([]);
    expect(await client.llen("bull:webhooks:wait")).toBe(COUNT);
    expect((await listener.stop()).summary).toMatchObject({
      forwards: { delivered: COUNT, failed: 0, waiting: 0 },
    });
    expect(await attemptsOf(cwd)).toEqual({ "1 200": COUNT });
    await expectNothingLost({ fault: "a Redis that is a replica twice", cwd, loads });
  },
);

const KILLED_COUNT = IS_LONG ? 50_000 : 3000;

it("an app that is killed and started again gets each event, in little memory of listen's", async () => {
  const cwd = tempFolder();
  let recording = await startChild("recording-app.ts", []);
  await recording.line();
  const port = Number(recording.lines[0]?.replace("port ", ""));
  const seen = new Set<number>();
  const gather = (): void => {
    for (const line of recording.lines) if (/^\d+$/.test(line)) seen.add(Number(line));
  };
  const listener = await startListenProcess(["--forward-to", `http://127.0.0.1:${port}`], {
    cwd,
    // As the README says for machines with little memory.
    env: { ZOHO_HOOKS_RETRY_BASE: "500ms", NODE_OPTIONS: "--max-semi-space-size=4" },
  });
  const load = postLoad({ url: listener.url, from: 0, count: KILLED_COUNT, connections: 20 });
  const kills = 8;
  for (let kill = 1; kill <= kills; kill++) {
    // It dies at a random moment, and stays down while more events come in.
    const before = recording.lines.length;
    await recording.line(before + Math.floor(Math.random() * (KILLED_COUNT / kills / 4)) + 1);
    await recording.kill();
    gather();
    await load.until(Math.min(KILLED_COUNT, load.answered.length + Math.floor(Math.random() * (KILLED_COUNT / kills))));
    recording = await startChild("recording-app.ts", [String(port)]);
    await recording.line();
  }
  await load.ended;
  expect(load.answered).toHaveLength(KILLED_COUNT);
  const missing = (): number => {
    gather();
    return KILLED_COUNT - seen.size;
  };
  await expect.poll(missing, { timeout: 600_000, interval: 200 }).toBe(0);
  const peakMegabytes = peakOf(listener);
  const { summary } = await listener.stop();
  expect(summary).toMatchObject({
    received: KILLED_COUNT,
    duplicates: 0,
    forwards: { delivered: KILLED_COUNT, failed: 0, waiting: 0 },
  });
  await expectNothingLost({ fault: `an app that is killed ${kills} times`, cwd, loads: [load], peakMegabytes });
  // 150 MB on Node 20 and 170 on 24; beside other tests the peak swings by a fifth.
  if (peakMegabytes !== undefined) expect(peakMegabytes).toBeLessThan(210);
});
