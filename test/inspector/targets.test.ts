import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openLog } from "../../src/log/sqlite/log.ts";
import { startInspector, type TestInspector, userEnv } from "../support/inspector.ts";
import { newEntry } from "../support/log-entry.ts";
import { tempFolder } from "../support/run.ts";
import { startTarget } from "../support/target.ts";

/** A project with one event. */
async function project() {
  const cwd = tempFolder();
  const log = await openLog({ path: join(cwd, ".zoho-hooks/events.db"), now: () => new Date() });
  await log.append(newEntry({}));
  await log.close();
  return cwd;
}

async function replayTo(inspector: TestInspector, to: string) {
  const { status, json } = await inspector.post("/api/replay", { n: 1, to });
  return { status, error: String(json().error) };
}

describe("a replay goes", () => {
  it("to this machine", async () => {
    const app = await startTarget();
    const inspector = await startInspector([], { cwd: await project(), env: userEnv() });
    for (const to of [String(app.port), `127.0.0.1:${app.port}`, `http://localhost:${app.port}/x`])
      expect((await replayTo(inspector, to)).status).toBe(200);
    expect(app.seen).toHaveLength(3);
    await app.close();
  });

  it.each([
    "http://198.51.100.7/hook",
    "https://evil.example",
    "evil.example:80",
    "http://127.0.0.1.evil.example/",
    "http://127.0.0.1@evil.example/",
    "http://app.localhost/",
    "http://0.0.0.0.nip.io/",
    "http://169.254.169.254/latest/meta-data",
  ])("not to %s", async (to) => {
    const inspector = await startInspector([], { cwd: await project(), env: userEnv() });
    const { status, error } = await replayTo(inspector, to);
    expect(status).toBe(422);
    expect(error).toMatch(/neither this machine nor a target of this project|not a target|user name/);
  });

  it.each(["file:///etc/passwd", "ftp://localhost/x", "", "http://"])("not to %j, which is no target", async (to) => {
    const inspector = await startInspector([], { cwd: await project(), env: userEnv() });
    expect((await replayTo(inspector, to)).status).toBe(422);
  });

  it("to the target alone that has not accepted it, where that is asked for", async () => {
    const [good, bad] = [await startTarget(), await startTarget()];
    const targets = [`${good.url}/hook`, `${bad.url}/hook`];
    const cwd = tempFolder();
    const log = await openLog({ path: join(cwd, ".zoho-hooks/events.db"), now: () => new Date() });
    const { n, forwards } = await log.append(newEntry({ forward: { targets, claim: targets } }));
    for (const { target, claim } of forwards) {
      const status = target === targets[0] ? 200 : 500;
      const attempt = { target, at: new Date(), status, latencyMs: 1, error: undefined };
      if (claim) await log.queue.complete(claim, attempt, { state: status === 200 ? "delivered" : "failed" });
    }
    await log.close();
    const inspector = await startInspector([], { cwd, env: userEnv() });
    const first = (await inspector.post("/api/replay", { n, failed: true })).json();
    expect(first).toMatchObject({ ok: true, lines: [{ type: "sent", url: targets[1], status: 200 }] });
    expect([good.seen.length, bad.seen.length]).toEqual([0, 1]);
    // Now that both have it, it goes to where it went before.
    await inspector.post("/api/replay", { n, failed: true });
    expect([good.seen.length, bad.seen.length]).toEqual([1, 2]);
    await good.close();
    await bad.close();
  });

  it("to a target of the user's own settings", async () => {
    const env = { ...userEnv(), ZOHO_HOOKS_FORWARD_TO: "http://127.0.0.2:9/hook,http://[::ffff:7f00:1]:9/hook" };
    const inspector = await startInspector([], { cwd: await project(), env });
    const { status, json } = await inspector.post("/api/replay", { n: 1, to: "http://[::ffff:7f00:1]:9/hook" });
    // Nobody listens there, which is the result of a replay and no refusal.
    expect([status, json().ok]).toEqual([200, false]);
  });
});
