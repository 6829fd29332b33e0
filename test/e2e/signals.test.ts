import { once } from "node:events";
import { Agent, type ClientRequest, request } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openLog } from "../../src/log/sqlite/log.ts";
import { type BinChild, runBin, startBin } from "../support/bin.ts";
import { newEntry } from "../support/log-entry.ts";
import { lacks } from "../support/needs.ts";
import { tempFolder } from "../support/run.ts";
import { startZohoServer } from "../support/zoho-server.ts";

const SECRETS = { ZOHO_WEBHOOK_SECRET: "a-secret" };

async function startListen(): Promise<{ child: BinChild; port: number }> {
  const child = startBin(["listen", "--port", "0", "--json", "--no-store"], { env: {} });
  const [, port] = await child.shown(/"url":"http:\/\/127\.0\.0\.1:(\d+)"/);
  return { child, port: Number(port) };
}

/** A delivery whose last byte is still to be sent; resolves once its first part has been written out. */
async function beginDelivery(port: number): Promise<{ sending: ClientRequest; body: string }> {
  const body = '{"challenge":"x"}';
  const sending = request({
    agent: new Agent({ keepAlive: true }),
    port,
    host: "127.0.0.1",
    method: "POST",
    path: "/webhooks/zoho/crm",
    headers: { "content-type": "application/json", "content-length": body.length },
  });
  sending.on("error", () => {});
  await new Promise<void>((resolve) => sending.write(body.slice(0, -1), () => resolve()));
  return { sending, body };
}

/** Resolves once no new connection is accepted: the first signal has been taken in. */
async function closed(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, "127.0.0.1");
    const outcome = await Promise.race([
      once(socket, "connect").then(() => "open"),
      new Promise((resolve) => socket.once("error", () => resolve("refused"))),
    ]);
    socket.destroy();
    if (outcome === "refused") return;
  }
}

function lines(stdout: string): Record<string, unknown>[] {
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

// Windows has no signals that one process could send another to handle.
describe.skipIf(lacks("posix"))("listen, when it is to stop", () => {
  it.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
    "lets what is under way end on %s, prints the summary and exits with 0",
    async (signal) => {
      const { child, port } = await startListen();
      const { sending, body } = await beginDelivery(port);
      child.kill(signal);
      await closed(port);
      const answered = once(sending, "response");
      sending.end(body.slice(-1));
      const [response] = await answered;
      expect(response.statusCode).toBe(200);
      response.resume();
      const answeredAt = performance.now();
      const { status, stdout, stderr } = await child.ended;
      // Not held up by the connection, which the sender keeps open: that would be closed after two seconds.
      expect(performance.now() - answeredAt).toBeLessThan(1900);
      expect([status, stderr]).toEqual([0, ""]);
      expect(stdout).toContain('"type":"event","n":1');
      expect(lines(stdout).at(-1)).toMatchObject({ type: "summary", received: 1 });
    },
  );

  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("ends at once on a second %s", async (signal, code) => {
    const { child, port } = await startListen();
    await beginDelivery(port);
    child.kill(signal);
    await closed(port);
    child.kill(signal);
    const { status, stdout } = await child.ended;
    expect(status).toBe(code);
    expect(stdout).not.toContain('"type":"summary"');
  });

  it("gives up on a sender that does not come to an end", async () => {
    const { child, port } = await startListen();
    await beginDelivery(port);
    child.kill("SIGINT");
    const { status, stdout } = await child.ended;
    expect(status).toBe(0);
    expect(lines(stdout).at(-1)).toMatchObject({ type: "summary", received: 0 });
  });
});

describe.skipIf(lacks("posix"))("send, when it is to stop", () => {
  it("says what came of what was sent", async () => {
    const { child, port } = await startListen();
    const sending = startBin(["send", "crm", "Leads.create", "--to", String(port), "--count", "100000", "--json"], {
      env: SECRETS,
    });
    await sending.shown(/"type":"sent"/);
    sending.kill("SIGINT");
    const { status, stdout } = await sending.ended;
    expect(status).toBe(0);
    const summary = lines(stdout).find(({ type }) => type === "send_summary");
    expect(summary?.failed).toBe(0);
    expect(summary?.ok).toBeGreaterThan(0);
    child.kill("SIGINT");
    await child.ended;
  });
});

describe("a reader that goes away", () => {
  it("ends the program quietly", async () => {
    const child = startBin(["fixtures", "list", "--json"]);
    child.stopReading();
    const { status, stderr } = await child.ended;
    expect([status, stderr]).toEqual([0, ""]);
  });

  it("has a long list end as well, which is no error", async () => {
    const cwd = tempFolder();
    const log = await openLog({ path: join(cwd, ".zoho-hooks", "events.db"), now: () => new Date() });
    // More than a pipe holds.
    const body = JSON.stringify({ note: "x".repeat(100_000) });
    await Promise.all(Array.from({ length: 200 }, () => log.append(newEntry({ body }))));
    await log.close();
    const child = startBin(["events", "list", "--all", "--json"], { cwd });
    await child.shown(/"n":200/);
    child.stopReading();
    const { status, stderr } = await child.ended;
    expect([status, stderr]).toEqual([0, ""]);
  });

  it("does not make a wrong command right", async () => {
    expect((await runBin(["products", "nonsense"])).status).toBe(2);
  });
});

describe.skipIf(lacks("posix"))("a command that waits for Zoho", () => {
  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("is ended by %s with the status that a shell gives, and that is no bug", async (signal, expected) => {
    const server = await startZohoServer();
    const isList = ({ path }: { readonly path: string }): boolean => path.endsWith("/actions/watch");
    server.trouble("silence", 1, isList);
    const env = {
      ZOHO_CLIENT_ID: server.accounts.clientId,
      ZOHO_CLIENT_SECRET: server.accounts.clientSecret,
      ZOHO_REFRESH_TOKEN: server.accounts.makeRefreshToken(["ZohoCRM.notifications.ALL"]),
      ZOHO_ACCOUNTS_URL: server.url,
      ZOHO_API_URL: server.url,
    };
    const child = startBin(["channels", "list"], { env });
    await server.seen(isList);
    child.kill(signal);
    const { status, stderr } = await child.ended;
    await server.close();
    expect([status, stderr]).toEqual([expected, ""]);
  });
});
