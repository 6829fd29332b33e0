import { once } from "node:events";
import { createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { type Listener, startListener } from "../support/listener.ts";
import { run, tempFolder } from "../support/run.ts";
import { startTarget } from "../support/target.ts";

/** Keeps the default port busy, unless something else does, such as `npm start`. */
const occupant = createServer((socket) => socket.destroy());
beforeAll(async () => {
  occupant.listen(4460, "127.0.0.1");
  await once(occupant, "listening").catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EADDRINUSE") throw error;
  });
});
afterAll(() => void occupant.close());

/** Without `--port`. */
async function listenOnDefault(argv: readonly string[], cwd = tempFolder()): Promise<Listener> {
  const listener = await startListener(argv, { cwd, hasPort: false });
  onTestFinished(async () => void (await listener.stop()));
  return listener;
}

const portOf = ({ url }: Listener): number => Number(new URL(url).port);

describe("listen without --port, while 4460 is busy,", () => {
  it("takes the next free port, and says so", async () => {
    const first = await listenOnDefault([]);
    const second = await listenOnDefault([]);
    expect(portOf(first)).toBeGreaterThan(4460);
    expect(portOf(second)).toBeGreaterThan(portOf(first));
    expect(await second.line("warning")).toMatchObject({
      message: expect.stringMatching(`port 4460 on 127.0.0.1 is in use by .*: using port ${portOf(second)}`),
    });
  });

  it("is found by send", async () => {
    const cwd = tempFolder();
    const listener = await listenOnDefault([], cwd);
    expect((await run(["send", "crm", "Leads.create"], { cwd })).exitCode).toBe(0);
    expect(await listener.event(1)).toMatchObject({ product: "crm" });
  });

  it("skips a port that it forwards to", async () => {
    const free = portOf(await listenOnDefault([]));
    const listener = await listenOnDefault([String(free + 1)]);
    expect(portOf(listener)).not.toBe(free + 1);
  });

  it("names the listen of the same project instead", async () => {
    const cwd = tempFolder();
    const own = await startListener([], { cwd });
    onTestFinished(async () => void (await own.stop()));
    for (const flags of [["--no-store"], ["--store", "other.db"]]) {
      const { exitCode, err } = await run(["listen", ...flags], { cwd });
      expect(exitCode).toBe(2);
      expect(err).toContain(`this project's listen is at ${own.url}`);
    }
  });

  it("fails for a port that the user chose, or that the user's own tunnel leads to", async () => {
    const asked = { env: { ZOHO_HOOKS_PORT: "4460" } };
    for (const result of [
      await run(["listen", "--port", "4460"]),
      await run(["listen"], asked),
      await run(["listen", "--public-url", "https://hooks.example.com"]),
    ]) {
      expect(result.exitCode).toBe(2);
      expect(result.err).toContain("port 4460 on 127.0.0.1 is in use by");
    }
  });
});

describe("listen <target>", () => {
  it.each([
    ["a port", (url: string) => new URL(url).port],
    ["host:port", (url: string) => new URL(url).host],
    ["a URL", (url: string) => `${url}/webhooks/zoho/crm`],
  ])("forwards to %s, and to --forward-to as well", async (_, written) => {
    const app = await startTarget();
    const other = await startTarget();
    onTestFinished(async () => void (await Promise.all([app.close(), other.close()])));
    const listener = await startListener([written(app.url), "--forward-to", `${other.url}/hook`]);
    onTestFinished(async () => void (await listener.stop()));
    await listener.post("/webhooks/zoho/crm", "{}");
    await listener.line("forward", { state: "delivered" }, 2);
    expect([app.seen[0]?.path, other.seen[0]?.path]).toEqual(["/webhooks/zoho/crm", "/hook"]);
  });

  it("rejects other words as a target", async () => {
    const { exitCode, err } = await run(["listen", "crm"]);
    expect(exitCode).toBe(2);
    expect(err).toContain('listen: "crm" is not a target');
  });
});
