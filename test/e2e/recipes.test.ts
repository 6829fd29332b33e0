import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { FastifyInstance } from "fastify";
import type { Hono } from "hono";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { readPrivateKey } from "../../src/delivery/rsa-keys.ts";
import { secret } from "../../src/delivery/secrets.ts";
import { createHandler, fixture, type HandlerOptions, sign } from "../../src/library/index.ts";
import { writeKeySet } from "../../src/signatures/keys.ts";
import { folderWith } from "../support/files.ts";
import { testKeys } from "../support/test-secrets.ts";

const PAGE = readFileSync(new URL("../../docs/library.md", import.meta.url), "utf8").replaceAll("\r\n", "\n");
const root = fileURLToPath(new URL("../..", import.meta.url));
const keys = { secret: "s3cret-of-the-app", token: "t0ken-of-the-app" };
const audience = "webhookId:189200000000321777";

/** The page's blocks that begin with a file's name. */
const recipes = Object.fromEntries(
  [...PAGE.matchAll(/```js\n(\/\/ ([\w/.]+\.js)\b[\s\S]*?)```/g)].map(([, text = "", name = ""]) => [name, text]),
);

/** Loads a recipe in a project that has the package and the frameworks installed. */
async function load<T>(
  name: string,
  change: (text: string) => string = (text) => text,
  others: Readonly<Record<string, string>> = {},
): Promise<T> {
  const folder = project({ [name]: change(recipes[name] ?? ""), ...others });
  return import(pathToFileURL(join(folder, name)).href);
}

function project(files: Readonly<Record<string, string>>): string {
  const folder = folderWith({ "package.json": '{"type":"module"}', ...files });
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(root, join(folder, "node_modules/zoho-hooks"), "junction");
  for (const name of ["express", "fastify", "hono", "vitest"])
    symlinkSync(join(root, "node_modules", name), join(folder, "node_modules", name), "junction");
  return folder;
}

/** What a route of Next exports. */
interface Route {
  POST(request: Request): Promise<Response>;
}

/** Serves while something is done. */
async function serving<T>(listener: RequestListener, use: (origin: string) => Promise<T>): Promise<T> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.close();
  }
}

describe("the recipe", () => {
  const env = {
    ZOHO_WEBHOOK_SECRET: keys.secret,
    ZOHO_WEBHOOK_TOKEN: keys.token,
    ZOHO_DESK_AUDIENCE: audience,
  };
  beforeAll(() => void Object.assign(process.env, env));
  afterAll(() => {
    for (const name of Object.keys(env)) delete process.env[name];
  });

  const signed = sign("crm", fixture("crm", "Leads.create"), keys);
  const json = { "content-type": "application/json" };
  /** Each with what is to be answered. */
  const requests = [
    [200, { headers: signed.headers, body: new Uint8Array(signed.body) }],
    [401, { headers: signed.headers, body: String(signed.body).replace(keys.token, "another") }],
    [400, { headers: json, body: '{"a":]' }],
    [200, { headers: json, body: '{"challenge":"c-81"}' }],
    [401, {}],
  ] as const;
  const statuses = requests.map(([status]) => status);
  const posted = (post: (init: RequestInit) => Promise<Response>) =>
    Promise.all(requests.map(async ([, init]) => (await post({ method: "POST", ...init })).status));

  it("for Express answers", async () => {
    const { app } = await load<{ app: RequestListener }>("app.js");
    const answers = await serving(app, (origin) => posted((init) => fetch(`${origin}/webhooks/zoho/crm`, init)));
    expect(answers).toEqual(statuses);
  });

  it("for Fastify answers", async () => {
    const { app } = await load<{ app: FastifyInstance }>("fastify.js");
    await app.ready();
    const answers = await serving(app.routing, (origin) =>
      posted((init) => fetch(`${origin}/webhooks/zoho/crm`, init)),
    );
    expect(answers).toEqual(statuses);
  });

  it("for Hono answers", async () => {
    const { app } = await load<{ app: Hono }>("hono.js");
    expect(await posted(async (init) => app.request("/webhooks/zoho/crm", init))).toEqual(statuses);
  });

  it("for Next answers", async () => {
    const { POST } = await load<Route>("app/webhooks/zoho/crm/route.js");
    expect(await posted((init) => POST(new Request("https://app.example/hooks", init)))).toEqual(statuses);
  });

  it.each(["utf8", "base64"] as const)("for Lambda answers to a body in %s", async (encoding) => {
    type Handler = (event: object) => Promise<{ readonly statusCode: number }>;
    const { handler } = await load<{ handler: Handler }>("lambda.js");
    const answers = requests.map(async ([, init]) => {
      const { headers, body } = { headers: {}, body: undefined, ...init };
      const { statusCode } = await handler({
        requestContext: { http: { method: "POST" } },
        rawPath: "/hooks",
        rawQueryString: "",
        headers,
        ...(body === undefined ? {} : { body: Buffer.from(body).toString(encoding) }),
        isBase64Encoded: encoding === "base64",
      });
      return statusCode;
    });
    expect(await Promise.all(answers)).toEqual(statuses);
  });

  it("for production keeps an event that is not as expected", async () => {
    const database = `
      export const later = [];
      export const leads = [];
      export const handleLater = async (...args) => void later.push(args);
      export const saveLead = async (records) => void leads.push(records);`;
    type Saved = Route & { readonly later: readonly unknown[]; readonly leads: readonly unknown[] };
    const { POST, later, leads } = await load<Saved>(
      "app/production.js",
      (text) => `${text}export { later, leads } from "./database.js";\n`,
      { "app/database.js": database },
    );
    const valid = { ...fixture("crm", "Leads.create", { format: "wire" }), token: keys.token };
    for (const sample of [valid, { ...valid, server_time: undefined }]) {
      const body = JSON.stringify(sample);
      expect((await POST(new Request("https://app.example", { method: "POST", headers: json, body }))).status).toBe(
        200,
      );
    }
    expect(leads).toEqual([valid.ids]);
    expect(later).toEqual([[expect.any(Buffer), expect.stringContaining("server_time is missing")]]);
  });

  it("for once only calls the app again where it had failed, and for no other repeat", async () => {
    const store = `
      const kept = new Map();
      export const redis = {
        exists: async (key) => (kept.has(key) ? 1 : 0),
        set: async (key, value) => void kept.set(key, value),
      };`;
    const { once } = await load<{ once: HandlerOptions }>("once.js", undefined, { "redis.js": store });
    const acted: (string | null)[] = [];
    const handle = createHandler(
      "crm",
      keys,
      ({ name }) => {
        if (acted.push(name) === 1) throw new Error("no queue");
      },
      { ...once, onError() {} },
    );
    const post = async (): Promise<number> => (await handle(signed)).status;
    expect([await post(), await post(), await post()]).toEqual([500, 200, 200]);
    expect(acted).toEqual(["Leads.create", "Leads.create"]);
  });

  it("for once only in a transaction does the work again where it had failed, and for no other repeat", async () => {
    const database = `
      const handled = new Set();
      export const saved = [];
      export const saveLead = async (_, { name }) => {
        if (saved.push(name) === 1) throw new Error("no space");
      };
      export const transaction = async (work) => {
        let inserted;
        const query = async (_, [identity]) => ({ rowCount: handled.has((inserted = identity)) ? 0 : 1 });
        await work(query);
        handled.add(inserted);
      };`;
    const { onEvent, saved } = await load<{ onEvent: () => Promise<void>; saved: readonly string[] }>(
      "transaction.js",
      (text) => `${text}export { saved } from "./database.js";\n`,
      { "database.js": database },
    );
    const handle = createHandler("crm", keys, onEvent, { onError() {} });
    const post = async (): Promise<number> => (await handle(signed)).status;
    expect([await post(), await post(), await post()]).toEqual([500, 200, 200]);
    expect(saved).toEqual(["Leads.create", "Leads.create"]);
  });

  it("for Desk fetches the keys once, and again where a token names one that is not there", async () => {
    const { privateKey } = testKeys;
    const ticket = fixture("desk", "Ticket_Add", { format: "wire" });
    const { headers, body } = sign("desk", ticket, { privateKey, audience }, { format: "wire" });
    const served = writeKeySet(readPrivateKey(secret(privateKey, "the tests")));
    const other = served.replace(/"kid": ?"[^"]*"/, '"kid":"other"');
    const asked: string[] = [];
    const keySets: RequestListener = ({ url = "" }, response) => {
      asked.push(url);
      response.end(asked.length === 1 ? other : served);
    };
    await serving(keySets, async (origin) => {
      const atOrigin = (text: string): string => text.replace("https://desk.zoho.com", origin);
      const post = async ({ POST }: Route) =>
        (await POST(new Request("https://app.example/hooks", { method: "POST", headers, body }))).status;
      const route = await load<Route>("desk.js", atOrigin);
      expect([await post(route), await post(route)]).toEqual([401, 401]);
      expect(asked).toEqual(["/.well-known/jwks.json"]);
      asked.length = 0;
      // As when the minute is over.
      const later = await load<Route>("desk.js", (text) => atOrigin(text).replace("60_000", "-1"));
      expect([await post(later), await post(later)]).toEqual([200, 200]);
      expect(asked.length).toBe(2);
    });
  });

  it("for Mail stores the secret of its first call, and verifies with it", async () => {
    const store = `
      const kept = (globalThis.keptByRedis ??= new Map());
      export const redis = {
        get: async (key) => kept.get(key) ?? null,
        set: async (key, value, { NX }) => (NX && kept.has(key) ? null : (kept.set(key, value), "OK")),
      };`;
    const start = () => load<Route>("mail.js", undefined, { "redis.js": store });
    const post = async ({ POST }: Route, init: RequestInit) =>
      (await POST(new Request("https://app.example/hooks", { method: "POST", ...init }))).status;
    const offer = (route: Route, value: string) =>
      post(route, { headers: { ...json, "x-hook-secret": value }, body: "{}" });
    // As of two processes, which read the store before either has written.
    const [route, elsewhere] = [await start(), await start()];
    const error = vi.spyOn(console, "error").mockImplementation(() => {});
    expect(await Promise.all([offer(route, "m4il"), offer(elsewhere, "another")])).toEqual([200, 500]);
    expect(error).toHaveBeenCalledExactlyOnceWith(new Error("a secret of Mail is stored already"));
    error.mockRestore();
    expect([await offer(route, "m4il"), await offer(elsewhere, "another")]).toEqual([200, 401]);
    const request = sign("mail", fixture("mail", "message"), { hookSecret: "m4il" }, { format: "wire" });
    expect(await post(route, { headers: request.headers, body: request.body })).toBe(200);
  });

  it("for tests passes in vitest", () => {
    const folder = project({ "app.js": recipes["app.js"] ?? "", "crm.test.js": recipes["crm.test.js"] ?? "" });
    const vitest = join(root, "node_modules/vitest/vitest.mjs");
    const run = spawnSync(process.execPath, [vitest, "run", "--root", folder], {
      cwd: folder,
      encoding: "utf8",
      env: { ...process.env, NO_COLOR: "1" },
    });
    expect(run.stdout + run.stderr).toMatch(/Tests\s+3 passed/);
  });
});
