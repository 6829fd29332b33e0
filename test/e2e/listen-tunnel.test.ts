import { createHash } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { atTerminal } from "../support/bin.ts";
import { folderWith } from "../support/files.ts";
import { type Listener, startListener } from "../support/listener.ts";
import { lacks } from "../support/needs.ts";
import { type NgrokEdge, startNgrokEdge } from "../support/ngrok-edge.ts";
import { run } from "../support/run.ts";
import { TestClock } from "../support/test-clock.ts";
import { ALL_SCOPES } from "../support/zoho-client.ts";
import { startZohoServer } from "../support/zoho-server.ts";

const TOKEN = "2abcSecretTokenOfTheTest_7xyz";
let edge: NgrokEdge;
let listener: Listener | undefined;
let app: Server | undefined;

beforeEach(async () => {
  edge = await startNgrokEdge({ acceptToken: TOKEN });
});
afterEach(async () => {
  await listener?.stop();
  listener = undefined;
  app?.closeAllConnections();
  app?.close();
  app = undefined;
  await edge.close();
});

const environment = (more: Record<string, string> = {}): Record<string, string> => ({
  ZOHO_HOOKS_TUNNEL: "ngrok",
  NGROK_AUTHTOKEN: TOKEN,
  ZOHO_HOOKS_NGROK_SERVER_ADDR: edge.serverAddr,
  ZOHO_HOOKS_NGROK_ROOT_CAS: edge.caFile,
  ...more,
});

async function listen(argv: readonly string[] = [], env: Record<string, string> = {}): Promise<Listener> {
  listener = await startListener(argv, { env: environment(env) });
  return listener;
}

const publicUrl = (of: Listener): string => String(of.lines().find((line) => line.type === "ready")?.public_url);

/** Records whole requests. */
async function startApp(): Promise<{ url: string; bodies: Buffer[] }> {
  const bodies: Buffer[] = [];
  app = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      bodies.push(Buffer.concat(chunks));
      response.end("thanks");
    });
  });
  await new Promise<void>((resolve) => app?.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${(app.address() as AddressInfo).port}/hook`, bodies };
}

const sha256 = (bytes: Buffer | string): string => createHash("sha256").update(bytes).digest("hex");

describe("listen with a tunnel", () => {
  it("sends the authtoken to a server that the project names only where its folder is trusted", async () => {
    const tunnel = { serverAddr: edge.serverAddr, rootCas: edge.caFile };
    const cwd = folderWith({ "zoho-hooks.config.json": JSON.stringify({ tunnel }) });
    const env = { NGROK_AUTHTOKEN: TOKEN };
    const { exitCode, err } = await run(["listen", "--port", "0"], { cwd, env: { ...env, ZOHO_HOOKS_TRUST: "0" } });
    expect([exitCode, err]).toEqual([2, expect.stringContaining(edge.serverAddr)]);
    expect(edge.auths).toEqual([]);
    listener = await startListener([], { cwd, env });
    expect(edge.auths).toMatchObject([{ accepted: true }]);
  });

  it("is ready once a request through the public URL has arrived, and lists each product's URL", async () => {
    const of = await listen();
    const ready = of.lines().find((line) => line.type === "ready");
    expect(ready).toMatchObject({
      public_url: edge.publicUrl(),
      urls: { crm: `${edge.publicUrl()}/webhooks/zoho/crm` },
    });
    expect(of.lines().filter((line) => line.type === "event")).toEqual([]);
  });

  it.each([
    ["JSON", "application/json", Buffer.from('{"event":"invoice_created",  "id":4150868000000002179}')],
    ["a form", "application/x-www-form-urlencoded", Buffer.from("a=1&a=%FF&b=+")],
    [
      "multipart",
      "multipart/form-data; boundary=b",
      Buffer.concat([
        Buffer.from('--b\r\ncontent-disposition: form-data; name="f"; filename="x"\r\n\r\n'),
        Buffer.from([0, 255, 13, 10, 1]),
        Buffer.from("\r\n--b--\r\n"),
      ]),
    ],
  ])("passes %s byte for byte from the public URL to the app", async (_, type, body) => {
    const target = await startApp();
    const of = await listen(["--forward-to", target.url]);
    const answer = await fetch(`${publicUrl(of)}/webhooks/zoho/books`, {
      method: "POST",
      body,
      headers: { "content-type": type },
    });
    expect(answer.status).toBe(200);
    const event = await of.event(1);
    await expect.poll(() => target.bodies.length).toBe(1);
    expect(sha256(Buffer.from(String(event.body_b64), "base64"))).toBe(sha256(body));
    expect(sha256(target.bodies[0] ?? "")).toBe(sha256(body));
  });

  it("trusts X-Forwarded-For only on requests through the tunnel", async () => {
    const of = await listen(["--allow-ip", "127.0.0.1", "--on-invalid", "reject"]);
    const forged = { "content-type": "application/json", "x-forwarded-for": "203.0.113.9" };
    // The edge appends the address that it sees, 127.0.0.1, to the forged one.
    const body = '{"event":"invoice_created"}';
    expect(
      (await fetch(`${publicUrl(of)}/webhooks/zoho/books`, { method: "POST", body, headers: forged })).status,
    ).toBe(200);
    await of.stop();
    const closed = await listen(["--allow-ip", "203.0.113.9"]);
    expect(
      (await fetch(`${publicUrl(closed)}/webhooks/zoho/books`, { method: "POST", body, headers: forged })).status,
    ).toBe(403);
    expect((await closed.post("/webhooks/zoho/books", body, forged)).status).toBe(403);
  });

  it("reports that the connection broke and came back, and the total downtime", async () => {
    const of = await listen();
    edge.faults.cutSessions();
    await expect
      .poll(
        () =>
          of
            .lines()
            .filter((line) => line.type === "tunnel")
            .map((line) => line.state),
        { timeout: 15_000 },
      )
      .toEqual(["down", "reconnected"]);
    expect(
      (
        await fetch(`${publicUrl(of)}/webhooks/zoho`, {
          method: "POST",
          body: '{"challenge":1}',
          headers: { "content-type": "application/json" },
        })
      ).status,
    ).toBe(200);
    const [down, back] = of.lines().filter((line) => line.type === "tunnel");
    expect(Date.parse(String(back?.at)) - Date.parse(String(down?.at))).toBeGreaterThan(0);
    const summary = (await of.stop()).lines().at(-1);
    expect(summary).toMatchObject({ type: "summary" });
    expect(Number(summary?.tunnel_down_ms)).toBeGreaterThan(0);
    expect(of.lines().filter((line) => line.type === "ready")).toHaveLength(1);
  });

  it.skipIf(lacks("script of util-linux"))(
    "shows the time of tunnel changes, in lines no longer than the terminal",
    async () => {
      const screen = atTerminal(["listen", "--port", "0"], {
        env: environment({ NO_COLOR: "1" }),
        columns: 60,
      });
      await screen.shown(/try it/);
      edge.faults.cutSessions();
      await screen.shown(/\d\d:\d\d:\d\d ✓ tunnel reconnected after/);
      screen.type("\u0003");
      const { text } = await screen.ended;
      const told = text.slice(text.search(/\d\d:\d\d:\d\d ! tunnel down: /), text.indexOf("✓ tunnel")).split("\n");
      expect(told.length).toBeGreaterThan(2);
      expect(Math.max(...told.map((line) => line.length))).toBeLessThanOrEqual(60);
    },
  );

  it("exits with 9 if the connection does not come back in time", async () => {
    const of = await listen([], { ZOHO_HOOKS_TUNNEL_TIMEOUT: "1s" });
    await edge.faults.stop();
    const { exitCode, err } = await of.finished;
    expect(exitCode).toBe(9);
    expect(err).toContain('"error"');
  });

  it("unbinds on Ctrl-C", async () => {
    const of = await listen();
    expect(edge.bindings()).toHaveLength(1);
    expect((await of.stop()).exitCode).toBe(0);
    await edge.until(() => edge.bindings().length === 0);
  });

  it("exits with 6 and a remedy, without showing the token, if it is rejected", async () => {
    edge.faults.refuseAuth("ERR_NGROK_105");
    const { exitCode, out, err } = await run(["listen", "--port", "0"], { env: environment() });
    expect(exitCode).toBe(6);
    expect(err).toContain("authtoken");
    expect(out + err).not.toContain(TOKEN);
  });

  it("moves the channel to the tunnel's new URL", async () => {
    const clock = new TestClock();
    const zoho = await startZohoServer(clock.now);
    onTestFinished(() => zoho.close());
    const signedIn = {
      ZOHO_CLIENT_ID: zoho.accounts.clientId,
      ZOHO_CLIENT_SECRET: zoho.accounts.clientSecret,
      ZOHO_REFRESH_TOKEN: zoho.accounts.makeRefreshToken(ALL_SCOPES),
      ZOHO_ACCOUNTS_URL: zoho.url,
      ZOHO_API_URL: zoho.url,
    };
    const options = { env: environment(signedIn), now: clock.now, sleep: clock.wait };
    const of = await startListener(["--channel", "Leads.create"], options);
    listener = of;
    clock.advance(1000);
    edge.faults.refuseAuth("ERR_NGROK_108");
    edge.faults.cutSessions();
    // A new session is opened once the agent's own attempts have failed.
    await expect.poll(() => edge.auths.filter(({ clientId }) => clientId === "").length, { timeout: 15_000 }).toBe(2);
    edge.faults.moveTo("localhost");
    edge.faults.refuseAuth(undefined);
    expect(await of.line("channel", { state: "updated" })).toBeDefined();
    expect(zoho.watch.rows()).toMatchObject([{ notifyUrl: `${edge.publicUrl("localhost")}/webhooks/zoho/crm` }]);
    expect(await zoho.notify("Leads.create", ["5725767000003000064"])).toEqual([200]);
  }, 40_000);
});
