import { createServer } from "node:http";
import { connect } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { zohoHttp } from "../../src/zoho-api/http.ts";
import { isUnsent } from "../../src/zoho-api/retrying-http.ts";
import { failureOf, type Rig, startRig } from "../support/zoho-client.ts";

let rig: Rig | undefined;
afterEach(async () => {
  await rig?.close();
  rig = undefined;
  vi.restoreAllMocks();
});

const list = (url: string) => ({ method: "GET", url: `${url}/crm/v8/actions/watch`, repeatable: true }) as const;
const once = (url: string) =>
  ({ method: "POST", url: `${url}/oauth/v2/token`, form: { code: "c" }, repeatable: false }) as const;

describe("the HTTP client", () => {
  it("retries after a cut connection, a 5xx and a 429", async () => {
    rig = await startRig();
    rig.server.trouble("cut");
    rig.server.trouble({ status: 503, body: "" });
    rig.server.trouble({ status: 429, body: { code: "TOO_MANY_REQUESTS" } });
    expect((await rig.http.send(list(rig.server.url))).status).toBe(401);
    expect(rig.exchanges.map((each) => each.status)).toEqual([null, 503, 429, 401]);
  });

  it("backs off exponentially with jitter, and gives up after four attempts", async () => {
    const waits: number[] = [];
    vi.spyOn(Math, "random").mockReturnValue(0);
    rig = await startRig({ sleep: async (ms) => void waits.push(ms) });
    rig.server.trouble({ status: 500, body: "" }, 9);
    expect((await rig.http.send(list(rig.server.url))).status).toBe(500);
    expect(waits).toEqual([250, 500, 1000]);
  });

  it("does not retry an unrepeatable request that may have been carried out", async () => {
    rig = await startRig();
    rig.server.trouble("cut");
    const failure = await failureOf(rig.http.send(once(rig.server.url)));
    expect(failure).toMatchObject({ exitCode: 7, code: "no_answer" });
    expect(failure.message).toContain("failed before an answer came");
    rig.server.trouble({ status: 500, body: "" });
    expect((await rig.http.send(once(rig.server.url))).status).toBe(500);
    expect(rig.server.requests).toHaveLength(2);
  });

  it("retries even that if it was never sent, or was rejected with 429", async () => {
    rig = await startRig();
    rig.server.trouble({ status: 429, body: "" });
    expect((await rig.http.send(once(rig.server.url))).status).toBe(200);
    expect(rig.server.requests).toHaveLength(2);
    const other = await startRig();
    await other.close();
    await failureOf(rig.http.send(once(other.server.url)));
    expect(rig.exchanges.slice(2)).toHaveLength(4);
    expect(rig.exchanges.at(-1)?.error).toContain("ECONNREFUSED");
  });

  it("reports a host as unreachable if none of its addresses accepts a connection", () => {
    const failed = (...codes: string[]) =>
      new AggregateError(codes.map((code) => Object.assign(new Error(code), { code })));
    expect(isUnsent(failed("ECONNREFUSED", "ENETUNREACH"))).toBe(true);
    expect(isUnsent(failed("ECONNREFUSED", "ECONNRESET"))).toBe(false);
  });

  it("finds the reason in a failure of fetch, which wraps it", async () => {
    rig = await startRig();
    await rig.server.close();
    expect(isUnsent(await failureOf(fetch(rig.server.url)))).toBe(true);
    expect(isUnsent(new TypeError("fetch failed", { cause: new Error("other side closed") }))).toBe(false);
  });

  it("obeys Retry-After, and gives up at once if it is over a minute", async () => {
    const waits: number[] = [];
    vi.spyOn(Math, "random").mockReturnValue(0.5);
    rig = await startRig({ sleep: async (ms) => void waits.push(ms) });
    const at = (ms: number): string => new Date((rig?.clock.now().getTime() ?? 0) + ms).toUTCString();
    for (const value of ["7", at(30_000), "86400"])
      rig.server.trouble({ status: 429, body: "", headers: { "retry-after": value } });
    expect(await rig.http.send(list(rig.server.url))).toMatchObject({ status: 429, retryAfterMs: 86_400_000 });
    expect(waits).toEqual([7_000, 30_000]);
    rig.server.trouble({ status: 429, body: "", headers: { "retry-after": at(3_600_000) } });
    expect(await rig.http.send(list(rig.server.url))).toMatchObject({ status: 429, retryAfterMs: 3_600_000 });
    rig.server.trouble({ status: 429, body: "", headers: { "retry-after": "soon" } });
    await rig.http.send(list(rig.server.url));
    expect(waits).toEqual([7_000, 30_000, 375]);
  });

  it("times out", async () => {
    rig = await startRig({ timeoutMs: 60 });
    rig.server.trouble("silence", 9);
    const failure = await failureOf(rig.http.send(list(rig.server.url)));
    expect(failure.message).toContain("did not answer within 0.06 s");
  });

  it("stops at once when its signal aborts", async () => {
    rig = await startRig();
    rig.server.trouble("silence", 9);
    const controller = new AbortController();
    const pending = failureOf(rig.http.send({ ...list(rig.server.url), signal: controller.signal }));
    await rig.server.seen(() => true);
    controller.abort(new Error("stopped"));
    expect((await pending).message).toBe("stopped");
    expect(rig.server.requests).toHaveLength(1);
  });

  it("follows no redirect, which would get the token", async () => {
    rig = await startRig();
    rig.server.trouble({ status: 302, body: "", headers: { location: `${rig.server.url}/elsewhere` } });
    expect((await rig.http.send(list(rig.server.url))).status).toBe(302);
    expect(rig.server.requests).toHaveLength(1);
  });

  it("retries for a lost or truncated body, and keeps all 19 digits of an id", async () => {
    rig = await startRig();
    rig.server.trouble({ status: 200, body: "" });
    rig.server.trouble({ status: 200, body: '{"watch":[{"chan' });
    rig.server.trouble({ status: 200, body: '{"id":1105420521999070702}' });
    expect((await rig.http.send(list(rig.server.url))).body).toEqual({ id: "1105420521999070702" });
  });

  it("shows its requests with all secrets masked", async () => {
    rig = await startRig();
    const { url } = rig.server;
    await rig.http.send({
      ...once(url),
      form: { client_id: "1000.ID", client_secret: "S1", refresh_token: "S2", code: "S3" },
    });
    await rig.http.send({
      method: "PUT",
      url: `${url}/crm/v8/actions/watch?token=S4&page=1`,
      accessToken: "S5",
      json: '{"watch":[{"channel_id":"1","token":"S6"}]}',
      repeatable: true,
    });
    const shown = JSON.stringify(rig.exchanges);
    expect(shown).not.toMatch(/S[1-6]/);
    expect(shown).toContain("client_id=1000.ID&client_secret=[masked]");
    expect(shown).toContain("token=[masked]&page=1");
    expect(rig.server.requests[0]?.form.get("client_secret")).toBe("S1");
  });

  it("uses the proxy of the environment, but never for this machine", async () => {
    rig = await startRig();
    const target = new URL(rig.server.url);
    const tunnelled: string[] = [];
    const proxy = createServer();
    proxy.on("connect", (request, socket) => {
      tunnelled.push(request.url ?? "");
      const upstream = connect(Number(target.port), "127.0.0.1", () => {
        socket.write("HTTP/1.1 200 OK\r\n\r\n");
        socket.pipe(upstream).pipe(socket);
      });
      socket.on("error", () => upstream.destroy());
      upstream.on("error", () => socket.destroy());
    });
    await new Promise<void>((listening) => proxy.listen(0, "127.0.0.1", listening));
    const address = proxy.address();
    const port = typeof address === "object" ? address?.port : 0;
    const env = { HTTP_PROXY: `http://127.0.0.1:${port}`, NO_PROXY: "direct.invalid" };
    const http = zohoHttp(rig.context, { env });
    try {
      expect((await http.send(list("http://zoho.invalid"))).status).toBe(401);
      expect(tunnelled).toEqual(["zoho.invalid:80"]);
      expect((await http.send(list(rig.server.url))).status).toBe(401);
      // None of these leaves the machine, whether something listens or not.
      for (const host of ["127.0.0.2", "zoho.localhost"])
        await http.send(list(`http://${host}:${target.port}`)).catch(() => {});
      expect(tunnelled).toHaveLength(1);
      expect((await failureOf(http.send(list("http://direct.invalid")))).message).toContain("could not be reached");
    } finally {
      await http.close();
      proxy.closeAllConnections();
      proxy.close();
    }
  });

  it("rejects an invalid proxy URL at once", async () => {
    const pauses: number[] = [];
    rig = await startRig({ sleep: async (ms) => void pauses.push(ms) });
    const http = zohoHttp(rig.context, { env: { HTTPS_PROXY: "localhost:3128" } });
    const failure = await failureOf(http.send(list("https://zoho.invalid")));
    expect(failure).toMatchObject({ exitCode: 2, message: expect.stringContaining("HTTPS_PROXY") });
    expect(pauses).toEqual([]);
    await http.close();
  });
});
