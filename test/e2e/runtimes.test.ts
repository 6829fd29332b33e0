import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "rolldown";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { startZoho, type Zoho } from "../../src/library/testing.ts";
import { blocksOf } from "../support/docs-page.ts";
import { folderWith } from "../support/files.ts";
import { lacks } from "../support/needs.ts";
import { runtimeProgram, startWorkerd } from "../support/runtimes.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Each call of an app, and one that fails, whose message needs other modules. */
const APP = `
  import { connectZoho, memoryStore } from "zoho-hooks/zoho";

  export async function run(env) {
    const connect = (refreshToken) =>
      connectZoho({
        clientId: env.ZOHO_CLIENT_ID,
        clientSecret: env.ZOHO_CLIENT_SECRET,
        refreshToken,
        dc: "us",
        accountsUrl: env.ZOHO_ACCOUNTS_URL,
        apiUrl: env.ZOHO_API_URL,
        store: memoryStore(),
      });
    const zoho = connect(env.ZOHO_REFRESH_TOKEN);
    const channel = { name: "a", url: "https://app.example/zoho", token: "t0ken", events: ["Leads.all"] };
    const states = [];
    for (const more of [{}, {}, { url: "https://new.example/zoho" }, { events: [] }])
      states.push((await zoho.keepAlive({ ...channel, ...more })).state);
    const fields = { Leads: ["Last_Name"] };
    const { records } = await zoho.expand({ module: "Leads", ids: [env.LEAD], operation: "insert" }, { fields });
    const missed = [];
    const since = new Date(Date.now() - 3_600_000);
    for await (const { id, operation } of zoho.missed({ since, modules: ["Leads"], seen: () => false }))
      missed.push([id, operation]);
    const isShared = (await zoho.accessToken()) === (await zoho.accessToken());
    const { code, isSignIn } = await connect("1000.revoked").accessToken().catch((error) => error);
    return { states, records, missed, isShared, code, isSignIn };
  }`;

const files = {
  "package.json": '{"type":"module"}',
  "app.js": APP,
  "main.js": `import { run } from "./app.js"; console.log(JSON.stringify(await run(process.env)));`,
  "worker.js": `
    import { run } from "./app.js";
    export default { fetch: async (_, env) => Response.json(await run(env)) };`,
};

let zoho: Zoho;
let folder: string;
let env: Record<string, string>;
let expected: object;
beforeEach(async () => {
  zoho = await startZoho();
  const { id } = await zoho.crm.create("Leads", { Last_Name: "Doe", Company: "Acme" });
  env = { ...zoho.env, LEAD: id };
  expected = {
    states: ["created", "unchanged", "updated", "deleted"],
    records: [{ id, Last_Name: "Doe" }],
    missed: [[id, "insert"]],
    isShared: true,
    code: "invalid_code",
    isSignIn: true,
  };
  folder = folderWith(files);
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(ROOT, join(folder, "node_modules/zoho-hooks"), "junction");
});
afterEach(() => zoho.close());

async function printed(program: string, argv: readonly string[]): Promise<unknown> {
  const { stdout } = await promisify(execFile)(program, argv, { cwd: folder, env: { ...process.env, ...env } });
  return JSON.parse(stdout);
}

describe("an app with zoho-hooks/zoho runs", () => {
  it("on Node", async () => {
    expect(await printed(process.execPath, ["main.js"])).toEqual(expected);
  });

  it.skipIf(lacks("deno"))("on Deno", async () => {
    const permissions = ["--allow-read", "--allow-env", "--allow-net=127.0.0.1"];
    const argv = ["run", "--no-prompt", "--node-modules-dir=manual", ...permissions, "main.js"];
    expect(await printed(runtimeProgram("deno"), argv)).toEqual(expected);
  });

  it.skipIf(lacks("bun"))("on Bun", async () => {
    expect(await printed(runtimeProgram("bun"), ["main.js"])).toEqual(expected);
  });

  it.skipIf(lacks("miniflare"))("on workerd", async () => {
    const worker = await startWorkerd({ script: await bundled(folder), bindings: env });
    onTestFinished(() => worker.dispose());
    expect(await (await worker.dispatchFetch("https://app.example/")).json()).toEqual(expected);
  });
});

it.skipIf(lacks("miniflare"))("the page's Worker keeps a channel alive in its cron", async () => {
  const page = blocksOf(readFileSync(join(ROOT, "docs/in-the-app.md"), "utf8"));
  for (const name of ["worker.js", "stores/cloudflare-kv.js"]) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), page.find(({ text }) => text.startsWith(`// ${name}\n`))?.text ?? "");
  }
  const bindings = { ...env, ZOHO_DC: "us", ZOHO_WEBHOOK_TOKEN: "t0ken", WEBHOOK_URL: "https://app.example/zoho" };
  const worker = await startWorkerd({ script: await bundled(folder), bindings, kvNamespaces: ["ZOHO"] });
  onTestFinished(() => worker.dispose());
  const { scheduled } = await worker.getWorker();
  for (let i = 0; i < 2; i++) expect(await scheduled()).toMatchObject({ outcome: "ok" });
  expect(zoho.subscriptions()).toMatchObject([{ url: bindings.WEBHOOK_URL }]);
});

/** The worker as one file. */
async function bundled(folder: string): Promise<string> {
  const { output } = await build({
    input: join(folder, "worker.js"),
    platform: "neutral",
    resolve: { mainFields: ["module", "main"] },
    write: false,
    logLevel: "silent",
  });
  return output[0].code;
}
