import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { startZoho, type Zoho } from "../../src/library/testing.ts";
import { BIN, cleanEnv, runBin, startBin } from "../support/bin.ts";
import { blocksOf } from "../support/docs-page.ts";
import { lacks } from "../support/needs.ts";
import { sharedAddress } from "../support/postgres.ts";
import { tempFolder } from "../support/run.ts";
import { runtimeProgram } from "../support/runtimes.ts";
import { freePort } from "../support/target.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PYTHON = "/usr/bin/python3";
const LEAD = { Last_Name: "Doe", Company: "Acme", Email: "doe@acme.example" };

let zoho: Zoho;
let env: Record<string, string>;
beforeEach(async () => {
  zoho = await startZoho();
  env = { ...zoho.env, ZOHO_DC: "us", ZOHO_WEBHOOK_TOKEN: "t0ken", CRON_SECRET: "cr0n" };
});
afterEach(() => zoho.close());

/** A copy of an example, with these packages installed. */
function copyOf(example: string, packages: readonly string[]): string {
  const folder = join(tempFolder(), example);
  cpSync(join(ROOT, "examples", example), folder, { recursive: true });
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(ROOT, join(folder, "node_modules/zoho-hooks"), "junction");
  for (const name of packages)
    symlinkSync(join(ROOT, "node_modules", name), join(folder, "node_modules", name), "junction");
  return folder;
}

/** Starts a server, which ends with the test, and resolves to its output once that shows the pattern. */
async function startServer(command: readonly string[], cwd: string, variables: object, ready: RegExp) {
  const [program = "", ...argv] = command;
  const child = spawn(program, argv, { cwd, env: { ...cleanEnv(), ...variables }, stdio: "pipe" });
  const ended = once(child, "close");
  let text = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  await expect.poll(() => ready.test(text) || child.exitCode !== null, { message: text }).toBe(true);
  if (child.exitCode !== null) throw new Error(text);
  return { output: () => text };
}

/** The newest delivery's status, once nothing is on its way. */
const lastStatus = async () => (await zoho.deliveries()).at(-1)?.status;

describe("the example for Next on Vercel", () => {
  interface Routes {
    readonly GET: (request: Request) => Promise<Response>;
    readonly POST: (request: Request) => Promise<Response>;
  }

  it("has the files that the page shows", () => {
    const page = readFileSync(join(ROOT, "docs/in-the-app.md"), "utf8");
    const folder = join(ROOT, "examples/next-on-vercel");
    const pageOf = (name: string) =>
      blocksOf(page)
        .find(({ text }) => text.startsWith(`// ${name}\n`))
        ?.text.split("\n")
        .slice(1)
        .join("\n");
    const names = ["zoho.js", "app/api/cron/zoho/route.js", "app/webhooks/zoho/route.js"];
    for (const [shown, file] of [...names.map((name) => [name, name]), ["stores/upstash.js", "store.js"]])
      expect(readFileSync(join(folder, file ?? ""), "utf8").trim()).toBe(pageOf(shown ?? "")?.trim());
  });

  it("keeps a channel alive whose notifications it verifies and expands", async () => {
    const folder = copyOf("next-on-vercel", []);
    writeFileSync(
      join(folder, "store.js"),
      'import { memoryStore } from "zoho-hooks/zoho";\nexport const store = memoryStore();\n',
    );
    writeFileSync(
      join(folder, "database.js"),
      "export const saved = [];\nexport const saveLeads = async (...all) => void saved.push(all);\n",
    );
    const load = <T>(name: string): Promise<T> => import(pathToFileURL(join(folder, name)).href);
    const before = { ...process.env };
    onTestFinished(() => {
      process.env = before;
    });
    Object.assign(process.env, env);
    const { crons } = JSON.parse(readFileSync(join(folder, "vercel.json"), "utf8"));
    const cronPath: string = crons[0].path;
    const routes: Record<string, Routes> = {
      [cronPath]: await load(`app${cronPath}/route.js`),
      "/webhooks/zoho": await load("app/webhooks/zoho/route.js"),
    };
    // As Next does.
    const server = createServer(async (message, response) => {
      const { method = "GET", url = "/", headers } = message;
      const body = method === "GET" ? {} : { body: await new Response(message as never).arrayBuffer() };
      const init = { method, headers: headers as Record<string, string>, ...body };
      const { status } = (await routes[url]?.[method as keyof Routes](
        new Request(`${process.env.APP_URL}${url}`, init),
      )) ?? {
        status: 404,
      };
      response.writeHead(status).end();
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    onTestFinished(() => void server.close());
    process.env.APP_URL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const cron = (authorization: string) => fetch(`${process.env.APP_URL}${cronPath}`, { headers: { authorization } });
    expect((await cron("Bearer other")).status).toBe(401);
    expect((await cron("Bearer cr0n")).status).toBe(200);
    const { id } = await zoho.crm.create("Leads", LEAD);
    expect(await lastStatus()).toBe(200);
    await zoho.crm.delete("Leads", id);
    expect(await lastStatus()).toBe(200);
    const { saved } = await load<{ saved: object[] }>("database.js");
    expect(saved).toEqual([
      [[{ id, Last_Name: "Doe", Email: "doe@acme.example" }], []],
      [[], [id]],
    ]);
  });
});

describe.skipIf(lacks("deno", "postgresql"))("the example for Supabase", { timeout: 60_000 }, () => {
  it("keeps a channel alive whose notifications it writes to the database", async () => {
    const folder = copyOf("supabase-functions", ["pg"]);
    const address = await sharedAddress("examples.test.ts");
    const { searchParams } = new URL(address);
    env.SUPABASE_DB_URL = `postgres://postgres@localhost/postgres?host=${encodeURIComponent(searchParams.get("host") ?? "")}`;
    const database = new pg.Client({ connectionString: env.SUPABASE_DB_URL });
    await database.connect();
    onTestFinished(() => database.end());
    const migration = "supabase/migrations/20260101000000_zoho.sql";
    await database.query(`drop table if exists zoho_store, leads; ${readFileSync(join(folder, migration), "utf8")}`);
    // In place of their own, which name packages of the registry.
    const config = join(folder, "deno.json");
    writeFileSync(config, '{ "nodeModulesDir": "manual" }');
    writeFileSync(join(folder, "package.json"), "{}");
    const start = async (name: string): Promise<string> => {
      const port = await freePort();
      const deno = [runtimeProgram("deno"), "run", "--no-prompt", "--allow-all", "--config", config];
      const file = join(folder, "supabase/functions", name, "index.ts");
      const variables = { ...env, DENO_SERVE_ADDRESS: `tcp:127.0.0.1:${port}` };
      await startServer([...deno, file], folder, variables, /Listening on/);
      return `http://127.0.0.1:${port}`;
    };
    env.SUPABASE_URL = await start("zoho-webhook");
    const cron = await start("zoho-channel");
    const call = (authorization: string) => fetch(cron, { method: "POST", headers: { authorization } });
    expect((await call("Bearer other")).status).toBe(401);
    expect(await (await call("Bearer cr0n")).json()).toMatchObject({ state: "created" });
    const [one, two] = [await zoho.crm.create("Leads", LEAD), await zoho.crm.create("Leads", LEAD)];
    await zoho.crm.change("Leads", one.id, { Email: "jane@acme.example" });
    await zoho.crm.delete("Leads", two.id);
    expect((await zoho.deliveries()).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    const { rows } = await database.query("select * from leads");
    expect(rows).toEqual([{ id: one.id, last_name: "Doe", email: "jane@acme.example" }]);
    expect((await database.query("select from zoho_store")).rowCount).toBeGreaterThan(0);
    const forged = await fetch(env.SUPABASE_URL, { method: "POST", body: '{"token":"other"}' });
    expect(forged.status).toBe(401);
  });
});

describe.skipIf(lacks("fastapi"))("the example for FastAPI", { timeout: 60_000 }, () => {
  it("gets notifications, also those that Zoho did not send, and its channel is renewed", async () => {
    const folder = copyOf("fastapi", []);
    mkdirSync(join(folder, "node_modules/.bin"));
    const bin = join(folder, "node_modules/.bin/zoho-hooks");
    writeFileSync(bin, `#!/bin/sh\nexec '${process.execPath}' '${BIN}' "$@"\n`, { mode: 0o755 });
    const names = Object.entries(env).filter(([name]) => name.startsWith("ZOHO_"));
    writeFileSync(join(folder, ".env"), names.map(([name, value]) => `${name}=${value}\n`).join(""));
    const options = { cwd: folder, env: { HOME: tempFolder(), ZOHO_HOOKS_TRUST: undefined } };
    expect(await runBin(["trust"], options)).toMatchObject({ status: 0 });
    const appPort = await freePort();
    const app = [PYTHON, "-m", "uvicorn", "app:app", "--port", String(appPort)];
    const { output } = await startServer(app, folder, env, /running on/);
    const port = String(await freePort());
    const listen = async () => {
      const listener = startBin(["listen", "--port", port, "--forward-to", String(appPort)], options);
      await listener.said(/Ready/);
      return listener;
    };
    const listener = await listen();
    const url = `http://127.0.0.1:${port}/webhooks/zoho/crm`;
    expect(await runBin(["channels", "create", "Leads.all", "--url", url], options)).toMatchObject({ status: 0 });
    const notified = await zoho.crm.create("Leads", LEAD);
    await expect.poll(output).toContain(`Leads insert ${notified.id} \n`);
    listener.kill("SIGINT");
    await listener.ended;
    zoho.advance("4d");
    const missed = await zoho.crm.create("Leads", LEAD);
    await zoho.deliveries();
    await listen();
    const expiresAt = () => zoho.subscriptions()[0]?.expiresAt ?? 0;
    const before = expiresAt();
    const mails: string[] = [];
    for (const line of cronLines(folder)) {
      const environment = { ...cronVariables(folder), HOME: options.env.HOME, LOGNAME: "app", SHELL: "/bin/sh" };
      const ran = promisify(execFile)("/bin/sh", ["-c", line], { cwd: options.env.HOME, env: environment });
      const { stdout, stderr } = await ran;
      mails.push(stdout + stderr);
    }
    expect(mails).toEqual(["", expect.stringMatching(new RegExp(`^Leads +${missed.id} +insert .*\n$`))]);
    expect(expiresAt()).toBeGreaterThan(before);
    await expect.poll(output).toContain(`${missed.id} reconstructed\n`);
  });
});

const crontab = (folder: string): readonly string[] => readFileSync(join(folder, "crontab"), "utf8").split("\n");

/** The commands of the crontab, for this copy. */
const cronLines = (folder: string): readonly string[] =>
  crontab(folder).flatMap((line) => /^\d+ \S+ \S+ \S+ \S+ (.*)/.exec(line)?.[1]?.replace("/srv/app", folder) ?? []);

/** What the crontab sets, and this Node. */
const cronVariables = (folder: string): Record<string, string> => {
  const set = crontab(folder).flatMap((line) => {
    const [, name, value] = /^([A-Z_]+)=(.*)/.exec(line) ?? [];
    return name === undefined ? [] : [[name, value] as const];
  });
  const { PATH, ...others } = Object.fromEntries(set);
  return { ...others, PATH: `${dirname(process.execPath)}:${PATH}` };
};
