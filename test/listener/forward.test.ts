import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { createConnection, createServer, type Server } from "node:net";
import { hostname } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { folderWith } from "../support/files.ts";
import { app, CRM, lead, listen } from "../support/forward-run.ts";
import { startListener } from "../support/listener.ts";
import { lacks, otherAddress } from "../support/needs.ts";
import { run, tempFolder } from "../support/run.ts";
import { selfSigned } from "../support/self-signed.ts";
import { valuesOf } from "../support/target.ts";
import { hang, postRaw, says, sha256 } from "../support/target-app.ts";

const JSON_TYPE = { "content-type": "application/json" };
const multipart = Buffer.from(
  `--b\r\nContent-Disposition: form-data; name="payload"\r\n\r\n${lead(1)}\r\n--b\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n\x00\x01\r\n--b--\r\n`,
);

it("masks secrets in target URLs everywhere", async () => {
  const target = await app(says(302, "", { location: "/x?token=SEKRET1" }));
  const to = `${target.url}/hook?token=SEKRET2`;
  const cwd = folderWith({});
  const listener = await listen(["--forward-to", to, "--retries", "0"], { cwd });
  const cut = createConnection(Number(new URL(listener.url).port), "127.0.0.1");
  cut.write(`POST ${CRM}?token=SEKRET3 HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 9\r\n\r\n{`);
  // By then it has read the headers.
  cut.once("data", () => cut.destroy());
  expect((await listener.post(CRM, lead(1), JSON_TYPE)).status).toBe(200);
  await listener.line("forward");
  await expect.poll(() => JSON.stringify(listener.lines())).toContain("the connection was closed after");
  const replayed = await run(["replay", "last", "--json"], { cwd });
  expect(replayed.out).toContain("redirects are not followed");
  const { err, out } = await listener.stop();
  expect([err, out, replayed.err, replayed.out].join("")).not.toContain("SEKRET");
});

describe("the app", () => {
  it("receives every expected event before listen exits", async () => {
    const target = await app((response) => void setTimeout(() => response.end("OK"), 30));
    const listener = await startListener(["--forward-to", target.url, "--expect", "crm:*=10"], {
      env: { ZOHO_HOOKS_CONCURRENCY: "1" },
    });
    await Promise.all(
      Array.from({ length: 10 }, (_, i) => listener.post(CRM, lead(i), { "content-type": "application/json" })),
    );
    const { exitCode, lines } = await listener.finished;
    expect(exitCode).toBe(0);
    expect(target.seen).toHaveLength(10);
    expect(lines().at(-1)).toMatchObject({ forwards: { delivered: 10, waiting: 0 } });
  });

  it("receives the query unchanged", async () => {
    const target = await app();
    const listener = await listen(["--forward-to", `${target.url}/hook?own=1`]);
    const query = `?a='x'&b="y"&c=<z>&d=%2f`;
    await postRaw(
      `${listener.url}${CRM}${query}`,
      [
        ["Host", "x"],
        ["Content-Type", "application/json"],
      ],
      lead(1),
    );
    const [seen] = await target.came(1);
    expect(seen?.path).toBe(`/hook?own=1&${query.slice(1)}`);
  });

  it.each([
    [
      "JSON",
      "application/json",
      '{ "module":"Leads",\n "operation":"create","ids":[4150868000000002179], "x":1.00, "x":2 }\r\n',
    ],
    ["a form", "application/x-www-form-urlencoded", "a=1&b=%C3%BC&a=2&payload=%7B%22module%22%3A%22Leads%22%7D"],
    ["multipart", "multipart/form-data; boundary=b", multipart],
    [
      "text that is not UTF-8",
      "application/x-www-form-urlencoded; charset=windows-1252",
      Buffer.from([0x61, 0x3d, 0xe9, 0xfc]),
    ],
    ["nothing", "application/json", ""],
    [
      "a megabyte",
      "application/json",
      JSON.stringify({ note: randomBytes(390_000).toString("base64") + "ü".repeat(260_000) }),
    ],
  ])("receives the same bytes for %s", async (_, type, body) => {
    const target = await app();
    const listener = await listen(["--forward-to", `${target.url}/hook`]);
    expect((await listener.post(CRM, body, { "content-type": type })).status).toBe(200);
    const [seen] = await target.came(1);
    expect(sha256(seen?.body ?? "")).toBe(sha256(body));
    expect(seen?.path).toBe("/hook");
    expect(await listener.line("forward")).toMatchObject({
      n: 1,
      attempt: 1,
      status: 200,
      state: "delivered",
      error: null,
    });
  });

  it("receives every end-to-end header in order and case, and the sender's address", async () => {
    const target = await app();
    const listener = await listen(["--forward-to", `${target.url}/hook?key=1`]);
    const answer = await postRaw(
      `${listener.url}${CRM}?b=2&b=3`,
      [
        ["Host", "hooks.example.com"],
        ["X-Trace", "one"],
        ["Content-Type", "application/json"],
        ["x-trace", "two"],
        ["Keep-Alive", "timeout=9"],
        ["Connection", "x-of-the-hop"],
        ["X-Of-The-Hop", "1"],
        ["TE", "trailers"],
        ["X-Latin", "caf\u00e9"],
        ["Cookie", "a=1"],
      ],
      lead(1),
    );
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK/);
    const [seen] = await target.came(1);
    expect(seen?.path).toBe("/hook?key=1&b=2&b=3");
    const names = (seen?.headers ?? []).filter(([name]) => !/^(host|connection|content-length)$/i.test(name));
    expect(names).toEqual([
      ["X-Trace", "one"],
      ["Content-Type", "application/json"],
      ["x-trace", "two"],
      ["X-Latin", "caf\u00e9"],
      ["Cookie", "a=1"],
      ["x-zoho-hooks-event", "1"],
      ["x-forwarded-for", "127.0.0.1"],
      ["x-forwarded-host", "hooks.example.com"],
      ["x-forwarded-proto", "http"],
    ]);
    expect(seen && valuesOf(seen, "host")).toEqual([new URL(target.url).host]);
    expect(seen && valuesOf(seen, "content-length")).toEqual([String(Buffer.byteLength(lead(1)))]);
  });

  it("receives the forwarded headers of a proxy in front of listen", async () => {
    const target = await app();
    const listener = await listen(["--forward-to", target.url]);
    const said = { "x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https", "x-forwarded-host": "a.example" };
    await listener.post(CRM, lead(1), { ...JSON_TYPE, ...said });
    const [seen] = await target.came(1);
    for (const [name, value] of Object.entries(said)) expect(seen && valuesOf(seen, name)).toEqual([value]);
  });

  it("receives duplicates, with the number of the original", async () => {
    const target = await app();
    const listener = await listen(["--forward-to", target.url]);
    await listener.post(CRM, lead(1));
    await listener.post(CRM, lead(1));
    const seen = await target.came(2);
    const second = seen.find((each) => valuesOf(each, "x-zoho-hooks-event")[0] === "2");
    expect(second && valuesOf(second, "x-zoho-hooks-duplicate-of")).toEqual(["1"]);
  });

  it("receives no challenge: listen answers it", async () => {
    const target = await app();
    const listener = await listen(["--forward-to", target.url]);
    expect((await listener.post(CRM, '{"challenge":"x"}')).text).toBe('{"challenge":"x"}');
    await listener.post(CRM, lead(1));
    expect((await target.came(1)).map((seen) => valuesOf(seen, "x-zoho-hooks-event"))).toEqual([["2"]]);
    await listener.stop();
    expect(target.seen).toHaveLength(1);
  });

  it("receives nothing that was rejected or filtered out, and no challenge", async () => {
    const target = await app();
    const listener = await listen(["--forward-to", target.url, "--events", "crm:Leads.*"], {
      env: { ZOHO_WEBHOOK_TOKEN: "right" },
    });
    const withToken = (token: string, body: string): string =>
      JSON.stringify({ ...(JSON.parse(body) as object), token });
    expect((await listener.post(CRM, withToken("wrong", lead(1)))).status).toBe(401);
    expect((await listener.post("/webhooks/zoho/desk", '{"challenge":"x"}')).status).toBe(200);
    expect((await listener.post(CRM, withToken("right", lead(2).replaceAll("Leads", "Deals")))).status).toBe(200);
    expect((await listener.post(CRM, withToken("right", lead(3)))).status).toBe(200);
    const [seen] = await target.came(1);
    expect(seen && valuesOf(seen, "x-zoho-hooks-event")).toEqual(["4"]);
    await listener.stop();
    expect(target.seen).toHaveLength(1);
  });
});

describe("how the app is reached", () => {
  it("follows no redirect", async () => {
    const other = await app();
    const target = await app(says(302, "", { location: other.url }));
    const listener = await listen(["--forward-to", target.url]);
    await listener.post(CRM, lead(1));
    expect(await listener.line("forward")).toMatchObject({
      ...{ status: 302, state: "failed" },
      hint: `redirects are not followed: it points to ${other.url}`,
    });
    expect(other.seen).toHaveLength(0);
  });

  it("stops waiting after the setting forwardTimeout", async () => {
    const target = await app(hang);
    const listener = await listen(["--forward-to", target.url, "--retries", "0"], {
      env: { ZOHO_HOOKS_FORWARD_TIMEOUT: "150ms" },
    });
    await listener.post(CRM, lead(1));
    const line = await listener.line("forward");
    expect(line).toMatchObject({ status: null, state: "failed", error: expect.stringContaining("within 150 ms") });
    expect(line.latency_ms).toBeGreaterThanOrEqual(150);
  });

  it("finds an app that listens on ::1 only", async () => {
    const target = await app(undefined, { host: "::1" });
    const listener = await listen(["--forward-to", String(target.port)]);
    await listener.post(CRM, lead(1));
    const [seen] = await target.came(1);
    expect(seen?.path).toBe("/webhooks/zoho/crm");
    expect(await listener.line("forward")).toMatchObject({
      target: `http://localhost:${target.port}/webhooks/zoho/crm`,
    });
  });

  it("accepts a self-signed certificate only with --insecure", async () => {
    const target = await app(undefined, { tls: selfSigned });
    const strict = await listen(["--forward-to", target.url, "--retries", "0"]);
    await strict.post(CRM, lead(1));
    expect(await strict.line("forward")).toMatchObject({
      state: "failed",
      error: expect.stringContaining("is not signed by a known authority"),
    });
    expect(target.seen).toHaveLength(0);
    const insecure = await listen(["--forward-to", target.url, "--insecure"]);
    await insecure.post(CRM, lead(1));
    expect(await insecure.line("forward")).toMatchObject({ status: 200, state: "delivered" });
  });

  it("reports an app that does not speak HTTP", async () => {
    const server: Server = createServer((socket) => socket.on("error", () => {}).end("220 mail ready\r\n"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const address = server.address();
    const port = typeof address === "object" ? address?.port : 0;
    const listener = await listen(["--forward-to", `http://127.0.0.1:${port}`, "--retries", "0"]);
    await listener.post(CRM, lead(1));
    expect(await listener.line("forward")).toMatchObject({
      state: "failed",
      error: expect.stringContaining("not HTTP"),
    });
  });
});

describe("targets", () => {
  it("are all matching routes, or else the general targets", async () => {
    const target = await app();
    const listener = await listen([
      ...["--route", `crm:Leads.*=${target.url}/leads`],
      ...["--route", `crm:*.create=${target.url}/created`],
      ...["--forward-to", `${target.url}/rest`],
    ]);
    await listener.post(CRM, lead(1));
    await listener.post(CRM, lead(2, "4876876000001402118"));
    await listener.post(CRM, lead(3, "4876876000001402119").replaceAll("Leads", "Deals"));
    const seen = await target.came(4);
    const went = seen.map((each) => `${valuesOf(each, "x-zoho-hooks-event")[0]} ${each.path}`).sort();
    expect(went).toEqual(["1 /created", "1 /leads", "2 /leads", "3 /rest"]);
  });

  it("can be set in the config file", async () => {
    const target = await app();
    const settings = { forwardTo: `${target.url}/all/:product`, routes: { "crm:Deals.*": `${target.port}/deals` } };
    const cwd = folderWith({ "zoho-hooks.config.json": JSON.stringify(settings) });
    const listener = await listen([], { cwd });
    await listener.post(CRM, lead(1));
    await listener.post(CRM, lead(2).replaceAll("Leads", "Deals"));
    const seen = await target.came(2);
    expect(seen.map((each) => each.path).sort()).toEqual(["/all/crm", "/deals"]);
  });

  it("are independent of one another", async () => {
    const [one, two] = [await app(), await app(says(404))];
    const listener = await listen(["--forward-to", one.url, "--forward-to", two.url]);
    await listener.post(CRM, lead(1));
    expect(await listener.line("forward", { target: one.url })).toMatchObject({ state: "delivered" });
    expect(await listener.line("forward", { target: two.url })).toMatchObject({ state: "failed", status: 404 });
  });

  it("work with --no-store", async () => {
    const target = await app();
    const listener = await listen(["--forward-to", target.url, "--no-store"]);
    await listener.post(CRM, lead(1));
    expect(await listener.line("forward")).toMatchObject({ n: 1, state: "delivered" });
    expect((await listener.stop()).lines().at(-1)).toMatchObject({
      type: "summary",
      forwards: { delivered: 1, failed: 0, waiting: 0 },
    });
  });

  it.skipIf(lacks("posix"))("ends in order with a summary if its log was deleted", async () => {
    const target = await app();
    const cwd = tempFolder();
    const listener = await listen(["--forward-to", target.url], { cwd });
    await listener.post(CRM, lead(1));
    await listener.line("forward");
    rmSync(join(cwd, ".zoho-hooks"), { recursive: true });
    expect((await listener.post(CRM, lead(2))).status).toBe(503);
    const { exitCode, err, lines } = await listener.stop();
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: "" });
    expect(await listener.line("warning", {}, 2)).toMatchObject({
      message: expect.stringMatching(
        /the deliveries that did not reach your app could not be counted: .*(?:gone|deleted)/,
      ),
    });
    expect(lines().at(-1)).toMatchObject({
      type: "summary",
      received: 2,
      forwards: { delivered: 1, failed: 0, waiting: null },
    });
  });

  it.skipIf(lacks("a second IPv4 address"))("can be the receiver's port on another address", async () => {
    const target = await app();
    const where = ["--host", String(otherAddress), "--port", String(target.port)];
    const listener = await listen([...where, "--forward-to", target.url]);
    expect((await listener.post(CRM, lead(1))).status).toBe(200);
    expect(await listener.line("forward")).toMatchObject({ n: 1, state: "delivered" });
  });

  it.each([
    [["--forward-to", "deals"], '--forward-to: "deals"'],
    [["--route", "crm:Leads.*"], "--route"],
    [["--route", "crmm:Leads.*=3000"], '--route: there is no product "crmm"'],
    [["--events", "crm"], "--events: crm is a product, not an event"],
    [["--route", "crm:Leads.*=http://user:pw@localhost"], "--route: a URL with a user name"],
    [["--port", "4999", "--forward-to", "4999"], "listen's own port"],
    [["--port", "4999", "--forward-to", "http://[::1]:4999/x"], "listen's own port"],
    [["--port", "4999", "--route", "crm:*=localhost:4999/x"], "listen's own port"],
    [["--port", "4999", "--forward-to", "http://0.0.0.0:4999/x"], "listen's own port"],
    [["--port", "4999", "--host", "0.0.0.0", "--forward-to", `http://${hostname()}:4999`], "listen's own port"],
    [["--public-url", "https://a.example", "--forward-to", "https://a.example/x"], "listen's own public URL"],
    [["--forward-to", "3000", "--respond", "later"], "ack, mirror"],
  ])("cannot be %j", async (argv, text) => {
    const { exitCode, err } = await run(["listen", ...argv]);
    expect(exitCode).toBe(2);
    expect(err).toContain(text);
    expect(err).not.toContain("pw");
  });

  it.each(["ZOHO_HOOKS_FORWARD_TIMEOUT", "ZOHO_HOOKS_CONCURRENCY"])("cannot be used with %s=0", async (name) => {
    const { exitCode, err } = await run(["listen", "3000"], { env: { [name]: "0" } });
    expect({ exitCode, err }).toEqual({ exitCode: 2, err: expect.stringContaining(name) });
  });
});
