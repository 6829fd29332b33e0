import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { DEFAULT_LOG, post, smallDisk } from "../support/faults.ts";
import { app, lead } from "../support/forward-run.ts";
import { type ListenProcess, startListenProcess } from "../support/listen-process.ts";
import { lacks } from "../support/needs.ts";
import { parseOpenMetrics } from "../support/open-metrics.ts";
import { tempFolder } from "../support/run.ts";
import { hangServer, startMember, startServer, statesOf } from "../support/team.ts";

const READY = { status: 200, body: { status: "ready" } };
const unavailable = (reason: unknown) => ({ status: 503, body: { status: "unavailable", reason } });

async function readiness(url: string): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${url}/readyz`);
  return { status: response.status, body: await response.json() };
}

function adminOf({ lines }: ListenProcess): string {
  return /http:\S+(?=\/metrics)/.exec(JSON.stringify(lines))?.[0] ?? "";
}

async function sampleOf(admin: string, name: string): Promise<number | undefined> {
  const text = await (await fetch(`${admin}/metrics`)).text();
  return parseOpenMetrics(text).find((sample) => sample.name === `zoho_hooks_${name}`)?.value;
}

it.skipIf(lacks("posix"))("listen is not ready once its log was deleted", async () => {
  const cwd = tempFolder();
  const listener = await startListenProcess(["--admin", "0"], { cwd });
  const urls = [listener.url, adminOf(listener)];
  for (const url of urls) expect(await readiness(url)).toEqual(READY);
  rmSync(join(cwd, DEFAULT_LOG));
  const gone = unavailable("the event log was deleted or replaced");
  await expect.poll(() => readiness(listener.url), { interval: 100 }).toEqual(gone);
  expect(await readiness(urls[1] ?? "")).toEqual(gone);
  expect(listener.warnings).toEqual([expect.stringMatching(/^\/readyz answers 503: .* was deleted/)]);
  expect(await sampleOf(urls[1] ?? "", "log_up")).toBe(0);
});

it.skipIf(lacks("posix"))("listen is not ready while its disk is full, also before a delivery comes", async (test) => {
  const cwd = smallDisk() ?? test.skip("needs the right to mount a tmpfs");
  const listener = await startListenProcess([], { cwd });
  const fill = (): void => {
    try {
      writeFileSync(join(cwd, "filler"), Buffer.alloc(4_194_304));
    } catch {
      // It has what there was.
    }
  };
  fill();
  const full = unavailable(expect.stringMatching(/no room left|disk of the event log failed/));
  await expect.poll(() => readiness(listener.url), { interval: 100 }).toEqual(full);
  expect((await post(listener.url, lead(1))).status).toBe(503);
  expect(await readiness(listener.url)).toEqual(full);
  rmSync(join(cwd, "filler"));
  expect(await readiness(listener.url)).toEqual(READY);
  expect((await post(listener.url, lead(1))).status).toBe(200);
  expect((await listener.stop()).exitCode).toBe(0);
});

describe.skipIf(lacks("postgresql"))("a receiver and a worker on a log in PostgreSQL", () => {
  it("are not ready while the database is stopped or hangs, and answer 503 in time", async () => {
    const server = await startServer();
    const store = server.address("team");
    const target = await app();
    const receiver = await startMember(store, ["--role", "receive", "--admin", "0", target.url]);
    const worker = await startMember(store, ["--role", "deliver", "--admin", "0", target.url]);
    const admin = adminOf(receiver);
    const all = () => Promise.all([receiver.url, admin, adminOf(worker)].map(readiness));
    await expect.poll(all, { interval: 100 }).toEqual([READY, READY, READY]);
    expect((await post(receiver.url, lead(1))).status).toBe(200);

    await server.stop();
    const away = unavailable("the event log cannot be reached");
    await expect.poll(all, { interval: 100 }).toEqual([away, away, away]);
    expect((await post(receiver.url, lead(2))).status).toBe(503);
    expect(receiver.warnings.join("\n")).not.toContain("your app");
    await server.start();
    await expect.poll(all, { interval: 100 }).toEqual([READY, READY, READY]);
    expect(await sampleOf(admin, "log_up")).toBe(1);
    expect((await post(receiver.url, lead(3))).status).toBe(200);

    const goOn = await hangServer(store);
    const took: number[] = [];
    const timed = async (i: number): Promise<number> => {
      const startedAt = performance.now();
      const { status } = await post(receiver.url, lead(i));
      took.push(performance.now() - startedAt);
      return status;
    };
    const posts: Promise<number>[] = [];
    // Some while a connection hangs, some while the next one is being opened.
    for (let i = 4; i < 44; i++) {
      posts.push(timed(i));
      await delay(50);
    }
    const late = unavailable("the event log does not answer in time");
    await expect.poll(all, { interval: 100 }).toEqual([late, late, late]);
    expect(await Promise.all(posts)).toEqual(Array.from({ length: 40 }, () => 503));
    process.stdout.write(`a hung database: 503 after ${Math.max(...took).toFixed(0)} ms at most\n`);
    expect(Math.max(...took)).toBeLessThan(3000);
    const readyAt = performance.now();
    const [isUp, failures] = [await sampleOf(admin, "log_up"), await sampleOf(admin, "append_failures_total")];
    expect([isUp, failures]).toEqual([0, 41]);
    expect(performance.now() - readyAt).toBeLessThan(4000);
    expect(receiver.warnings.join("\n")).toMatch(/postgres:\/\/.* did not answer/);
    expect(receiver.warnings.join("\n")).not.toContain("your app");

    goOn();
    await expect.poll(all, { interval: 100 }).toEqual([READY, READY, READY]);
    expect((await post(receiver.url, lead(44))).status).toBe(200);
    await expect
      .poll(async () => new Set(Object.keys(await statesOf(store))), { interval: 100 })
      .toEqual(new Set(["delivered"]));
    expect((await receiver.stop()).exitCode).toBe(0);
    expect((await worker.stop()).exitCode).toBe(0);
  });
});
