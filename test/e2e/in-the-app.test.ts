import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { MissedChange, Store, ZohoConnection } from "../../src/library/connect.ts";
import { startZoho, type Zoho } from "../../src/library/testing.ts";
import { folderWith } from "../support/files.ts";
import { lacks } from "../support/needs.ts";
import { sharedAddress } from "../support/postgres.ts";

const PAGE = readFileSync(new URL("../../docs/in-the-app.md", import.meta.url), "utf8").replaceAll("\r\n", "\n");
const root = fileURLToPath(new URL("../..", import.meta.url));

/** The page's blocks that begin with a file's name. */
const recipes = Object.fromEntries(
  [...PAGE.matchAll(/```js\n(\/\/ ([\w/.-]+\.js)\b[\s\S]*?)```/g)].map(([, text = "", name = ""]) => [name, text]),
);

const MEMORY = `
  import { memoryStore } from "zoho-hooks/zoho";
  export const store = memoryStore();`;

/** A project with all files of the page, and the packages that they import. */
function project(files: Readonly<Record<string, string>> = {}): string {
  const folder = folderWith({ "package.json": '{"type":"module"}', ...recipes, "store.js": MEMORY, ...files });
  mkdirSync(join(folder, "node_modules"), { recursive: true });
  symlinkSync(root, join(folder, "node_modules/zoho-hooks"), "junction");
  for (const name of ["pg", "vitest"])
    symlinkSync(join(root, "node_modules", name), join(folder, "node_modules", name), "junction");
  return folder;
}

interface Sweep {
  readonly completeTo: number;
  readonly startedAt?: number;
  readonly resume?: string;
}

const load = <T>(folder: string, name: string): Promise<T> => import(pathToFileURL(join(folder, name)).href);

let zoho: Zoho;
const before = { ...process.env };
beforeEach(async () => {
  zoho = await startZoho();
  Object.assign(process.env, zoho.env, {
    ZOHO_DC: "us",
    ZOHO_WEBHOOK_TOKEN: "t0ken",
    CRON_SECRET: "cr0n",
    APP_URL: "https://app.example",
  });
});
afterEach(async () => {
  process.env = { ...before };
  await zoho.close();
});

describe("the recipe", () => {
  it("for a cron of Next keeps a channel alive, for who knows its secret", async () => {
    const { GET } = await load<{ GET(request: Request): Promise<Response> }>(project(), "app/api/cron/zoho/route.js");
    const call = (secret: string) =>
      GET(new Request("https://app.example/api/cron/zoho", { headers: { authorization: `Bearer ${secret}` } }));
    expect((await call("other")).status).toBe(401);
    delete process.env.CRON_SECRET;
    expect((await call("undefined")).status).toBe(401);
    process.env.CRON_SECRET = "cr0n";
    const shown = /```json\n([\s\S]*?)```/.exec(PAGE)?.[1] ?? "";
    const kept = (await (await call("cr0n")).json()) as object;
    expect(Object.keys(kept)).toEqual(Object.keys(JSON.parse(shown)));
    expect(kept).toMatchObject({ state: "created", reason: JSON.parse(shown).reason });
    expect(await (await call("cr0n")).json()).toMatchObject({ state: "unchanged" });
  });

  it("for a call of one's own gets over a token that Zoho ended", async () => {
    const { createLead } = await load<{ createLead(lead: object): Promise<Response> }>(project(), "create-lead.js");
    const lead = { Last_Name: "Doe", Company: "Acme" };
    expect((await createLead(lead)).status).toBe(201);
    zoho.advance("2h");
    expect((await createLead(lead)).status).toBe(201);
    expect(zoho.crm.list("Leads")).toHaveLength(2);
  });

  it("for notifications saves their records", async () => {
    const database = `
      export const saved = [];
      export const saveLeads = async (records, gone) => void saved.push({ records, gone });`;
    const folder = project({ "database.js": database });
    const { POST } = await load<{ POST(request: Request): Promise<Response> }>(folder, "app/webhooks/zoho/route.js");
    const { saved } = await load<{ saved: object[] }>(folder, "database.js");
    const { zoho: app } = await load<{ zoho: ZohoConnection }>(folder, "zoho.js");
    await app.keepAlive({ name: "a", url: "https://app.example/zoho", token: "t0ken", events: ["Leads.all"] });
    zoho.fail({ delivery: "lost", times: 9 });
    const lead = await zoho.crm.create("Leads", { Last_Name: "Doe", Company: "Acme", Email: "doe@acme.example" });
    const [delivery] = await zoho.deliveries();
    const request = new Request("https://app.example/zoho", { method: "POST", ...delivery });
    expect((await POST(request)).status).toBe(200);
    expect(saved).toEqual([{ records: [{ id: lead.id, Last_Name: "Doe", Email: "doe@acme.example" }], gone: [] }]);
  });

  it("for what was missed handles it once, and goes on where it ended", async () => {
    const database = `
      export const handled = [];
      export const sweeps = [];
      export const hasEventSince = async (id) => handled.some((change) => change.id === id);
      export const lastSweep = async () => sweeps.at(-1);
      export const saveSweep = async (sweep) => void sweeps.push(sweep);
      export const handle = async (change) => {
        if (handled.length === 2 && !globalThis.resumed) {
          globalThis.resumed = true;
          throw new Error("the app fell over");
        }
        handled.push(change);
      };`;
    const folder = project({ "database.js": database });
    const { sweep } = await load<{ sweep(): Promise<void> }>(folder, "sweep.js");
    const { handled, sweeps } = await load<{ handled: MissedChange[]; sweeps: Sweep[] }>(folder, "database.js");
    for (let i = 0; i < 4; i++) await zoho.crm.create("Leads", { Last_Name: `${i}`, Company: "Acme" });
    await expect(sweep()).rejects.toThrow("the app fell over");
    const [begun, ended] = [sweeps[0], sweeps.at(-1)];
    expect(ended).toEqual({ ...begun, resume: expect.stringMatching(/^changed .* Leads$/) });
    await sweep();
    expect(sweeps.at(-1)).toEqual({ completeTo: begun?.startedAt });
    await sweep();
    expect(new Set(handled.map(({ id }) => id)).size).toBe(4);
    expect(handled).toHaveLength(4);
    expect(sweeps.at(-1)?.completeTo).toBeGreaterThan(begun?.startedAt ?? Infinity);
  });

  it("for tests passes in vitest", () => {
    const folder = project();
    const vitest = join(root, "node_modules/vitest/vitest.mjs");
    const { stdout, stderr } = spawnSync(process.execPath, [vitest, "run", "--root", folder], {
      cwd: folder,
      encoding: "utf8",
      env: { ...process.env, NO_COLOR: "1" },
    });
    expect(stdout + stderr).toMatch(/Tests\s+1 passed/);
  });
});

/** Redis, as far as the recipe calls it; Upstash's client reads JSON that it can read. */
const UPSTASH = `
  const kept = new Map();
  export class Redis {
    static fromEnv() { return new Redis(); }
    async get(key) {
      const value = kept.get(key) ?? null;
      try { return JSON.parse(value); } catch { return value; }
    }
    async set(key, value, { ex, nx }) {
      if (!(ex >= 60)) throw new Error("ERR invalid expire time");
      if (nx && kept.has(key)) return null;
      kept.set(key, value);
      return "OK";
    }
  }`;

describe("the store", () => {
  const stores: readonly [string, boolean][] = [
    ["stores/upstash.js", true],
    ["stores/postgres.js", !lacks("postgresql")],
  ];
  it.each(stores.filter(([, canRun]) => canRun))("%s lets all instances refresh once", async (name) => {
    if (name === "stores/postgres.js") {
      const address = await sharedAddress(`in-the-app.test.ts ${process.pid}`);
      const host = new URL(address).searchParams.get("host") ?? "";
      process.env.DATABASE_URL = `postgres://postgres@localhost/postgres?host=${encodeURIComponent(host)}`;
      const client = new pg.Client({ connectionString: process.env.DATABASE_URL });
      await client.connect();
      await client.query("drop table if exists zoho_store");
      await client.query(/create table zoho_store \([^)]*\)/.exec(PAGE)?.[0] ?? "");
      await client.end();
    }
    const upstash = "node_modules/@upstash/redis";
    const folder = project({
      [`${upstash}/package.json`]: '{"name":"@upstash/redis","type":"module","exports":"./index.js"}',
      [`${upstash}/index.js`]: UPSTASH,
      "store.js": `export { store } from "./${name}";`,
    });
    const { store } = await load<{ store: Required<Store> }>(folder, "store.js");
    const added = await Promise.all(Array.from({ length: 9 }, () => store.add("lock", "1", { ttl: 60 })));
    expect(added.filter(Boolean)).toHaveLength(1);
    const { zoho: app } = await load<{ zoho: ZohoConnection }>(folder, "zoho.js");
    const { connectZoho } = await import("../../src/library/connect.ts");
    const { env } = zoho;
    const another = connectZoho({
      clientId: env.ZOHO_CLIENT_ID,
      clientSecret: env.ZOHO_CLIENT_SECRET,
      refreshToken: env.ZOHO_REFRESH_TOKEN,
      dc: "us",
      accountsUrl: zoho.url,
      apiUrl: zoho.url,
      store,
    });
    const tokens = await Promise.all([app, another, app, another].map((each) => each.accessToken()));
    expect(new Set(tokens).size).toBe(1);
  });
});
