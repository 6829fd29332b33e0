import { createServer as createHttpServer, request } from "node:http";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { startListener } from "../support/listener.ts";
import { run, tempFolder } from "../support/run.ts";
import { freePort } from "../support/target.ts";

const ALLOWED = "203.0.113.7";
const SENDER = "198.51.100.1";

/** A tunnel that leads to a port of this machine, and the public URL of it. */
async function publicUrlOf(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return `http://localhost:${(server.address() as AddressInfo).port}`;
}

/** As `ssh -R` is. */
function plainForwarder(port: number): Server {
  return createServer((socket) => {
    const upstream = connect(port, "127.0.0.1");
    socket.pipe(upstream).pipe(socket);
    for (const each of [socket, upstream]) each.on("error", () => each.destroy());
  });
}

/** A proxy that writes X-Forwarded-For by this rule. */
function httpProxy(port: number, forwardedFor: (sent: string | undefined) => string | undefined): Server {
  return createHttpServer((incoming, outgoing) => {
    const { "x-forwarded-for": sent, ...headers } = incoming.headers;
    const address = forwardedFor(sent?.toString());
    const upstream = request(
      {
        host: "127.0.0.1",
        port,
        path: incoming.url,
        method: incoming.method,
        headers: { ...headers, ...(address === undefined ? {} : { "x-forwarded-for": address }) },
      },
      (answer) => answer.pipe(outgoing.writeHead(answer.statusCode ?? 500, answer.headers)),
    );
    incoming.pipe(upstream.on("error", () => outgoing.destroy()));
  });
}

const EVENT = '{"event_type":"ticket"}';

async function post(url: string, forwardedFor: string): Promise<number> {
  const headers = { "content-type": "application/json", "x-forwarded-for": forwardedFor };
  return (await fetch(`${url}/webhooks/zoho/desk`, { method: "POST", body: EVENT, headers })).status;
}

describe("a tunnel that passes X-Forwarded-For on as the sender wrote it", () => {
  it.each<[string, readonly string[], Record<string, string>]>([
    ["--allow-ip", ["--allow-ip", ALLOWED], {}],
    ["ZOHO_HOOKS_ALLOW_IP", [], { ZOHO_HOOKS_ALLOW_IP: ALLOWED }],
  ])("is refused with %s", async (name, flags, env) => {
    const port = await freePort();
    for (const server of [plainForwarder(port), httpProxy(port, (sent) => sent)]) {
      const url = await publicUrlOf(server);
      const argv = ["listen", "--port", String(port), "--no-store", "--timeout", "1s", "--public-url", url];
      const { exitCode, err } = await run([...argv, ...flags], { env, cwd: tempFolder() });
      expect(exitCode).toBe(2);
      for (const part of [name, url, "does not write X-Forwarded-For", "secret or token"]) expect(err).toContain(part);
    }
  });

  it("is used without a list of addresses", async () => {
    const port = await freePort();
    const url = await publicUrlOf(plainForwarder(port));
    const listener = await startListener(["--port", String(port), "--no-store", "--public-url", url], {
      hasPort: false,
    });
    expect(await post(url, ALLOWED)).toBe(200);
    await listener.stop();
  });
});

describe("a tunnel that writes X-Forwarded-For", () => {
  it.each<[string, (sent: string | undefined) => string | undefined]>([
    ["appends", (sent) => (sent === undefined ? SENDER : `${sent}, ${SENDER}`)],
    ["overwrites", () => SENDER],
    ["removes", () => undefined],
  ])("is used with --allow-ip, which a sender cannot forge: %s", async (_, rule) => {
    const port = await freePort();
    const url = await publicUrlOf(httpProxy(port, rule));
    const own = ["--port", String(port), "--no-store", "--public-url", url];
    const listener = await startListener([...own, "--allow-ip", ALLOWED], { hasPort: false });
    expect(await post(url, ALLOWED)).toBe(403);
    await listener.stop();
    const open = await startListener([...own, "--allow-ip", SENDER, "--allow-ip", "127.0.0.1"], { hasPort: false });
    expect(await post(url, ALLOWED)).toBe(200);
    await open.stop();
  });
});
