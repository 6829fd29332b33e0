import { realpathSync } from "node:fs";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { app, CRM, lead, leadNumber, listen } from "../support/forward-run.ts";
import { startHumanListener } from "../support/human-listener.ts";
import type { Listener } from "../support/listener.ts";
import { run, tempFolder } from "../support/run.ts";
import { freePort, type Seen } from "../support/target.ts";
import { hang, hangUp, oneAfterTheOther, says, yes } from "../support/target-app.ts";

const JSON_TYPE = { "content-type": "application/json" };
const isForward = (line: Record<string, unknown>): boolean => line.type === "forward";

async function postLeads(listener: Listener, from: number, to: number, record?: string): Promise<void> {
  for (let i = from; i <= to; i++) expect((await listener.post(CRM, lead(i, record))).status).toBe(200);
}

const numbers = (seen: readonly Seen[]): number[] => seen.map(leadNumber);
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

describe("a delivery that fails", () => {
  it("is retried even if the clock is set back, in this run and in the next", async () => {
    let offsetMs = 0;
    const options = {
      cwd: tempFolder(),
      env: { ZOHO_HOOKS_RETRY_BASE: "300ms" },
      now: () => new Date(Date.now() + offsetMs),
    };
    const target = await app(oneAfterTheOther(says(500), yes, says(500), yes));
    const argv = ["--forward-to", target.url];
    const first = await listen(argv, options);
    await postLeads(first, 1, 1);
    await first.line("forward", { state: "retry" });
    offsetMs -= 7_200_000;
    await first.line("forward", { state: "delivered" });
    await postLeads(first, 2, 2);
    await first.line("forward", { n: 2, state: "retry" });
    offsetMs -= 7_200_000;
    const summary = (await first.stop()).lines().at(-1);
    expect(summary?.seconds).toBeGreaterThan(0);
    const second = await listen(argv, options);
    await second.line("forward", { n: 2, state: "delivered" });
  });

  it.each([
    ["500", says(500, "busy"), 500],
    ["a closed connection", hangUp, null],
  ])("with %s is retried after 1, 2 and 4 times the setting retryBase, then has failed", async (_, answer, status) => {
    const target = await app(answer);
    const listener = await listen(["--forward-to", target.url], { env: { ZOHO_HOOKS_RETRY_BASE: "60ms" } });
    const times: number[] = [];
    target.answer((response, seen, n) => {
      times.push(performance.now());
      return answer(response, seen, n);
    });
    await listener.post(CRM, lead(1));
    const last = await listener.line("forward", { state: "failed" });
    expect(last).toMatchObject({ n: 1, attempt: 4, status, retry_in_ms: null });
    const lines = listener.lines().filter(isForward);
    expect(lines.map((line) => [line.attempt, line.state, line.retry_in_ms])).toEqual([
      [1, "retry", 60],
      [2, "retry", 120],
      [3, "retry", 240],
      [4, "failed", null],
    ]);
    const pauses = times.slice(1).map((at, i) => at - (times[i] ?? 0));
    for (const [i, ms] of [60, 120, 240].entries()) expect(pauses[i]).toBeGreaterThanOrEqual(ms - 5);
    const summary = (await listener.stop()).lines().at(-1);
    expect(summary).toMatchObject({ forwards: { delivered: 0, failed: 1, waiting: 0 } });
    expect(target.seen).toHaveLength(4);
  });

  it.each([400, 401, 404, 409, 422])("with %i has failed at once", async (status) => {
    const target = await app(says(status));
    const listener = await listen(["--forward-to", target.url], { env: { ZOHO_HOOKS_RETRY_BASE: "1ms" } });
    await listener.post(CRM, lead(1));
    expect(await listener.line("forward")).toMatchObject({ state: "failed", attempt: 1, status });
    await listener.stop();
    expect(target.seen).toHaveLength(1);
  });

  it("suggests the command that lists it, if there is a log", async () => {
    const target = await app(says(400));
    const body = lead(1);
    for (const [flags, said] of [
      [["--no-store"], "failed\n"],
      [
        ["--store", "o ther.db"],
        "all failed deliveries: ZOHO_HOOKS_STORE='o ther.db' zoho-hooks events list --only failed\n",
      ],
      [[], "send it again: zoho-hooks replay 1\n"],
    ] as const) {
      const human = await startHumanListener(["--forward-to", target.url, ...flags]);
      await fetch(`${human.url}${CRM}`, { method: "POST", headers: { "content-type": "application/json" }, body });
      await human.shown(/ failed$/m);
      expect((await human.stop()).out).toContain(said);
    }
  });

  it("shows a compressed answer as text", async () => {
    const text = (coding: string) => JSON.stringify({ error: `no ${coding}`, where: "here ".repeat(300) });
    const answers = [gzipSync(text("gzip")), brotliCompressSync(text("br")), deflateSync(text("deflate"))];
    answers.push(Buffer.from("no gzip at all"));
    const codings = ["gzip", "br", "deflate", "gzip"];
    const target = await app((response, _, n) => {
      response.writeHead(400, { "content-encoding": codings[n - 1] });
      response.end(answers[n - 1]);
    });
    const human = await startHumanListener(["--forward-to", target.url], { env: { ZOHO_HOOKS_CONCURRENCY: "1" } });
    for (let i = 1; i <= 4; i++) {
      await fetch(`${human.url}${CRM}`, { method: "POST", headers: JSON_TYPE, body: lead(i) });
      await human.shown(new RegExp(`#${i} +→ 400(?:.*\\n)+?.*answer: `));
    }
    const { out } = await human.stop();
    expect(out.match(/(?<=answer: \{"error":"no )\w+/g)).toEqual(["gzip", "br", "deflate"]);
    expect(out).toContain("answer: (gzip, 14 bytes)");
  });

  it("is delivered if a retry succeeds", async () => {
    const target = await app(oneAfterTheOther(says(500), hangUp, hangUp, yes));
    const listener = await listen(["--forward-to", target.url], { env: { ZOHO_HOOKS_RETRY_BASE: "5ms" } });
    await listener.post(CRM, lead(1));
    expect(await listener.line("forward", { state: "delivered" })).toMatchObject({ attempt: 3, status: 200 });
    expect(new Set(target.seen.map(({ body }) => body.toString())).size).toBe(1);
  });

  it("is not retried with --retries 0", async () => {
    const port = await freePort();
    const listener = await listen(["--forward-to", String(port), "--retries", "0"]);
    await listener.post(CRM, lead(1));
    expect(await listener.line("forward")).toMatchObject({
      state: "failed",
      attempt: 1,
      error: expect.stringContaining("nothing listens"),
    });
  });

  it("does not delay the others", async () => {
    const target = await app((response, seen) => (leadNumber(seen) === 1 ? says(500) : yes)(response, seen, 0));
    const listener = await listen(["--forward-to", target.url], {
      env: { ZOHO_HOOKS_RETRY_BASE: "1h", ZOHO_HOOKS_CONCURRENCY: "1" },
    });
    await postLeads(listener, 1, 3);
    await target.came(3);
    expect(numbers(target.seen).sort()).toEqual([1, 2, 3]);
  });

  it("is retried by the next listen when it is due", async () => {
    const cwd = tempFolder();
    const target = await app(says(500));
    const first = await listen(["--forward-to", target.url], { env: { ZOHO_HOOKS_RETRY_BASE: "1s" }, cwd });
    await first.post(CRM, lead(1));
    await first.line("forward", { state: "retry" });
    expect((await first.stop()).lines().at(-1)).toMatchObject({ forwards: { waiting: 1 } });
    target.answer(yes);
    const second = await listen(["--forward-to", target.url], { cwd });
    expect((await second.line("ready")).notes).toContain("1 delivery from an earlier run is being sent now.");
    expect(await second.line("forward")).toMatchObject({ n: 1, attempt: 2, state: "delivered" });
  });
});

describe("an app that answers 503", () => {
  it("is down: it gets each delivery as a first attempt once it takes one", async () => {
    const target = await app(says(503, "restarting"));
    const listener = await listen(["--forward-to", target.url], { env: { ZOHO_HOOKS_RETRY_BASE: "5ms" } });
    await postLeads(listener, 1, 20);
    expect(await listener.line("target", { state: "down" })).toMatchObject({
      target: target.url,
      reason: `127.0.0.1:${target.port} answered 503 Service Unavailable`,
    });
    target.answer(yes);
    await listener.line("forward", {}, 20);
    const summary = (await listener.stop()).lines().at(-1);
    expect(summary).toMatchObject({ forwards: { delivered: 20, failed: 0, waiting: 0 } });
    const forwards = listener.lines().filter(isForward);
    expect(forwards.filter(({ attempt, state }) => attempt !== 1 || state !== "delivered")).toEqual([]);
  });

  it("gets a single try with --retries 0", async () => {
    const target = await app(says(503));
    const listener = await listen(["--forward-to", target.url, "--retries", "0"]);
    await postLeads(listener, 1, 1);
    expect(await listener.line("forward")).toMatchObject({ state: "failed", attempt: 1, status: 503 });
  });

  it.each([
    [[], 5, { failed: 0, waiting: 1 }],
    [["--no-store"], 5, { failed: 1, waiting: 0 }],
  ])("leaves its deliveries in the log at the end of a run with --expect and %j", async (flags, exitCode, counts) => {
    const target = await app(says(503));
    const listener = await listen(["--forward-to", target.url, "--expect", "crm:Leads.create", ...flags]);
    await listener.post(CRM, lead(1));
    const result = await listener.finished;
    expect(result.exitCode).toBe(exitCode);
    expect(result.lines().at(-1)).toMatchObject({ forwards: { delivered: 0, ...counts } });
  });

  it("does not count what an earlier run left, where this run's event is taken", async () => {
    const cwd = tempFolder();
    const target = await app(says(503));
    const flags = ["--forward-to", target.url, "--expect", "crm:Leads.create"];
    const earlier = await listen(flags, { cwd });
    await earlier.post(CRM, lead(1));
    expect((await earlier.finished).exitCode).toBe(5);
    target.answer((response, seen, count) => says(leadNumber(seen) === 1 ? 404 : 200)(response, seen, count));
    const later = await listen(flags, { cwd });
    await later.post(CRM, lead(2));
    const { exitCode, lines } = await later.finished;
    expect(exitCode).toBe(0);
    expect(lines().at(-1)).toMatchObject({ forwards: { delivered: 1, failed: 1, waiting: 0 } });
  });
});

describe("an app that is down", () => {
  it("is reported once, and gets the waiting deliveries in order and with all attempts once it is back", async () => {
    const target = await app();
    await target.stop();
    const listener = await listen(["--forward-to", target.url], {
      env: { ZOHO_HOOKS_CONCURRENCY: "1", ZOHO_HOOKS_RETRY_BASE: "5ms" },
    });
    await postLeads(listener, 1, 30);
    expect(await listener.line("target")).toMatchObject({
      at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      state: "down",
      target: target.url,
      reason: expect.stringContaining(`nothing listens on 127.0.0.1:${target.port}`),
    });
    target.answer(oneAfterTheOther(says(500), says(500), says(500), yes));
    await target.start();
    expect(await listener.line("target", { state: "up" })).toMatchObject({ waiting: 30, target: target.url });
    await listener.line("forward", { state: "delivered" }, 30);
    expect(new Set(numbers(target.seen))).toEqual(new Set(upTo(30)));
    const delivered = listener.lines().filter((line) => isForward(line) && line.state === "delivered");
    // Three were answered 500 at first; the others came in order of arrival.
    const late = new Set(
      listener
        .lines()
        .filter((line) => line.state === "retry")
        .map((line) => line.n),
    );
    const inTime = delivered.map(({ n }) => Number(n)).filter((n) => !late.has(n));
    expect(inTime).toEqual([...inTime].sort((a, b) => a - b));
    expect(listener.lines().filter((line) => line.type === "target")).toHaveLength(2);
  });

  it("has the right downtime even if the clock is changed", async () => {
    const target = await app();
    await target.stop();
    let setBackMs = 0;
    const now = (): Date => new Date(Date.now() - setBackMs);
    const listener = await listen(["--forward-to", target.url], { now });
    const startedAt = performance.now();
    await postLeads(listener, 1, 1);
    await listener.line("target", { state: "down" });
    setBackMs = 3_600_000;
    await target.start();
    const { down_ms: downMs } = await listener.line("target", { state: "up" });
    expect(downMs).toBeGreaterThan(0);
    expect(downMs).toBeLessThan(performance.now() - startedAt + 1);
  });

  it("may go down again and again without a delivery being lost", async () => {
    const target = await app();
    const listener = await listen(["--forward-to", target.url, "--retries", "1"]);
    for (let round = 1; round <= 3; round++) {
      await target.stop();
      await postLeads(listener, round * 2 - 1, round * 2);
      await listener.line("target", { state: "down" }, round);
      await target.start();
      await listener.line("forward", { state: "delivered" }, round * 2);
    }
    expect(listener.lines().filter((line) => line.state === "failed")).toEqual([]);
    expect(new Set(numbers(target.seen))).toEqual(new Set(upTo(6)));
  });

  it("does not affect the other apps", async () => {
    const [up, down] = [await app(), await freePort()];
    const listener = await listen(["--forward-to", up.url, "--forward-to", String(down)]);
    await postLeads(listener, 1, 3);
    await up.came(3);
    expect((await listener.stop()).lines().at(-1)).toMatchObject({ forwards: { delivered: 3, waiting: 3 } });
  });

  it("causes a warning at the end with --no-store", async () => {
    const listener = await listen(["--forward-to", String(await freePort()), "--no-store"]);
    await postLeads(listener, 1, 2);
    await listener.line("target", { state: "down" });
    const { lines } = await listener.stop();
    expect(await listener.line("warning")).toMatchObject({
      message: expect.stringContaining("2 deliveries did not reach"),
    });
    expect(lines().at(-1)).toMatchObject({ forwards: { delivered: 0, failed: 2, waiting: 0 } });
  });

  it("keeps its waiting deliveries when this run forwards to another app", async () => {
    const cwd = tempFolder();
    const gone = `http://localhost:${await freePort()}/old`;
    const first = await listen(["--forward-to", gone], { cwd });
    await postLeads(first, 1, 2);
    await first.line("target", { state: "down" });
    await first.stop();
    const target = await app();
    const second = await listen(["--forward-to", target.url], { cwd });
    expect(JSON.stringify((await second.line("ready")).notes)).toContain(`2 deliveries wait for ${gone}`);
    await postLeads(second, 3, 3);
    await target.came(1);
    await second.stop();
    expect(numbers(target.seen)).toEqual([3]);
    const third = await listen([], { cwd });
    const note = JSON.stringify((await third.line("ready")).notes);
    expect(note).toContain(`2 deliveries wait for ${gone}`);
    await third.stop();
    // As it is proposed, for any path of the app.
    const [, command = ""] = / (events prune --give-up http:\/\/localhost:\d+)"/.exec(note) ?? [];
    const given = await run(command.split(" "), { cwd });
    expect([given.exitCode, given.err]).toEqual([
      0,
      expect.stringContaining(`2 deliveries to ${gone} marked as failed`),
    ]);
    expect(JSON.stringify((await (await listen([], { cwd })).line("ready")).notes)).not.toContain("wait for");
  });
});

describe("many deliveries", () => {
  it("are sent at most as many at once as the setting concurrency says, across all paths", async () => {
    const release: (() => void)[] = [];
    const target = await app((response) => void release.push(() => response.end("OK")));
    const listener = await listen(["--forward-to", `${target.url}/:product`], { env: { ZOHO_HOOKS_CONCURRENCY: "3" } });
    await Promise.all(
      upTo(12).map((i) =>
        i % 2 === 0
          ? listener.post(CRM, lead(i))
          : listener.post("/webhooks/zoho/books", JSON.stringify({ event: "invoice_created", i })),
      ),
    );
    for (let done = 0; done < 12; done++) {
      await target.came(Math.min(12, done + 3));
      release.shift()?.();
    }
    await listener.line("forward", { state: "delivered" }, 12);
    expect(target.mostAtOnce).toBe(3);
    expect(target.seen).toHaveLength(12);
  });

  it("may finish on Ctrl-C; the rest waits for the next listen", async () => {
    const cwd = tempFolder();
    const release: (() => void)[] = [];
    const target = await app((response, seen, n) => {
      if (leadNumber(seen) === 1) release.push(() => response.end("OK"));
      else hang(response, seen, n);
    });
    const first = await listen(["--forward-to", target.url], { env: { ZOHO_HOOKS_CONCURRENCY: "2" }, cwd });
    await postLeads(first, 1, 4);
    await target.came(2);
    const stopped = first.stop();
    release[0]?.();
    const summary = (await stopped).lines().at(-1);
    expect(summary).toMatchObject({ forwards: { delivered: 1, failed: 0, waiting: 3 } });
    target.answer(yes);
    const second = await listen(["--forward-to", target.url], { cwd });
    expect((await second.line("ready")).notes).toContain("3 deliveries from earlier runs are being sent now.");
    await second.line("forward", { state: "delivered" }, 3);
    expect(new Set(numbers(target.seen))).toEqual(new Set([1, 2, 3, 4]));
  });

  it("cause a notice while Ctrl-C waits for them", async () => {
    const waiting: (() => void)[] = [];
    const target = await app((response) => void waiting.push(() => response.end("OK")));
    const human = await startHumanListener(["--forward-to", target.url]);
    await fetch(`${human.url}${CRM}`, { method: "POST", headers: JSON_TYPE, body: lead(1) });
    await target.came(1);
    const stopped = human.stop();
    await human.shown(/^stopping: .*Ctrl-C again.*$/m, "err");
    waiting[0]?.();
    await stopped;
    // Without anything to wait for there is no notice.
    expect((await (await startHumanListener()).stop()).err).not.toContain("stopping");
  });
});

describe("a second listen", () => {
  it("on the same log names the process that has it, and its URL", async () => {
    const cwd = tempFolder();
    const listener = await listen([], { cwd });
    const { exitCode, err } = await run(["listen", "--port", "0"], { cwd });
    expect(exitCode).toBe(2);
    expect(err).toContain(`process ${process.pid} on ${listener.url}`);
    expect(err).toContain("--store");
    await listener.stop();
    const { exitCode: after } = await (await listen([], { cwd })).stop();
    expect(after).toBe(0);
  });

  it("on the same port names the process that has it, and its folder", async () => {
    const cwd = tempFolder();
    const listener = await listen([], { cwd });
    const { exitCode, err } = await run(["listen", "--port", new URL(listener.url).port]);
    expect(exitCode).toBe(2);
    expect(err).toContain(`another zoho-hooks listen, process ${process.pid} in ${realpathSync(cwd)}\n`);
    expect(err).toContain("choose another port: --port 0 for any free one");
    const health = await fetch(`${listener.url}/healthz`, { headers: { "x-forwarded-for": "203.0.113.9" } });
    expect(await health.json()).toEqual({ status: "ok", service: "zoho-hooks", command: "listen" });
  });

  it.each([
    ["", /--host: "" is not an address.*leave it out for 127\.0\.0\.1/s],
    [" ", /--host: " " is not an address/],
    ["127.0.0.1\u001b[31m", /--host: "127\.0\.0\.1\\u001b\[31m" is not an address/],
    ["fe80::1", /port 0 on fe80::1 cannot be opened: .*--host fe80::1%eth0/s],
    ["no.such.host.invalid", /no\.such\.host\.invalid/],
  ])("on the host %j is a usage error", async (host, says) => {
    const { exitCode, err } = await run(["listen", "--port", "0", "--host", host]);
    expect([exitCode, err]).toEqual([2, expect.stringMatching(says)]);
  });

  it("on a port of another program says so", async () => {
    const other = await app(hang);
    const { exitCode, err } = await run(["listen", "--port", String(other.port)]);
    expect(exitCode).toBe(2);
    expect(err).toContain(`port ${other.port} on 127.0.0.1 is in use by another program`);
  });
});
