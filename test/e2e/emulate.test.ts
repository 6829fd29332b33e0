import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { parse } from "yaml";
import { variablesOf } from "../../src/emulator/published.ts";
import { BIN, type BinChild, type BinOptions, cleanEnv, runBin, startBin } from "../support/bin.ts";
import { closeBrowserAtEnd, openPage } from "../support/browser.ts";
import { folderWith } from "../support/files.ts";
import { lacks } from "../support/needs.ts";
import { tempFolder } from "../support/run.ts";
import { freePort } from "../support/target.ts";

closeBrowserAtEnd();

async function emulate(argv: readonly string[] = [], options: BinOptions = {}) {
  const child = startBin(["emulate", "--port", "0", ...argv], options);
  const [url] = await child.said(/http:\/\/127\.0\.0\.1:\d+/);
  return { child, url };
}

async function call(url: string, name: string, body?: unknown) {
  const request = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
  // biome-ignore lint/suspicious/noExplicitAny: the tests say what they expect in it
  return (await (await fetch(`${url}/_emulator/${name}`, request)).json()) as any;
}
const createLead = (url: string, Last_Name: string) =>
  call(url, "records", {
    ...{ product: "crm", module: "Leads", action: "create" },
    data: { Last_Name, Company: "Acme" },
  });
const leadsOf = async (url: string): Promise<readonly string[]> =>
  (await call(url, "records?product=crm&module=Leads")).records.map(
    ({ Last_Name }: { Last_Name: string }) => Last_Name,
  );

async function interrupted(child: BinChild) {
  child.kill("SIGINT");
  return child.ended;
}

it.skipIf(lacks("posix"))("prints variables for a shell and for node --env-file", () => {
  const cwd = tempFolder();
  const node = (argv: string) => `'${process.execPath}' ${argv}`;
  const shown =
    "'Object.entries(process.env).filter(([n]) => n.startsWith(`ZOHO_`)).map((e) => e.join(`=`)).sort().join()'";
  const commands = [
    `(export $(${node(`'${BIN}'`)} emulate --env --port 4481); ${node(`-p ${shown}`)})`,
    `(set -a; eval "$(${node(`'${BIN}'`)} emulate --env --port 4481)"; ${node(`-p ${shown}`)})`,
    `${node(`'${BIN}'`)} emulate --env --port 4481 > zoho.env; ${node(`--env-file=zoho.env -p ${shown}`)}`,
  ];
  const expected = Object.entries(variablesOf("http://127.0.0.1:4481"))
    .map((each) => each.join("="))
    .sort()
    .join();
  for (const command of commands) {
    const env = cleanEnv({ ZOHO_HOOKS_TRUST: undefined, ZOHO_KEYRING: undefined });
    const { stdout } = spawnSync("/bin/sh", ["-c", command], { cwd, env, encoding: "utf8" });
    expect(stdout.trim()).toBe(expected);
  }
});

describe("a running emulator", () => {
  it.skipIf(lacks("posix"))("goes on while nobody reads its output, and says that lines are dropped", async () => {
    const child = spawn(process.execPath, [BIN, "emulate", "--port", "0", "--json"], {
      env: cleanEnv(),
      stdio: "pipe",
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    let err = "";
    child.stderr.on("data", (bytes: Buffer) => {
      err += bytes.toString();
    });
    const [shown] = (await once(child.stdout, "data")) as [Buffer];
    const [url = ""] = /http:\/\/127\.0\.0\.1:\d+/.exec(shown.toString()) ?? [];
    child.stdout.pause();
    const query = "x".repeat(10_000);
    while (!err.includes("the output is not being read fast enough"))
      expect((await fetch(`${url}/crm/v8/Leads?${query}`)).status).toBe(401);
    child.stdout.resume();
    child.kill("SIGINT");
    expect(await once(child, "close")).toEqual([0, null]);
  });

  it("ends with 0 at Ctrl-C, and the next one has what it held", async () => {
    const cwd = tempFolder();
    const first = await emulate(["--state", "zoho.json"], { cwd });
    await createLead(first.url, "Doe");
    expect(await interrupted(first.child)).toMatchObject({ status: 0 });
    const second = await emulate(["--state", "zoho.json"], { cwd });
    expect(await leadsOf(second.url)).toEqual(["Doe"]);
    await interrupted(second.child);
  });

  it("leaves a whole file when it is killed, and no lock that holds", async () => {
    const cwd = tempFolder();
    const path = join(cwd, "zoho.json");
    const { child, url } = await emulate(["--state", "zoho.json"], { cwd });
    for (let i = 0; i < 300; i++) await createLead(url, `Doe ${i}`);
    await expect.poll(() => readFileSync(path, "utf8"), { timeout: 4000 }).toContain("Doe 299");
    for (let i = 300; i < 400; i++) void createLead(url, `Doe ${i}`).catch(() => undefined);
    child.kill("SIGKILL");
    await child.ended;
    expect(existsSync(`${path}.lock`)).toBe(true);
    const next = await emulate(["--state", "zoho.json"], { cwd });
    expect((await call(next.url, "state")).modules).toContainEqual(
      expect.objectContaining({ name: "Leads", count: expect.any(Number) }),
    );
    expect(await leadsOf(next.url)).toContain("Doe 299");
    await interrupted(next.child);
  });

  it.skipIf(lacks("posix"))("serves on when its file may not grow, says so once, and exits with 2", async () => {
    const cwd = tempFolder();
    // Limits files to 8 kB, which looks like a full disk.
    const { child, url } = await emulate(["--state", "zoho.json"], { cwd, limit: "ulimit -f 16" });
    for (let i = 0; i < 100; i++) await createLead(url, `Doe ${i}`);
    await child.said(/warning: .*zoho\.json cannot be written/);
    await createLead(url, "Roe");
    expect(await leadsOf(url)).toContain("Roe");
    const { status, stderr } = await interrupted(child);
    expect([status, stderr.match(/warning: /g)?.length]).toEqual([2, 1]);
    expect(() => JSON.parse(readFileSync(join(cwd, "zoho.json"), "utf8"))).not.toThrow();
  });

  it("drops old requests beyond 64 MB, and says so once", async () => {
    const { child, url } = await emulate(["--quiet"]);
    const body = "x".repeat(4_000_000);
    for (let i = 0; i < 20; i++) await (await fetch(`${url}/oauth/v2/token`, { method: "POST", body })).text();
    const { requests, dropped } = await call(url, "state");
    expect([requests[0].n, requests.length, dropped.requests]).toEqual([20, 16, 4]);
    const { status, stderr } = await interrupted(child);
    expect([status, stderr.match(/only the newest 10,000/g)?.length]).toEqual([0, 1]);
  });
});

/** From the start of the emulator to the event line: 1 s on two cores. */
const MAX_FIRST_DELIVERY_MS = 8_000;

it("takes a newcomer to the first verified delivery, without an account", async () => {
  const startedAt = performance.now();
  const { child, url } = await emulate();
  const { stdout } = await runBin(["emulate", "--env", "--port", new URL(url).port]);
  const variables = Object.fromEntries(
    stdout
      .trim()
      .split("\n")
      .map((line) => line.split("=")),
  );
  const cwd = tempFolder();
  const listen = startBin(["listen", "--port", "0", "--channel", "Leads.create", "--json"], { cwd, env: variables });
  await listen.shown(/"type":"ready"/);
  await createLead(url, "Doe");
  const [line] = await listen.shown(/^\{.*"type":"event".*$/m);
  expect(performance.now() - startedAt).toBeLessThan(MAX_FIRST_DELIVERY_MS);
  expect(JSON.parse(line)).toMatchObject({
    ...{ product: "crm", event: "Leads.create", status: 200 },
    signatures: [{ id: "token", result: "verified" }],
  });
  const renewed = await runBin(["channels", "renew", "--json"], { cwd, env: variables });
  expect([renewed.status, JSON.parse(renewed.stdout)]).toMatchObject([0, { type: "channel", state: "renewed" }]);
  expect(await interrupted(listen)).toMatchObject({ status: 0 });
  expect((await call(url, "state")).subscriptions).toEqual([]);
  await interrupted(child);
});

describe.skipIf(lacks("chromium"))("login --browser", { timeout: 60_000 }, () => {
  async function signIn(button: "Accept" | "Reject") {
    const { child, url } = await emulate();
    const { ZOHO_REFRESH_TOKEN: _, ...variables } = variablesOf(url);
    const login = startBin(["login", "--browser", "--port", "0"], { env: { ...variables, BROWSER: "none" } });
    const [consent] = await login.said(/http:\S+\/oauth\/v2\/auth\?\S+/);
    const page = await openPage();
    await page.goto(consent);
    expect(await page.locator("li").allTextContents()).toContain("ZohoCRM.notifications.ALL");
    await page.getByRole("button", { name: button }).click();
    const ended = await login.ended;
    await interrupted(child);
    return ended;
  }

  it("is signed in when the user accepts on the consent page", async () => {
    const { status, stdout } = await signIn("Accept");
    expect([status, stdout]).toEqual([0, expect.stringContaining("signed in")]);
  });

  it("says that the user rejected", async () => {
    const { status, stderr } = await signIn("Reject");
    expect([status, stderr]).toEqual([6, expect.stringContaining("Zoho did not grant access: access_denied")]);
  });
});

it("starts as the service of docs/emulator.md does, and is healthy", async () => {
  const page = readFileSync(join(import.meta.dirname, "../../docs/emulator.md"), "utf8");
  const { zoho, app } = parse(/```yaml skip\n([\s\S]*?)```/.exec(page)?.[1] ?? "").services;
  const [port, cwd] = [
    String(await freePort()),
    folderWith({ "seed.json": '{"crm": {"Leads": [{"Last_Name": "Doe"}]}}' }),
  ];
  // In the image, the seed is mounted at the root, and the port is the container's own.
  const here = (text: string) => text.replace("4480", port).replace("/seed.json", "seed.json");
  const argv = zoho.command.map((each: string) => (each.startsWith("http") ? each : here(each)));
  const child = startBin(argv, { cwd });
  await child.said(/Ready\. A Zoho for development is at http:\/\/zoho:4480\n/);
  const health = await fetch(here(zoho.healthcheck.test.at(-1)));
  expect(health.status).toBe(200);
  expect(await leadsOf(`http://127.0.0.1:${port}`)).toEqual(["Doe"]);
  const command = /zoho-hooks (emulate --env .*) > zoho\.env/.exec(page)?.[1]?.split(" ") ?? [];
  expect(app.env_file).toBe("zoho.env");
  expect((await runBin(command, { cwd })).stdout).toContain("ZOHO_API_URL=http://zoho:4480\n");
  await interrupted(child);
});
