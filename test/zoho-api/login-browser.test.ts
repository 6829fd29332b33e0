import { existsSync, readFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { desktop } from "../support/desktop.ts";
import { lacks } from "../support/needs.ts";
import { type RunOptions, type RunResult, run, tempFolder } from "../support/run.ts";
import { ALL_SCOPES } from "../support/zoho-client.ts";
import { startZohoServer, type ZohoServer } from "../support/zoho-server.ts";

let server: ZohoServer;
beforeEach(async () => {
  server = await startZohoServer();
});
afterEach(() => server.close());

function signIn(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const { clientId, clientSecret } = server.accounts;
  const hosts = { ZOHO_ACCOUNTS_URL: server.url, ZOHO_API_URL: server.url, ZOHO_KEYRING: "off" };
  const env = { ...hosts, ZOHO_CLIENT_ID: clientId, ZOHO_CLIENT_SECRET: clientSecret, ...options.env };
  const scopes = ALL_SCOPES.flatMap((scope) => ["--scope", scope]);
  return run(["login", "--browser", ...scopes, ...argv], { cwd: tempFolder(), ...options, env });
}

/** The URL of Zoho's page, from the output. */
function printedAddress(err: string): string | undefined {
  return /http:\S+\/oauth\/v2\/auth\?[\w.~%&=+-]+/.exec(err)?.[0];
}

const LOOPBACKS = ["127.0.0.1", "::1"] as const;

/** Listens on a port of one address; undefined if the machine does not have the address. */
function take(host: string, port = 0): Promise<{ port: number; close(): void } | undefined> {
  const taken = createServer();
  return new Promise((resolve) => {
    taken.once("error", () => resolve(undefined));
    taken.listen({ host, port }, () => {
      const address = taken.address();
      resolve({ port: typeof address === "object" ? (address?.port ?? 0) : 0, close: () => taken.close() });
    });
  });
}

const hasIpv6 = !lacks("the address ::1");

describe("login --browser", () => {
  it.each(LOOPBACKS)("rejects a port that another program uses at %s", async (host) => {
    const taken = await take(host);
    if (taken === undefined) return expect(hasIpv6).toBe(false);
    const { exitCode, err } = await signIn(["--port", String(taken.port)]);
    taken.close();
    expect(exitCode).toBe(2);
    expect(err).toMatch(/cannot listen on port \d+ for the browser.s redirect: .*in use/);
    expect(err).toContain("give its port with --port");
    // The server at the other address is closed again.
    for (const each of LOOPBACKS) {
      const free = await take(each, taken.port);
      expect(free !== undefined).toBe(each === "127.0.0.1" || hasIpv6);
      free?.close();
    }
  });

  it.each(LOOPBACKS.filter((host) => host !== "::1" || hasIpv6))("answers a browser that asks %s", async (host) => {
    const result = await signIn(["--port", "0"], {
      onErr: (text) => {
        const address = printedAddress(text);
        if (address === undefined) return;
        const { port } = new URL(new URL(address).searchParams.get("redirect_uri") ?? "");
        const browser = connect(Number(port), host, () => browser.write("GET /x HTTP/1.1\r\nhost: x\r\n\r\n"));
        browser.once("data", () => {
          browser.destroy();
          void fetch(address);
        });
      },
    });
    expect(result.exitCode).toBe(0);
  });

  // macOS and Windows open browsers with other programs.
  describe.skipIf(lacks("linux"))("opens a browser", () => {
    const opened = async (seen: string): Promise<string> => {
      await expect.poll(() => existsSync(seen)).toBe(true);
      return readFileSync(seen, "utf8").trim();
    };

    it("with an address that shows nothing about the sign-in in process lists", async () => {
      const { path, seen } = desktop("xdg-open");
      const running = signIn(["--port", "0"], { env: { PATH: path }, errTTY: true });
      const address = await opened(seen);
      expect(address).toMatch(/^http:\/\/localhost:\d+\/[0-9a-f]{32}$/);
      const page = await fetch(address);
      // Nothing is granted before the code is exchanged.
      expect([page.status, await page.text()]).toEqual([200, expect.stringContaining("The terminal finishes")]);
      const { exitCode, err } = await running;
      expect(exitCode).toBe(0);
      expect(new URL(printedAddress(err) ?? "").searchParams.get("state")).toMatch(/^[0-9a-f]{32}$/);
    });

    it("and ends the sign-in if the address is opened twice", async () => {
      const { path, seen } = desktop("xdg-open");
      const running = signIn(["--port", "0"], { env: { PATH: path }, errTTY: true });
      const address = await opened(seen);
      const first = await fetch(address, { redirect: "manual" });
      expect([first.status, first.headers.get("location")]).toEqual([302, expect.stringContaining("state=")]);
      expect((await fetch(address, { redirect: "manual" })).status).toBe(410);
      const { exitCode, err } = await running;
      expect(exitCode).toBe(6);
      expect(err).toContain("was opened twice");
      expect(err).toContain("BROWSER=none");
    });
  });
});
