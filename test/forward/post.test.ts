import { once } from "node:events";
import { createSecureServer } from "node:http2";
import { createServer, type Socket } from "node:net";
import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import type { Delivery } from "../../src/delivery/delivery.ts";
import { openPoster, type Poster, type PosterOptions } from "../../src/forward/post.ts";
import { answerHint, isDelivered } from "../../src/forward/post-failure.ts";
import { lacks } from "../support/needs.ts";
import { startProxy } from "../support/proxy.ts";
import { selfSigned } from "../support/self-signed.ts";
import { closeAfterEach, closeLater, target } from "../support/send.ts";
import { freePort, valuesOf } from "../support/target.ts";

closeAfterEach();

/** Some containers have no IPv6 at all. */

async function poster(options: Partial<PosterOptions> = {}): Promise<Poster> {
  const opened = await openPoster({ timeoutMs: 10_000, connections: 4, insecure: false, env: {}, ...options });
  return closeLater(opened);
}

function delivery(url: string, parts: Partial<Delivery> = {}): Delivery {
  return { method: "POST", url, headers: [["content-type", "application/json"]], body: Buffer.from("{}"), ...parts };
}

describe("a posted delivery", () => {
  it.each([
    ["bytes that are no text", Buffer.from([0, 255, 254, 128, 13, 10, 0])],
    ["white space and long numbers", Buffer.from('{ "id" : 4150868000000002179 }\r\n')],
    ["nothing", Buffer.alloc(0)],
    ["a megabyte", Buffer.alloc(1_048_576, "äb")],
  ])("arrives byte for byte: %s", async (_, body) => {
    const app = await target();
    expect(await (await poster()).post(delivery(`${app.url}/a`, { body }))).toMatchObject({ status: 200 });
    expect(app.seen[0]?.body.equals(body)).toBe(true);
    expect(valuesOf(app.seen[0] ?? fail(), "content-length")).toEqual([String(body.length)]);
  });

  it("keeps headers in order with repeats, without hop-by-hop headers", async () => {
    const app = await target();
    const headers: Delivery["headers"] = [
      ["X-B", "1"],
      ["x-a", "2"],
      ["Host", "elsewhere.test"],
      ["Content-Length", "999"],
      ["Transfer-Encoding", "chunked"],
      ["Connection", "keep-alive, X-Hop"],
      ["X-Hop", "gone"],
      ["Expect", "100-continue"],
      ["x-b", "3"],
      ["X-Empty", ""],
    ];
    expect(await (await poster()).post(delivery(`${app.url}/p?q=1&q=2`, { headers }))).toMatchObject({ status: 200 });
    const [seen] = app.seen;
    expect(seen?.path).toBe("/p?q=1&q=2");
    expect(seen?.headers.filter(([name]) => /^x-/i.test(name))).toEqual([
      ["X-B", "1"],
      ["x-a", "2"],
      ["x-b", "3"],
      ["X-Empty", ""],
    ]);
    expect(valuesOf(seen ?? fail(), "host")).toEqual([`127.0.0.1:${app.port}`]);
    expect(valuesOf(seen ?? fail(), "content-length")).toEqual(["2"]);
    expect(valuesOf(seen ?? fail(), "transfer-encoding")).toEqual([]);
  });

  it("reuses one connection for consecutive deliveries", async () => {
    const app = await target();
    const post = await poster({ connections: 1 });
    for (let i = 0; i < 5; i++) await post.post(delivery(app.url));
    expect(app.connections).toBe(1);
  });

  it.skipIf(lacks("the address ::1"))("finds an app that listens on ::1 only under the name localhost", async () => {
    const app = await target(undefined, { host: "::1" });
    expect(await (await poster()).post(delivery(`http://localhost:${app.port}/`))).toMatchObject({ status: 200 });
  });

  it("takes the given time when sent slowly, which is not counted as latency", async () => {
    const app = await target();
    const startedAt = performance.now();
    const body = Buffer.from(JSON.stringify({ a: "ü".repeat(500) }));
    const result = await (await poster()).post(delivery(app.url, { body }), { slowMs: 600 });
    const took = performance.now() - startedAt;
    expect(result).toMatchObject({ status: 200, error: undefined });
    expect(took).toBeGreaterThan(550);
    expect(result.latencyMs).toBeLessThan(took - 500);
    expect(app.seen[0]?.body.equals(body)).toBe(true);
    expect(valuesOf(app.seen[0] ?? fail(), "content-length")).toEqual([String(body.length)]);
  });

  it("ends with an answer that comes before a slow body is sent", async () => {
    const app = await target(undefined, {
      early(_, response) {
        response.writeHead(401, { connection: "close" }).end("no");
        return true;
      },
    });
    const result = await (await poster()).post(delivery(app.url, { body: Buffer.alloc(2) }), { slowMs: 60_000 });
    // Either the answer or the closed connection. The whole body would take longer than the test may.
    expect(result.status === 401 || result.error !== undefined).toBe(true);
  });
});

describe("an answer", () => {
  it("is returned with its headers and its first 500 bytes, cut at a whole character", async () => {
    const app = await target((response) => {
      response.writeHead(418, [
        ["Set-Cookie", "a=1"],
        ["set-cookie", "b=2"],
      ]);
      response.end(`a${"€".repeat(400)}`);
    });
    const result = await (await poster()).post(delivery(app.url));
    expect(result.status).toBe(418);
    expect(result.headers.filter(([name]) => /^set-cookie$/i.test(name))).toEqual([
      ["Set-Cookie", "a=1"],
      ["set-cookie", "b=2"],
    ]);
    expect(result.replyPreview).toBe(`a${"€".repeat(166)}`);
  });

  it("is read up to a limit", async () => {
    const app = await target((response) => {
      const more = (): void => {
        while (response.write("x".repeat(65_536)));
        response.once("drain", more);
      };
      more();
    });
    const result = await (await poster()).post(delivery(app.url));
    expect(result).toMatchObject({ status: 200, error: undefined, replyPreview: "x".repeat(500) });
  });

  it("that redirects is not followed, and its location is reported", async () => {
    const app = await target((response) => void response.writeHead(307, { location: "/else" }).end());
    const result = await (await poster()).post(delivery(app.url));
    expect(app.seen).toHaveLength(1);
    expect(isDelivered(result)).toBe(false);
    expect(answerHint(result)).toContain("/else");
  });

  it.each([
    [400, "your app rejected the request: see its answer"],
    [401, "uses a different secret or token"],
    [403, "rejects this sender"],
    [404, "no such route"],
    [405, "does not accept POST"],
    [408, "did not receive the whole body"],
    [413, "larger than your app's parser"],
    [415, "content type"],
    [418, "rejected it: see its log"],
    [422, "rejected the content"],
    [429, "limits the rate of requests"],
    [500, "failed while handling it"],
    [503, "failed while handling it"],
  ])("of %i has a likely cause", (status, cause) => {
    expect(answerHint({ status, headers: [] })).toContain(cause);
    expect(isDelivered({ status, error: undefined })).toBe(false);
  });
});

it.each([204, 205, 304])("treats a %i that announces a length as a whole answer", async (status) => {
  const url = await answering(`HTTP/1.1 ${status} X\r\ncontent-length: 5\r\n\r\n`);
  expect(await (await poster()).post(delivery(url))).toMatchObject({ status, error: undefined });
});

describe("a delivery that fails", () => {
  it("names the addresses where nothing listens", async () => {
    const port = await freePort();
    const post = await poster();
    const direct = await post.post(delivery(`http://127.0.0.1:${port}/`));
    expect(direct).toMatchObject({ status: undefined, error: { code: "ECONNREFUSED" } });
    expect(direct.error?.message).toBe(`nothing listens on 127.0.0.1:${port}`);
    const named = await post.post(delivery(`http://localhost:${port}/`));
    expect(named.error?.message).toContain(`127.0.0.1:${port}`);
  });

  it("reports that the app closed the connection", async () => {
    const app = await target((response) => void response.socket?.destroy());
    const { error, status } = await (await poster()).post(delivery(app.url));
    expect(status).toBeUndefined();
    expect(error?.message).toContain("without an answer");
  });

  it("names an unexpected interim answer", async () => {
    const app = await target((response) => {
      response.writeContinue();
      response.end("OK");
    });
    const { error } = await (await poster()).post(delivery(app.url));
    expect(error?.message).toContain("unexpectedly answered 100 Continue");
  });

  it("reports an answer that broke off", async () => {
    const app = await target((response) => {
      response.writeHead(200, { "content-length": "100" });
      response.write("half", () => response.socket?.destroy());
    });
    const result = await (await poster()).post(delivery(app.url));
    expect(result.status).toBe(200);
    expect(isDelivered(result)).toBe(false);
    expect(result.error?.message).toContain("in the middle of its answer");
  });

  it("times out when an app does not answer, or does not finish", async () => {
    const silent = await target(() => {});
    const endless = await target((response) => void response.write("begun"));
    const post = await poster({ timeoutMs: 200 });
    const [none, half] = await Promise.all([post.post(delivery(silent.url)), post.post(delivery(endless.url))]);
    expect(none).toMatchObject({ status: undefined, error: { code: "timeout" } });
    expect(none.error?.message).toContain("did not answer within 200 ms");
    expect(half).toMatchObject({ status: 200, error: { code: "timeout" } });
    expect(half?.error?.message).toContain("did not finish");
  });

  it("accepts an answer that arrived while this process was suspended", async () => {
    // A thread of its own, since this one is going to be blocked.
    const app = new Worker(
      `const { createServer } = require("node:http");
       const { parentPort } = require("node:worker_threads");
       const server = createServer((request, response) => {
         parentPort.postMessage("came");
         request.resume().on("end", () => setTimeout(() => response.end("OK"), 100));
       });
       server.listen(0, "127.0.0.1", () => parentPort.postMessage(server.address().port));`,
      { eval: true },
    );
    closeLater({ close: async () => void (await app.terminate()) });
    const [port] = await once(app, "message");
    const posting = (await poster({ timeoutMs: 300 })).post(delivery(`http://127.0.0.1:${port}/`));
    await once(app, "message");
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
    expect(await posting).toMatchObject({ status: 200, replyPreview: "OK", error: undefined });
  });

  it("ends when it is interrupted, also before it starts", async () => {
    const interrupt = new AbortController();
    const app = await target(() => interrupt.abort());
    const post = await poster();
    const { signal } = interrupt;
    expect(await post.post(delivery(app.url), { signal })).toMatchObject({ error: { code: "interrupted" } });
    expect(await post.post(delivery(app.url), { signal })).toMatchObject({ error: { code: "interrupted" } });
    expect(app.seen).toHaveLength(1);
  });

  it.each(["220 mail.test ESMTP\r\n", "HTTP/1.1 000 ?\r\ncontent-length: 0\r\n\r\n"])(
    "says that %j is not HTTP",
    async (text) => {
      const { error } = await (await poster()).post(delivery(await answering(text)));
      expect(error?.message).toContain("not HTTP");
      expect(error?.message).not.toContain("assert");
    },
  );

  it("reports an unknown host", async () => {
    const { error } = await (await poster()).post(delivery("http://no-such-host.invalid/"));
    expect(["ENOTFOUND", "EAI_AGAIN"]).toContain(error?.code);
    expect(error?.message).toContain("no-such-host.invalid");
  });
});

describe("https", () => {
  it("rejects a self-signed certificate and suggests --insecure", async () => {
    const app = await target(undefined, { tls: selfSigned });
    const { status, error } = await (await poster()).post(delivery(app.url));
    expect(status).toBeUndefined();
    expect(error?.hint).toContain("--insecure");
    expect(app.seen).toHaveLength(0);
  });

  it("accepts it with insecure", async () => {
    const app = await target(undefined, { tls: selfSigned });
    expect(await (await poster({ insecure: true })).post(delivery(app.url))).toMatchObject({ status: 200 });
  });

  it("reports a port that speaks plain http", async () => {
    const app = await target();
    const { error } = await (await poster()).post(delivery(app.url.replace("http:", "https:")));
    expect(error?.hint).toContain("http://");
  });
});

describe("a server that speaks only HTTP/2", () => {
  it("is reported as that, and not as plain http", async () => {
    const server = createSecureServer({ ...selfSigned, allowHTTP1: false });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    closeLater({ close: async () => void server.close() });
    const address = server.address();
    const url = `https://127.0.0.1:${typeof address === "object" ? address?.port : 0}/`;
    const { error } = await (await poster({ insecure: true })).post(delivery(url));
    expect(error).toMatchObject({
      message: expect.stringContaining("HTTP/2"),
      hint: expect.not.stringContaining("://"),
    });
  });
});

describe("a server that closes keep-alive connections without notice", () => {
  const answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nOK";

  /** Its answers and the deliveries it got, by path. */
  async function raw(answered: (socket: Socket, paths: readonly string[]) => void) {
    const paths: string[] = [];
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.on("data", (request) => {
        paths.push(/^POST (\S+)/.exec(request.toString())?.[1] ?? "");
        answered(socket, paths);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    closeLater({ close: async () => void server.close() });
    const address = server.address();
    return { url: `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`, paths, server };
  }

  it("gets a new connection for each delivery, and loses none", async () => {
    const { url, paths } = await raw((socket) => void socket.end(answer));
    const post = await poster({ connections: 1 });
    for (let i = 0; i < 20; i++) {
      expect(await post.post(delivery(`${url}/${i}`))).toMatchObject({ status: 200, error: undefined });
    }
    expect(new Set(paths).size).toBe(20);
    // At most one met a connection that was about to be closed, and was posted again.
    expect(paths.length).toBeLessThanOrEqual(21);
  });

  it("gets no delivery twice with onlyOnce", async () => {
    const { url, paths } = await raw((socket, { length }) => void socket.end(length === 1 ? answer : ""));
    const post = await poster({ connections: 1, onlyOnce: true });
    await post.post(delivery(`${url}/1`));
    const { error } = await post.post(delivery(`${url}/2`));
    expect(error?.message).toContain("without an answer");
    expect(paths.filter((path) => path === "/2").length).toBeLessThanOrEqual(1);
  });

  it("gets no delivery twice when it closes a new connection", async () => {
    const { url, paths } = await raw((socket, { length }) => {
      if (length === 1) socket.end(answer.replace("content-length", "connection: close\r\ncontent-length"));
      else socket.end();
    });
    const post = await poster({ connections: 1 });
    await post.post(delivery(`${url}/1`));
    const { error } = await post.post(delivery(`${url}/2`));
    expect(error).toMatchObject({ code: "UND_ERR_SOCKET" });
    expect(paths).toEqual(["/1", "/2"]);
  });

  it("is reported for its missing answer when it is down by the second attempt", async () => {
    const { url, paths, server } = await raw((socket, { length }) => {
      if (length === 1) return void socket.write(answer);
      server.close();
      socket.destroy();
    });
    const post = await poster({ connections: 1 });
    await post.post(delivery(`${url}/1`));
    const { error } = await post.post(delivery(`${url}/2`));
    expect(error).toMatchObject({ code: "UND_ERR_SOCKET" });
    expect(paths).toEqual(["/1", "/2"]);
  });
});

describe("a proxy from the environment", () => {
  it("is used for remote hosts, but not for loopback or the hosts in NO_PROXY", async () => {
    const app = await target();
    const asked: string[] = [];
    const proxy = await startProxy(app.port, asked);
    const env = { HTTP_PROXY: `http://127.0.0.1:${proxy}`, no_proxy: "skipped.invalid" };
    const post = await poster({ env });
    expect(await post.post(delivery("http://app.invalid/x"))).toMatchObject({ status: 200 });
    expect(asked).toEqual(["app.invalid:80"]);
    expect(valuesOf(app.seen[0] ?? fail(), "host")).toEqual(["app.invalid"]);
    expect(await post.post(delivery(`http://localhost:${app.port}/y`))).toMatchObject({ status: 200 });
    expect((await post.post(delivery("http://skipped.invalid/"))).error).toBeDefined();
    expect(asked).toHaveLength(1);
  });

  it("may be set by ALL_PROXY, unless it is SOCKS", async () => {
    const app = await target();
    const asked: string[] = [];
    const proxy = await startProxy(app.port, asked);
    const post = await poster({ env: { all_proxy: `http://127.0.0.1:${proxy}` } });
    expect(await post.post(delivery("http://app.invalid/x"))).toMatchObject({ status: 200 });
    expect(asked).toEqual(["app.invalid:80"]);
    const socks = await poster({ env: { ALL_PROXY: `socks5://127.0.0.1:${proxy}` } });
    expect(socks.isDirect("http://app.invalid/x")).toBe(true);
    expect((await socks.post(delivery("http://app.invalid/x"))).error?.message).toContain("app.invalid");
    expect(asked).toHaveLength(1);
  });

  it("that closes the connection is asked once, and the failure is reported", async () => {
    let asked = 0;
    const proxy = createServer((socket) => void socket.once("data", () => ++asked && socket.destroy()));
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    closeLater({ close: async () => void proxy.close() });
    const address = proxy.address();
    const env = { HTTP_PROXY: `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}` };
    const { error } = await (await poster({ env })).post(delivery("http://app.invalid/x"));
    expect([asked, error?.message]).toEqual([1, expect.stringContaining("the proxy closed the connection")]);
  });
});

/** The URL of a server that answers with exactly this text. */
async function answering(text: string): Promise<string> {
  const server = createServer((socket) => socket.resume().end(text));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closeLater({ close: () => new Promise((resolve) => server.close(() => resolve())) });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}/`;
}

function fail(): never {
  throw new Error("nothing was received");
}
