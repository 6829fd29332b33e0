import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { startProgram } from "../../src/process/node-runtime.ts";
import { openCloudflared } from "../../src/tunnel/cloudflared.ts";
import { cloudflaredEnv, findCloudflared } from "../../src/tunnel/cloudflared-program.ts";
import type { Tunnel, TunnelOptions, TunnelStatus } from "../../src/tunnel/tunnel.ts";
import { isRunning, type StandIn, standInCloudflared, urlOfStart } from "../support/cloudflared.ts";
import { tempFolder } from "../support/run.ts";

interface Opened {
  readonly tunnel: Tunnel;
  readonly statuses: readonly TunnelStatus[];
  readonly requests: readonly IncomingMessage[];
}

const USER = { HOME: "/home/of-the-user", TUNNEL_NAME: "mine", TUNNEL_LOGLEVEL: "fatal", NO_AUTOUPDATE: "false" };

async function open(standIn: StandIn, options: Partial<TunnelOptions> = {}): Promise<Opened> {
  const requests: IncomingMessage[] = [];
  const receiver = createServer((request, response) => {
    requests.push(request);
    response.end("OK");
  }).listen(0, "127.0.0.1");
  await once(receiver, "listening");
  onTestFinished(() => void receiver.close());
  const statuses: TunnelStatus[] = [];
  const tunnel = await openCloudflared(
    (args, onLine) => startProgram(standIn.path, { args, env: cloudflaredEnv(USER), onLine }, process),
    {
      addr: { host: "127.0.0.1", port: (receiver.address() as AddressInfo).port },
      reaches: async () => true,
      timeoutMs: 30_000,
      settleMs: 20,
      onStatus: (status) => statuses.push(status),
      now: () => new Date(),
      signal: new AbortController().signal,
      ...options,
    },
  );
  onTestFinished(() => tunnel.close());
  return { tunnel, statuses, requests };
}

const typesOf = (statuses: readonly TunnelStatus[]): readonly string[] => statuses.map(({ type }) => type);

describe("a tunnel of cloudflared", () => {
  it("is started so that neither the user's files and variables nor QUIC or an update decide", async () => {
    const standIn = await standInCloudflared();
    const { tunnel, statuses, requests } = await open(standIn);
    expect([tunnel.kind, tunnel.url]).toEqual(["cloudflared", urlOfStart(1)]);
    expect(statuses).toMatchObject([{ type: "up", url: urlOfStart(1) }]);
    expect(await (await fetch(`${standIn.edge}/x`)).text()).toBe("OK");
    expect(requests.map(({ url }) => url)).toEqual(["/x"]);
    const [start] = standIn.starts();
    expect(start?.args).toEqual([
      "tunnel",
      "--config",
      expect.stringMatching(/config\.yml$/),
      "--no-autoupdate",
      "--protocol",
      "http2",
      "--metrics",
      expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      "--url",
      expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
    ]);
    expect(start?.config).toBe("{}\n");
    expect(start?.env.filter((name) => /^TUNNEL_|AUTOUPDATE/.test(name))).toEqual([]);
    expect(start?.env).toContain("HOME");
  });

  it("is up only once it is connected, and its name has had time to enter DNS", async () => {
    const standIn = await standInCloudflared({ connectMs: 400 });
    const startedAt = performance.now();
    await open(standIn, { settleMs: 600 });
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(1000);
  });

  it("ends the program when it is closed", async () => {
    const standIn = await standInCloudflared();
    const { tunnel, statuses } = await open(standIn);
    await tunnel.close();
    expect(standIn.starts().map(({ pid }) => isRunning(pid))).toEqual([false]);
    expect(typesOf(statuses)).toEqual(["up"]);
  });

  it("ends the program when opening is interrupted", async () => {
    const standIn = await standInCloudflared({ connectMs: 60_000 });
    const interrupt = new AbortController();
    const opening = open(standIn, { signal: interrupt.signal });
    await expect.poll(() => standIn.starts()).toHaveLength(1);
    interrupt.abort();
    await expect(opening).rejects.toThrow();
    expect(standIn.starts().map(({ pid }) => isRunning(pid))).toEqual([false]);
  });

  it("keeps its URL when the program reconnects", async () => {
    const standIn = await standInCloudflared();
    const { statuses } = await open(standIn);
    standIn.toggleConnection();
    await expect.poll(() => typesOf(statuses), { timeout: 15_000 }).toEqual(["up", "down"]);
    expect(statuses[1]).toMatchObject({ reason: "cloudflared has lost the connection to Cloudflare" });
    standIn.toggleConnection();
    await expect
      .poll(() => statuses[2], { timeout: 15_000 })
      .toMatchObject({
        type: "reconnected",
        url: urlOfStart(1),
        previousUrl: undefined,
      });
    expect(standIn.starts()).toHaveLength(1);
  }, 40_000);

  it("starts the program again when it has ended, under another URL", async () => {
    const standIn = await standInCloudflared();
    const { tunnel, statuses } = await open(standIn);
    standIn.crash();
    await expect.poll(() => typesOf(statuses), { timeout: 15_000 }).toEqual(["up", "down", "reconnected"]);
    expect(statuses[1]).toMatchObject({ reason: "cloudflared has ended (exit code 137)" });
    expect(statuses[2]).toMatchObject({ url: urlOfStart(2), previousUrl: urlOfStart(1) });
    expect(tunnel.url).toBe(urlOfStart(2));
  });

  it("starts it again when requests to its URL no longer arrive, if they ever did", async () => {
    const standIn = await standInCloudflared();
    let isReached = false;
    let looks = 0;
    const reaches = async () => {
      looks++;
      return isReached;
    };
    const { statuses } = await open(standIn, { reaches, checkEveryMs: 10 });
    await expect.poll(() => looks).toBeGreaterThan(5);
    expect(typesOf(statuses)).toEqual(["up"]);
    isReached = true;
    const before = looks;
    await expect.poll(() => looks).toBeGreaterThan(before + 2);
    isReached = false;
    await expect.poll(() => typesOf(statuses), { timeout: 15_000 }).toEqual(["up", "down", "reconnected"]);
    expect(statuses[2]).toMatchObject({ previousUrl: urlOfStart(1) });
  });

  it.each([
    ["unreachable", "cloudflared cannot reach Cloudflare: failed to request quick Tunnel", "check the network", 1],
    ["limited", "Cloudflare opens no further tunnel for this address now (429", "try again in some minutes", 1],
    ["fault", "Cloudflare's service for tunnels has failed: failed to parse quick Tunnel ID", "try again", 3],
  ] as const)(
    "says why it could not be opened: %s",
    async (outcome, message, hint, starts) => {
      const standIn = await standInCloudflared({ outcomes: Array(5).fill(outcome) });
      await expect(open(standIn)).rejects.toMatchObject({
        message: expect.stringContaining(message),
        hint: expect.stringContaining(hint),
        exitCode: 9,
      });
      expect(standIn.starts()).toHaveLength(starts);
    },
    20_000,
  );

  it("tries again when the service fails for a moment", async () => {
    const standIn = await standInCloudflared({ outcomes: ["fault"] });
    expect((await open(standIn)).tunnel.url).toBe(urlOfStart(2));
  });

  it("does not start it again and again after a rate limit", async () => {
    const standIn = await standInCloudflared({ outcomes: ["connected", "limited"] });
    const { statuses } = await open(standIn, { timeoutMs: 8_000 });
    standIn.crash();
    await expect.poll(() => typesOf(statuses), { timeout: 20_000 }).toEqual(["up", "down", "lost"]);
    expect(statuses[2]).toMatchObject({ error: { message: expect.stringContaining("429 Too Many Requests") } });
    expect(standIn.starts()).toHaveLength(2);
  }, 30_000);

  it("is lost when it does not come back in time", async () => {
    const standIn = await standInCloudflared({ outcomes: ["connected", ...Array(20).fill("unreachable")] });
    const { statuses } = await open(standIn, { timeoutMs: 2_500 });
    standIn.crash();
    await expect.poll(() => typesOf(statuses), { timeout: 20_000 }).toEqual(["up", "down", "lost"]);
    expect(statuses[2]).toMatchObject({
      error: { message: expect.stringMatching(/has been down for \d+ s: cloudflared cannot reach/) },
    });
    // With growing pauses.
    expect(standIn.starts().length).toBeLessThan(5);
  }, 30_000);

  it("says so when the program cannot be run", async () => {
    const standIn = { ...(await standInCloudflared()), path: "/nowhere/cloudflared" };
    await expect(open(standIn)).rejects.toMatchObject({
      message: expect.stringContaining("cloudflared has ended: spawn /nowhere/cloudflared ENOENT"),
    });
  });
});

describe("findCloudflared", () => {
  const find = (places: Partial<Parameters<typeof findCloudflared>[0]>) =>
    findCloudflared({ named: undefined, root: "/", env: {}, platform: "linux", ...places });

  it("finds it on the PATH, or where CLOUDFLARED_PATH names it, and never in the working folder", async () => {
    const { path } = await standInCloudflared();
    const folder = path.replace(/\/cloudflared$/, "");
    expect(find({ env: { PATH: `/nowhere:${folder}` } })).toBe(path);
    expect(find({ named: "./cloudflared", root: folder })).toBe(path);
    expect(() => find({ env: { PATH: ".:" }, root: folder })).toThrow("not installed");
    expect(() => find({ named: "cloudflared", root: tempFolder(), env: { PATH: folder } })).toThrow(
      "which CLOUDFLARED_PATH names",
    );
  });

  it.each([
    ["linux", "sudo curl -fLo /usr/local/bin/cloudflared https://github.com/cloudflare/cloudflared/releases/"],
    ["darwin", "brew install cloudflared"],
    ["win32", "winget install --id Cloudflare.cloudflared"],
  ])("says how to install it on %s", (platform, command) => {
    expect(() => find({ platform })).toThrow(
      expect.objectContaining({ code: "cloudflaredMissing", hint: expect.stringContaining(command) }),
    );
    expect(() => find({ platform })).toThrow(
      expect.objectContaining({ hint: expect.stringContaining("CLOUDFLARED_PATH") }),
    );
  });
});
