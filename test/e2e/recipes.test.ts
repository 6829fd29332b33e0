import { readFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { secret } from "../../src/body/secret.ts";
import { writeKeySet } from "../../src/core/proofs/keys.ts";
import { readPrivateKey } from "../../src/core/proofs/rsa-signature.ts";
import { fixture, type RequestLike, sign, type VerifyResult } from "../../src/index.ts";
import { folderWith } from "../support/files.ts";
import { testKeys } from "../support/test-secrets.ts";

const README = readFileSync(new URL("../../README.md", import.meta.url), "utf8").replaceAll("\r\n", "\n");
const built = fileURLToPath(new URL("../../dist/index.js", import.meta.url));
const keys = { secret: "s3cret-of-the-app", token: "t0ken-of-the-app" };
const audience = "webhookId:189200000000321777";

/** What the recipes export. */
interface Recipes {
  readonly app: RequestListener;
  POST(request: Request): Promise<Response>;
  handler(event: object): Promise<{ readonly statusCode: number; readonly body: string }>;
  verifyDesk(request: RequestLike): Promise<VerifyResult<"desk">>;
}

/** The README's blocks that begin with a file's name, loaded as files of an app; `change` adapts their text. */
async function loadRecipes(
  change: (text: string) => string = (text) => text,
  others: Readonly<Record<string, string>> = {},
): Promise<Recipes> {
  const blocks = [...README.matchAll(/```js\n(\/\/ (\w+\.js)\b[\s\S]*?)```/g)];
  const files = Object.fromEntries(blocks.map(([, text = "", name = ""]) => [name, change(appCode(text))]));
  const folder = folderWith({
    "package.json": '{"type":"module"}',
    "act.js": "export const act = async () => {};",
    ...files,
    ...others,
  });
  const modules = ["express.js", "route.js", "lambda.js", "desk.js"].map(
    (name) => import(pathToFileURL(join(folder, name)).href),
  );
  return Object.assign({}, ...(await Promise.all(modules)));
}

/** The packages are not beside the app. */
function appCode(text: string): string {
  return text
    .replace('"zoho-hooks"', JSON.stringify(pathToFileURL(built).href))
    .replace('"express"', JSON.stringify(import.meta.resolve("express")));
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

describe("the README's recipe", () => {
  let recipes: Recipes;
  beforeAll(async () => {
    process.env.ZOHO_WEBHOOK_SECRET = keys.secret;
    process.env.ZOHO_WEBHOOK_TOKEN = keys.token;
    process.env.ZOHO_DESK_AUDIENCE = audience;
    recipes = await loadRecipes();
  });
  afterAll(() => {
    for (const name of ["ZOHO_WEBHOOK_SECRET", "ZOHO_WEBHOOK_TOKEN", "ZOHO_DESK_AUDIENCE"]) delete process.env[name];
  });

  const signed = sign("crm", fixture("crm", "Leads.create"), keys);
  const json = { "content-type": "application/json" };
  /** Each with what is to be answered. */
  const requests = [
    ["an event", 200, { headers: signed.headers, body: new Uint8Array(signed.body) }],
    ["changed bytes", 401, { headers: signed.headers, body: `${signed.body} ` }],
    ["no JSON", 400, { headers: json, body: '{"a":]' }],
    ["a challenge", 200, { headers: json, body: '{"challenge":"c-81"}' }],
    ["nothing", 401, {}],
  ] as const;

  it.each(requests)("for Express answers to %s with %i", async (_, status, init) => {
    const response = await serving(recipes.app, (origin) =>
      fetch(`${origin}/webhooks/zoho/crm`, { method: "POST", ...init }),
    );
    expect(response.status).toBe(status);
  });

  it("for Express takes a large body, and answers 500 when the app fails, which lives on", async () => {
    const post = (origin: string, body: Uint8Array<ArrayBuffer>, headers: Record<string, string>) =>
      fetch(`${origin}/webhooks/zoho/crm`, { method: "POST", headers, body, signal: AbortSignal.timeout(2000) });
    const lead = fixture("crm", "Leads.create");
    const large = sign("crm", { ...lead, data: { ...lead.data, Description: "x".repeat(200_000) } }, keys);
    const taken = await serving(recipes.app, (origin) => post(origin, large.body, large.headers));
    expect(taken.status).toBe(200);
    const { app } = await loadRecipes((text) => text.replace("await act(event)", 'throw new Error("no queue")'));
    const failed = await serving(app, (origin) => post(origin, signed.body, signed.headers));
    expect(failed.status).toBe(500);
  });

  it.each(requests)("for route handlers answers to %s with %i", async (_, status, init) => {
    const response = await recipes.POST(new Request("https://app.example/hooks", { method: "POST", ...init }));
    expect(response.status).toBe(status);
  });

  it("for once only acts on a repeat where the app had failed, and on no other", async () => {
    const [, snippet = ""] = /```js\n\/\/ in place of `(?:.+?)` of zoho\.js\n([\s\S]*?)```/.exec(README) ?? [];
    const acted: string[] = [];
    Object.assign(globalThis, { acted });
    const store = `
      const kept = new Map();
      const set = async (key, value) => (kept.has(key) ? null : (kept.set(key, value), "OK"));
      export const redis = { set, del: async (key) => kept.delete(key) };`;
    const act = `export const act = async ({ name }) => {
      if (globalThis.acted.push(name) === 1) throw new Error("no queue");
    };`;
    const once = (text: string): string =>
      text.includes("await act(event);")
        ? `import { redis } from "./redis.js";\n${text.replace("if (event.ok) await act(event);", () => snippet)}`
        : text;
    const { POST } = await loadRecipes(once, { "redis.js": store, "act.js": act });
    const post = async (): Promise<number> => {
      const init = { method: "POST", headers: signed.headers, body: signed.body };
      return (await POST(new Request("https://app.example/hooks", init))).status;
    };
    await expect(post()).rejects.toThrow("no queue");
    expect([await post(), await post()]).toEqual([200, 200]);
    expect(acted).toEqual(["Leads.create", "Leads.create"]);
  });

  it.each(requests)("for Lambda answers to %s with %i, in base64 as well", async (_, status, init) => {
    const { headers, body } = { headers: {}, body: undefined, ...init };
    for (const encoding of ["utf8", "base64"] as const) {
      const event = {
        requestContext: { http: { method: "POST" } },
        rawPath: "/hooks",
        rawQueryString: "",
        headers,
        ...(body === undefined ? {} : { body: Buffer.from(body).toString(encoding) }),
        isBase64Encoded: encoding === "base64",
      };
      expect((await recipes.handler(event)).statusCode).toBe(status);
    }
  });

  it("for Desk fetches the keys once, and again where a token names one that is not there", async () => {
    const { privateKey } = testKeys;
    const ticket = fixture("desk", "Ticket_Add", { format: "wire" });
    const request = sign("desk", ticket, { privateKey, audience }, { format: "wire" });
    const served = writeKeySet(readPrivateKey(secret(privateKey, "the tests")));
    const other = served.replace(/"kid": ?"[^"]*"/, '"kid":"other"');
    const asked: string[] = [];
    const keySets: RequestListener = ({ url = "" }, response) => {
      asked.push(url);
      response.end(asked.length === 1 ? other : served);
    };
    await serving(keySets, async (origin) => {
      const atOrigin = (text: string): string => text.replace("https://desk.zoho.com", origin);
      const { verifyDesk } = await loadRecipes(atOrigin);
      expect(await verifyDesk(request)).toMatchObject({ code: "unproven", proofs: [{ match: "unknown_key" }] });
      expect((await verifyDesk(request)).ok).toBe(false);
      expect(asked).toEqual(["/.well-known/jwks.json"]);
      asked.length = 0;
      // As when the minute is over.
      const later = await loadRecipes((text) => atOrigin(text).replace("60_000", "-1"));
      expect(await later.verifyDesk(request)).toMatchObject({ ok: true, event: "Ticket_Add" });
      expect((await later.verifyDesk(request)).ok).toBe(true);
      expect(asked.length).toBe(2);
    });
  });
});
