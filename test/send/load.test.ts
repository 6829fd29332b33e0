import { describe, expect, it } from "vitest";
import { closeAfterEach, send, target } from "../support/send.ts";

closeAfterEach();

describe("send --count", () => {
  it("sends that many with different ids, and prints a summary instead of lines", async () => {
    const app = await target();
    const { exitCode, out, err } = await send("crm Leads.create --to PORT --count 60 --concurrency 4", app);
    expect(exitCode).toBe(0);
    expect(new Set(app.seen.map((seen) => JSON.parse(seen.body.toString()).ids[0])).size).toBe(60);
    expect(out).toMatch(
      /^60 sent in .*: 60 ok, 0 failed\n {2}answers {2}200 × 60\n {2}latency {2}p50 .* p95 .* p99 .* max .*\n$/,
    );
    expect(err).not.toContain("\u001b");
  });

  it("never exceeds --concurrency", async () => {
    const app = await target((response) => void setImmediate(() => response.end()));
    await send("crm Leads.create --to PORT --count 30 --concurrency 3", app);
    expect(app.mostAtOnce).toBeLessThanOrEqual(3);
    expect(app.connections).toBeLessThanOrEqual(3);
    await send("crm Leads.create --to PORT --count 10", app);
    expect(app.seen).toHaveLength(40);
  });

  it("causes no warnings of the runtime at high concurrency", async () => {
    const warnings: string[] = [];
    const note = (warning: Error): void => void warnings.push(warning.message);
    process.on("warning", note);
    const app = await target((response) => void setImmediate(() => response.end()));
    await send("crm Leads.create --to PORT --count 60 --concurrency 30", app);
    await new Promise(setImmediate);
    process.off("warning", note);
    expect(warnings).toEqual([]);
  });

  it("sends one at a time by default", async () => {
    const app = await target((response) => void setImmediate(() => response.end()));
    await send("crm Leads.create --to PORT --count 10", app);
    expect(app.mostAtOnce).toBe(1);
  });

  it("shows the first failure of each kind, counts them all, and fails", async () => {
    const app = await target((response, _, n) => {
      response.statusCode = n % 3 === 0 ? 503 : n % 5 === 0 ? 401 : 200;
      response.end(`answer ${n}`);
    });
    const { exitCode, out } = await send("crm Leads.create --to PORT --count 30", app);
    expect(exitCode).toBe(5);
    expect(out.match(/✗ 503/g)).toHaveLength(1);
    expect(out.match(/✗ 401/g)).toHaveLength(1);
    expect(out).toContain("answer: answer 3\n");
    expect(out).toContain("30 sent");
    expect(out).toContain("16 ok, 14 failed");
    expect(out).toContain("503 × 10");
    expect(out).toContain("401 × 4");
  });

  it("gives scripts a line each and a summary", async () => {
    const app = await target();
    const result = await send("crm Leads.create --to PORT --count 5 --json", app);
    const lines = result.lines();
    expect(lines.map((line) => line.type)).toEqual([...Array(5).fill("sent"), "send_summary"]);
    expect(lines[5]).toEqual({
      v: 1,
      type: "send_summary",
      count: 5,
      ok: 5,
      failed: 0,
      seconds: expect.any(Number),
      statuses: { "200": 5 },
      latency_ms: {
        p50: expect.any(Number),
        p95: expect.any(Number),
        p99: expect.any(Number),
        max: expect.any(Number),
      },
    });
    expect(result.err).toBe("");
  });

  it("draws a progress bar on a terminal only, and removes it", async () => {
    const app = await target();
    const { err } = await send("crm Leads.create --to PORT --count 20", app, { errTTY: true });
    expect(err).toMatch(/█|░/);
    expect(err).toContain("of 20");
    expect(err.lastIndexOf("\r\u001b[2K")).toBeGreaterThan(err.lastIndexOf("of 20"));
    const quiet = await send("crm Leads.create --to PORT --count 20 -q", app, { errTTY: true });
    expect(quiet.err).toBe("");
  });

  it("stops on Ctrl-C, reports what was sent, and exits with 0 when all answers were good", async () => {
    const stop = new AbortController();
    const app = await target((response, _, n) => {
      if (n === 7) stop.abort();
      response.end("OK");
    });
    const { exitCode, out, err } = await send("crm Leads.create --to PORT --count 100000", app, {
      signal: stop.signal,
    });
    expect(exitCode).toBe(0);
    expect(err).toContain("stopped by Ctrl-C: 7 of 100000 were sent");
    expect(out).toContain("7 sent");
    expect(app.seen).toHaveLength(7);
  });

  it("exits with 5 when it is stopped after a failure, or before any answer", async () => {
    const stop = new AbortController();
    const app = await target((response, _, n) => {
      if (n === 2) stop.abort();
      response.writeHead(n === 1 ? 500 : 200).end();
    });
    const failed = await send("crm Leads.create --to PORT --count 9", app, { signal: stop.signal });
    expect(failed.exitCode).toBe(5);
    const stopAlone = new AbortController();
    const silent = await target(() => stopAlone.abort());
    const alone = await send("crm Leads.create --to PORT", silent, { signal: stopAlone.signal });
    expect(alone.exitCode).toBe(5);
    expect(alone.out).toContain("interrupted before");
  });
});
