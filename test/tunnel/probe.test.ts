import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { Agent } from "undici";
import { afterEach, describe, expect, it } from "vitest";
import { type ProbeOptions, probe } from "../../src/tunnel/probe.ts";
import { createProbeKey, PROBE_ANSWER_HEADER, PROBE_HEADER } from "../../src/util/probe-key.ts";
import { makeCertificates } from "../support/ngrok-edge/make-certificates.ts";
import { startLocalReceiver } from "../support/tunnelled-receiver.ts";

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

async function serve(handle: RequestListener, server = createServer(handle)): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanUps.push(() => {
    server.closeAllConnections();
    return new Promise((done) => server.close(done));
  });
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("the server has no port");
  return address.port;
}

const key = createProbeKey();
const probeOnce = (port: number, more: Partial<ProbeOptions> = {}) =>
  probe({ publicUrl: `http://127.0.0.1:${port}`, key, signal: AbortSignal.timeout(10_000), pausesMs: [0], ...more });

describe("a probe", () => {
  it("recognises its own receiver", async () => {
    const local = await startLocalReceiver();
    cleanUps.push(() => local.close());

    expect(await probeOnce(local.port, { key: local.key })).toEqual({
      ok: true,
      latencyMs: expect.any(Number),
      isForgeable: false,
    });
  });

  it("distinguishes another zoho-hooks from its own", async () => {
    const local = await startLocalReceiver();
    cleanUps.push(() => local.close());

    expect(await probeOnce(local.port)).toMatchObject({
      ok: false,
      reason: expect.stringContaining("another zoho-hooks"),
    });
  });

  it("does not accept the 200 of another server", async () => {
    const port = await serve((_request, response) => response.setHeader("server", "nginx").end("OK"));

    expect(await probeOnce(port)).toEqual({ ok: false, reason: "something else answered 200 (nginx)" });
  });

  it("does not accept an echo", async () => {
    const port = await serve((request, response) => {
      const nonce = String(request.headers[PROBE_HEADER]);
      response.setHeader(PROBE_HEADER, nonce).setHeader(PROBE_ANSWER_HEADER, nonce).end(nonce);
    });

    expect(await probeOnce(port)).toMatchObject({ ok: false });
  });

  it("follows no redirect, not even to its own receiver", async () => {
    const local = await startLocalReceiver();
    cleanUps.push(() => local.close());
    const port = await serve((request, response) => {
      response.writeHead(302, { location: `http://127.0.0.1:${local.port}${request.url}` }).end();
    });

    expect(await probeOnce(port, { key: local.key })).toMatchObject({
      ok: false,
      reason: expect.stringContaining("302, a redirect to http://127.0.0.1"),
    });
  });

  it.each([401, 403])("explains a %i by a login in front of the receiver", async (status) => {
    const port = await serve((_, response) => void response.writeHead(status).end());

    expect(await probeOnce(port)).toEqual({
      ok: false,
      reason: `${status}: something in front of this receiver requires a login`,
    });
  });

  it("ends in time without an answer", async () => {
    const port = await serve(() => {});

    expect(await probeOnce(port, { timeoutMs: 50 })).toEqual({ ok: false, reason: "no answer in 0.05 s" });
  });

  it("tries again until it arrives", async () => {
    let tries = 0;
    const port = await serve((request, response) => {
      tries += 1;
      if (tries < 3) response.writeHead(502, { "ngrok-error-code": "ERR_NGROK_3200" }).end();
      else response.setHeader(PROBE_ANSWER_HEADER, key.answer(String(request.headers[PROBE_HEADER])) ?? "").end();
    });

    expect(await probeOnce(port, { pausesMs: [0, 1] })).toEqual({
      ok: false,
      reason: "ngrok answered 502 (ERR_NGROK_3200)",
    });
    expect(await probeOnce(port)).toMatchObject({ ok: true });
  });

  it("reports why a connection failed", async () => {
    expect(await probeOnce(1)).toMatchObject({ ok: false, reason: expect.stringContaining("ECONNREFUSED") });
  });

  it("uses a given CA, and rejects the certificate without it", async () => {
    const { certPem, keyPem, caPem } = await makeCertificates();
    const answer: RequestListener = (request, response) => {
      response.setHeader(PROBE_ANSWER_HEADER, key.answer(String(request.headers[PROBE_HEADER])) ?? "").end();
    };
    const port = await serve(answer, createTlsServer({ cert: certPem, key: keyPem }, answer));
    const dispatcher = new Agent({ connect: { ca: caPem } });
    cleanUps.push(() => dispatcher.close());
    const publicUrl = `https://localhost:${port}`;

    expect(await probeOnce(port, { publicUrl, dispatcher })).toMatchObject({ ok: true });
    expect(await probeOnce(port, { publicUrl })).toMatchObject({
      ok: false,
      reason: expect.stringContaining("certificate"),
    });
  });

  it("stops when it is aborted", async () => {
    const port = await serve(() => {});

    await expect(probeOnce(port, { signal: AbortSignal.timeout(50) })).rejects.toThrow();
  });
});
