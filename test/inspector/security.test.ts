import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connect, startInspector, type TestInspector, userEnv } from "../support/inspector.ts";
import { type LoggedProject, leadBody, SECRET, startLoggedProject, TOKEN } from "../support/logged-project.ts";
import { run, tempFolder } from "../support/run.ts";
import { postRaw } from "../support/target-app.ts";

let project: LoggedProject;
let inspector: Omit<TestInspector, "stop">;
const folder = userEnv();
const env = { ...folder, ZOHO_WEBHOOK_SECRET: SECRET, ZOHO_WEBHOOK_TOKEN: TOKEN };
const interrupt = new AbortController();

beforeAll(async () => {
  project = await startLoggedProject({ env });
  await project.deliver(`/webhooks/zoho/crm?token=${TOKEN}`, leadBody());
  const address = new Promise<string>((resolve) => {
    void run(["ui"], { cwd: project.cwd, env, signal: interrupt.signal, onOut: (text) => resolve(text.trim()) });
  });
  inspector = connect(await address);
});
afterAll(async () => {
  interrupt.abort();
  await project.stop();
});

const bearer = () => ({ authorization: `Bearer ${inspector.token}` });
const json = { "content-type": "application/json" };
const origin = () => ({ origin: `http://127.0.0.1:${inspector.port}` });

describe("a request is refused", () => {
  it.each(["evil.example", "evil.example:80", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example", "127.0.0.1:PORT."])(
    "for the Host %j, whatever it asks for",
    async (host) => {
      const headers = { host: host.replace("PORT", String(inspector.port)), ...bearer() };
      for (const path of ["/", "/api/state"]) expect((await inspector.raw(path, { headers })).status).toBe(403);
    },
  );

  it("for a second Host header", async () => {
    const { port } = inspector;
    const own: [string, string] = ["Host", `127.0.0.1:${port}`];
    const text = await postRaw(`http://127.0.0.1:${port}/api/explain`, [own, ["Host", "evil.example"]], "{}");
    expect(text).toMatch(/^HTTP\/1.1 403 /);
  });

  it.each(["127.0.0.1", "localhost", "[::1]"])("not for its own name %s", async (name) => {
    const headers = { host: `${name}:${inspector.port}`, ...bearer() };
    expect((await inspector.raw("/api/state", { headers })).status).toBe(200);
  });

  it.each([
    "https://evil.example",
    "http://127.0.0.1:3000",
    "http://localhost",
    "null",
    "",
    "http://127.0.0.1:PORT.evil.example",
  ])("for the Origin %j, with GET and POST", async (value) => {
    const headers = { ...bearer(), ...json, origin: value.replace("PORT", String(inspector.port)) };
    expect((await inspector.raw("/api/state", { headers })).status).toBe(403);
    const call = { method: "POST", headers, body: '{"n":1}' };
    expect((await inspector.raw("/api/explain", call)).status).toBe(403);
  });

  it("for a POST without Origin", async () => {
    const call = { method: "POST", headers: { ...bearer(), ...json }, body: '{"n":1}' };
    expect((await inspector.raw("/api/explain", call)).status).toBe(403);
  });

  it.each(["cross-site", "same-site", "anything"])("for Sec-Fetch-Site: %s, the page too", async (site) => {
    const headers = { ...bearer(), "sec-fetch-site": site };
    for (const path of ["/", "/app.js", "/api/state"])
      expect((await inspector.raw(path, { headers })).status).toBe(403);
  });

  it.each(["same-origin", "none"])("not for Sec-Fetch-Site: %s", async (site) => {
    expect((await inspector.raw("/api/state", { headers: { ...bearer(), "sec-fetch-site": site } })).status).toBe(200);
  });

  it.each([undefined, "", "Bearer ", "Bearer TOKENx", "Bearer: TOKEN", "Basic TOKEN", "TOKEN"])(
    "for the Authorization %j, on every address of the API",
    async (value) => {
      const headers = {
        ...origin(),
        ...json,
        ...(value === undefined ? {} : { authorization: value.replace("TOKEN", inspector.token) }),
      };
      const paths = ["state", "events", "events/1", "events/1/body", "stream", "products", "nothing"];
      for (const path of paths) expect((await inspector.raw(`/api/${path}`, { headers })).status).toBe(401);
      for (const path of ["explain", "curl", "diff", "replay", "send"])
        expect((await inspector.raw(`/api/${path}`, { method: "POST", headers, body: "{}" })).status).toBe(401);
    },
  );

  it("for a token in the query, a cookie or a second header", async () => {
    const { token } = inspector;
    expect((await inspector.raw(`/api/state?token=${token}`)).status).toBe(401);
    expect((await inspector.raw("/api/state", { headers: { cookie: `token=${token}` } })).status).toBe(401);
  });

  it.each(["PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE"])(
    "for the method %s, without a CORS header",
    async (method) => {
      const { status, headers } = await inspector.raw("/api/state", {
        method,
        headers: { ...bearer(), ...origin(), "access-control-request-method": "POST" },
      });
      expect(status).toBe(405);
      expect(Object.keys(headers).filter((name) => name.startsWith("access-control"))).toEqual([]);
    },
  );

  it.each([
    "/../package.json",
    "/..%2fpackage.json",
    "/%2e%2e/package.json",
    "//etc/passwd",
    "/app.js/../../cli.cjs",
    "/app.js%00",
    "/index.html",
    "/.zoho-hooks/events.db",
    "/api/../app.js",
    "/API/state",
    "/api/events/1/../1",
    "/api/events/9999999999999999999",
    "/api/events/1/body/",
  ])("for the path %s, which names nothing", async (path) => {
    const { status, text } = await inspector.raw(path, { headers: bearer() });
    expect(status).toBe(404);
    expect(text).not.toMatch(/"name"|root:|SQLite/);
  });

  it("for a request to another server through it", async () => {
    const headers = { ...bearer(), host: `127.0.0.1:${inspector.port}` };
    expect((await inspector.raw("http://evil.example/api/state", { headers })).status).toBe(400);
  });

  it.each([
    ["text/plain", '{"n":1}', 415],
    ["application/x-www-form-urlencoded", "n=1", 415],
    ["application/json-patch+json", '{"n":1}', 415],
    ["application/json", "{", 400],
    ["application/json", "", 400],
    ["application/json", "[1]", 400],
    ["application/json", "null", 400],
    ["application/json", '{"n":"1"}', 400],
    ["application/json", '{"n":-1}', 400],
    ["application/json", '{"n":1.5}', 400],
    ["application/json", '{"n":1e300}', 400],
    ["application/json", '{"__proto__":{"n":1}}', 400],
  ])("for a POST of %s %j", async (type, body, expected) => {
    const headers = { ...bearer(), ...origin(), "content-type": type };
    expect((await inspector.raw("/api/explain", { method: "POST", headers, body })).status).toBe(expected);
  });

  it("for a POST of more than 8 MiB", async () => {
    const headers = { ...bearer(), ...origin(), ...json };
    const call = { method: "POST", headers, body: Buffer.alloc(8 * 1024 * 1024 + 1, " ") };
    const status = await inspector.raw("/api/explain", call).then(
      (answer) => answer.status,
      (error: NodeJS.ErrnoException) => error.code,
    );
    // The connection may be closed before the client has written everything.
    expect([413, "EPIPE", "ECONNRESET"]).toContain(status);
  });

  it.each(["?before=x", "?limit=0", "?only=zzz", "?product=nothing", "?event=nothing:x"])(
    "for the query %s",
    async (query) => {
      expect([400, 422]).toContain((await inspector.get(`/api/events${query}`)).status);
    },
  );

  it("for a Last-Event-ID that is no number", async () => {
    expect((await inspector.raw("/api/stream", { headers: { ...bearer(), "last-event-id": "x" } })).status).toBe(400);
  });
});

describe("an answer", () => {
  it.each(["/", "/api/state", "/api/nothing", "/app.css", "/api/events/1/body"])(
    "has the headers that keep a browser from misusing it: %s",
    async (path) => {
      const { headers } = await inspector.get(path);
      expect(headers).toMatchObject({
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cache-control": "no-store",
        "x-frame-options": "DENY",
      });
      expect(headers["content-security-policy"]).toMatch(
        /^default-src 'none'; .*frame-ancestors 'none'; base-uri 'none'/,
      );
      expect(headers["set-cookie"]).toBeUndefined();
      expect(headers["access-control-allow-origin"]).toBeUndefined();
    },
  );

  it("holds no data in the static page", async () => {
    const { text } = await inspector.raw("/");
    for (const secret of [inspector.token, project.cwd, "Tanaka", SECRET, TOKEN]) expect(text).not.toContain(secret);
  });

  it("has a body as an attachment that no browser shows", async () => {
    const { headers } = await inspector.get("/api/events/1/body");
    expect(headers["content-type"]).toBe("application/octet-stream");
    expect(headers["content-disposition"]).toBe('attachment; filename="event-1-masked.bin"');
  });

  it("has no secret in it, nor the token of the inspector", async () => {
    const texts = await Promise.all([
      ...["state", "events", "events/1", "events/1/body", "products"].map((path) => inspector.get(`/api/${path}`)),
      inspector.post("/api/explain", { n: 1 }),
      inspector.post("/api/show", { n: 1 }),
      inspector.post("/api/show", { n: 1, curl: true }),
      inspector.post("/api/send", { product: "crm", event: "Leads.create" }),
      inspector.post("/api/replay", { n: 1 }),
      inspector.post("/api/diff", { before: 1, after: 1 }),
    ]);
    for (const { status, text } of texts) {
      expect(status).toBe(200);
      for (const secret of [SECRET, TOKEN, inspector.token]) expect(text).not.toContain(secret);
    }
  });

  it("changes nothing for a GET", async () => {
    const seen = project.app.seen.length;
    for (const path of ["explain", "replay", "send", "curl", "diff"])
      expect((await inspector.get(`/api/${path}?n=1`)).status).toBe(404);
    expect(project.app.seen.length).toBe(seen);
  });
});

describe("the token", () => {
  it("has 128 bits, is in the user's folder alone, and readable by the user alone", () => {
    const file = join(folder.XDG_CONFIG_HOME, "zoho-hooks", "inspectors.json");
    expect(Buffer.from(inspector.token, "base64url")).toHaveLength(16);
    expect(readFileSync(file, "utf8")).toContain(inspector.token);
    if (process.platform !== "win32") expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it("is made anew where its file is damaged or holds a weak one", async () => {
    const cwd = tempFolder();
    const own = userEnv();
    const first = await startInspector([], { cwd, env: own });
    await first.stop();
    const file = join(own.XDG_CONFIG_HOME, "zoho-hooks", "inspectors.json");
    writeFileSync(file, readFileSync(file, "utf8").replace(first.token, "weak"));
    const second = await startInspector([], { cwd, env: own });
    expect(second.token).toMatch(/^[\w-]{22}$/);
  });
});
