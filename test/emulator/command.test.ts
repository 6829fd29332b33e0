import { createPublicKey } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { PUBLISHED, publishedKey } from "../../src/emulator/published.ts";
import { emptyState } from "../../src/emulator/services/index.ts";
import { folderWith } from "../support/files.ts";
import { startCommand, startListener } from "../support/listener.ts";
import { foreignFolder } from "../support/person.ts";
import { leakedIn, plantedEnv, plantedProject } from "../support/planted-secrets.ts";
import { type RunOptions, run, tempFolder } from "../support/run.ts";
import { freePort, startTarget } from "../support/target.ts";

async function emulate(argv: readonly string[] = [], options: RunOptions = {}) {
  const emulator = await startCommand("emulate", ["--port", "0", ...argv], "emulator", options);
  onTestFinished(async () => void (await emulator.stop()));
  const url = String(emulator.ready.url);
  const call = async (name: string, body?: unknown) => {
    const request = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
    return jsonOf(`${url}/_emulator/${name}`, request);
  };
  return { ...emulator, url, call };
}
// biome-ignore lint/suspicious/noExplicitAny: the tests say what they expect in it
const jsonOf = async (url: string, request: RequestInit = {}) => (await (await fetch(url, request)).json()) as any;

type Emulate = Awaited<ReturnType<typeof emulate>>;

/** Shows the lines for a person, at a terminal, of what `use` does to it. */
async function shown(use: (url: string) => Promise<unknown>, options: RunOptions = {}) {
  const interrupt = new AbortController();
  let url = "";
  let isReady = (_url: string): void => {};
  const ready = new Promise<string>((resolve) => {
    isReady = resolve;
  });
  const ended = run(["emulate", "--port", "0"], {
    ...options,
    signal: interrupt.signal,
    onErr(text) {
      url ||= /http:\/\/[\w.:]+/.exec(text)?.[0] ?? "";
      if (url !== "") isReady(url);
    },
  });
  await use(await ready);
  interrupt.abort();
  return ended;
}

async function startApp() {
  const app = await startTarget();
  onTestFinished(() => app.close());
  return app;
}

const lead = (name: string) => ({
  ...{ product: "crm", module: "Leads", action: "create" },
  data: { Last_Name: name, Company: "Acme" },
});
const leadsOf = async ({ call }: Emulate): Promise<readonly string[]> =>
  (await call("records?product=crm&module=Leads")).records.map(({ Last_Name }: { Last_Name: string }) => Last_Name);

describe("emulate", () => {
  it("says where it is and what to try in five lines, shows what happens, and ends with 0", async () => {
    const app = await startApp();
    const { exitCode, out, err } = await shown(async (url) => {
      const form = { client_id: PUBLISHED.clientId, client_secret: PUBLISHED.clientSecret };
      const body = new URLSearchParams({
        ...form,
        grant_type: "refresh_token",
        refresh_token: PUBLISHED.refreshToken,
      });
      const { access_token } = await jsonOf(`${url}/oauth/v2/token`, { method: "POST", body });
      await fetch(`${url}/crm/v8/rovers?access_token=s3cret`, {
        headers: { authorization: `Zoho-oauthtoken ${access_token}` },
      });
      const order = JSON.stringify({ product: "crm", event: "Leads.create", to: app.url });
      await fetch(`${url}/_emulator/deliver`, { method: "POST", body: order });
      while ((await jsonOf(`${url}/_emulator/deliveries`)).deliveries.length === 0);
    });
    expect(exitCode).toBe(0);
    const port = /:(\d+)/.exec(err)?.[1];
    expect(err.trimEnd().split("\n")).toEqual([
      `Ready. A Zoho for development is at http://127.0.0.1:${port}`,
      `  page         http://127.0.0.1:${port}/`,
      `  variables    export $(zoho-hooks emulate --env --port ${port})`,
      "  try it       zoho-hooks listen 3000 --channel Leads.create",
      `  faults       zoho-hooks emulate fail 429 --url http://127.0.0.1:${port}`,
    ]);
    const lines = out
      .trimEnd()
      .replace(/\d\d:\d\d:\d\d/g, "00:00:00")
      .replace(/ +[\d.]+ ms/g, " 0 ms")
      .split("\n");
    expect(lines).toEqual([
      "00:00:00 POST   → 200 0 ms  /oauth/v2/token",
      "00:00:00 GET    → 404 0 ms  /crm/v8/rovers?access_token=[masked]",
      "         the emulator does not have GET /crm/v8/rovers: see zoho-hooks help emulator, or answer it yourself:",
      `         curl -d '{"method":"GET","path":"/crm/v8/rovers","status":200,"body":{}}' http://127.0.0.1:${port}/_emulator/answer`,
      `00:00:00 #1     → 200 0 ms crm     Leads.create      ${app.url}`,
    ]);
  });

  it("names a field that is not one of the module's once", async () => {
    const { err } = await shown(async (url) => {
      const misspelt = { ...lead("Doe"), data: { Last_Name: "Doe", Emial: "a@example.com" } };
      for (let i = 0; i < 2; i++)
        await fetch(`${url}/_emulator/records`, { method: "POST", body: JSON.stringify(misspelt) });
    });
    expect(err.match(/Leads has no field Emial; if it is yours, put it in the seed/g)).toHaveLength(1);
  });

  it("prints a line of JSON for the start, each request and each delivery", async () => {
    const app = await startApp();
    const emulator = await emulate();
    await fetch(`${emulator.url}/oauth/serverinfo?a=b`);
    await emulator.call("deliver", { product: "sign", event: "RequestCompleted", to: app.url });
    expect(emulator.ready).toMatchObject({ v: 1, env: { ZOHO_API_URL: emulator.url } });
    expect(await emulator.line("emulated_request")).toEqual({
      ...{ v: 1, type: "emulated_request", at: expect.stringMatching(/Z$/), n: 1, method: "GET" },
      ...{ path: "/oauth/serverinfo?a=b", status: 200, latency_ms: expect.any(Number), lacks: null, hint: null },
    });
    expect(await emulator.line("emulated_delivery")).toEqual({
      ...{ v: 1, type: "emulated_delivery", at: expect.stringMatching(/Z$/), n: 1, product: "sign" },
      ...{ event: "RequestCompleted", url: app.url, status: 200, latency_ms: expect.any(Number) },
      ...{ error: null, hint: null, fault: null, again: null },
    });
    expect((await emulator.stop()).exitCode).toBe(0);
  });

  it("signs with no secret of the user, and names the variables that the receiver lacks", async () => {
    const cwd = plantedProject();
    const publicKey = createPublicKey(plantedEnv.ZOHO_WEBHOOK_PRIVATE_KEY).export({ type: "spki", format: "pem" });
    writeFileSync(join(cwd, "private.pem"), plantedEnv.ZOHO_WEBHOOK_PRIVATE_KEY);
    writeFileSync(join(cwd, "public.pem"), publicKey);
    writeFileSync(join(cwd, ".env"), "ZOHO_WEBHOOK_PRIVATE_KEY=private.pem\nZOHO_WEBHOOK_PUBLIC_KEY=public.pem\n");
    const { ZOHO_WEBHOOK_PRIVATE_KEY: _, ...env } = plantedEnv;
    const emulator = await emulate([], { cwd, env });
    const listen = await startListener(["--tunnel", "none"], { cwd, env });
    onTestFinished(async () => void (await listen.stop()));
    const command = `export $(zoho-hooks emulate --env --port ${new URL(emulator.url).port})`;
    const hint = `if the receiver lacks the emulator's secrets, start it again after ${command}`;
    for (const [product, event] of [
      ["crm", "Leads.create"],
      ["books", "invoice"],
      ["sign", "RequestCompleted"],
      ["mail", "message"],
      ["salesiq", "conversation.created"],
    ]) {
      await emulator.call("deliver", { product, event, to: `${listen.url}/webhooks/zoho/${product}` });
      expect(await emulator.line("emulated_delivery", { product })).toMatchObject({ status: 401, hint });
    }
    const { deliveries } = await emulator.call("deliveries");
    expect(leakedIn(JSON.stringify(deliveries))).toEqual([]);
  });

  it("leaves a refusal alone that the variables do not cause", async () => {
    const app = await startTarget((response) => void response.writeHead(403).end());
    onTestFinished(() => app.close());
    const emulator = await emulate();
    const answers = [
      ["forms", "form_submitted", null],
      ["desk", "Ticket_Add", null],
      ["sign", "RequestCompleted", expect.any(String)],
    ];
    for (const [product, event, hint] of answers) {
      await emulator.call("deliver", { product, event, to: app.url });
      expect(await emulator.line("emulated_delivery", { product })).toMatchObject({ status: 403, hint });
    }
    await emulator.call("deliveries/3/again", {});
    expect(await emulator.line("emulated_delivery", { again: 3 })).toMatchObject({ hint: expect.any(String) });
  });

  it("asks no question about trust, since it runs no code of the folder", async () => {
    const cwd = foreignFolder({ "zoho-hooks.config.json": '{"forwardTo": ["https://other.example/hook"]}' });
    const asked = await run(["events", "list"], { cwd, env: { ZOHO_HOOKS_TRUST: undefined } });
    expect(asked.err).toContain("zoho-hooks trust");
    const emulator = await emulate([], { cwd, env: { ZOHO_HOOKS_TRUST: undefined } });
    expect((await emulator.stop()).exitCode).toBe(0);
  });

  it("names the way out, and who it is, where the port that the user chose is taken", async () => {
    const app = await startApp();
    const { exitCode, err } = await run(["emulate", "--port", String(app.port)]);
    const message = `port ${app.port} on 127.0.0.1 is in use by another program\n`;
    expect([exitCode, err]).toEqual([2, expect.stringContaining(message)]);
    expect(err).toContain("--port 0 for any free one");
    const cwd = tempFolder();
    const { port } = new URL((await emulate([], { cwd })).url);
    for (const argv of [["emulate"], ["listen", "--no-store"]])
      expect((await run([...argv, "--port", port])).err).toContain(
        `port ${port} on 127.0.0.1 is in use by another zoho-hooks emulate, process ${process.pid} in ${realpathSync(cwd)}\n`,
      );
  });

  it("takes another port where the usual one is taken, unless one runs in this folder", async () => {
    // Unless something else has it, such as an emulator of the machine's user.
    const occupant = createServer((socket) => socket.destroy()).listen(4480, "127.0.0.1");
    onTestFinished(() => void occupant.close());
    await once(occupant, "listening").catch(() => undefined);
    const cwd = tempFolder();
    const emulator = await startCommand("emulate", [], "emulator", { cwd });
    onTestFinished(async () => void (await emulator.stop()));
    const url = String(emulator.ready.url);
    expect(Number(new URL(url).port)).toBeGreaterThan(4480);
    expect(await emulator.line("warning")).toMatchObject({
      message: expect.stringMatching(`port 4480 on 127.0.0.1 is in use by .*: using port ${new URL(url).port}$`),
    });
    const { exitCode, err } = await run(["emulate"], { cwd });
    expect([exitCode, err]).toEqual([2, expect.stringContaining(`; this folder's emulator is at ${url}\n`)]);
  });

  it("warns where others can reach it", async () => {
    const emulator = await emulate(["--host", "0.0.0.0"]);
    expect(await emulator.line("warning")).toMatchObject({
      message:
        "anyone who can reach 0.0.0.0 can use this emulator: its client, refresh token and secrets are published",
    });
    expect(emulator.url).toMatch(/^http:\/\/127\.0\.0\.1:/);
  });
});

describe("emulate --base-url", () => {
  it("says that address, and is found by the other commands of the folder", async () => {
    const cwd = tempFolder();
    const emulator = await startCommand("emulate", ["--port", "0", "--base-url", "http://Zoho:4480/"], "emulator", {
      cwd,
    });
    onTestFinished(async () => void (await emulator.stop()));
    expect(emulator.ready).toMatchObject({ url: "http://zoho:4480", env: { ZOHO_API_URL: "http://zoho:4480" } });
    const { exitCode, err } = await run(["emulate", "reset"], { cwd });
    expect([exitCode, err]).toEqual([0, `the emulator of ${realpathSync(cwd)} is empty\n`]);
    const printed = await run(["emulate", "--env", "--base-url", "http://zoho:4480"], { cwd });
    expect([printed.out, printed.err]).toEqual([expect.stringContaining("ZOHO_API_URL=http://zoho:4480\n"), ""]);
  });

  it.each([
    ["zoho:4480", '--base-url: "zoho:4480" is not a URL\n  write it as http://zoho:4480'],
    [
      "http://zoho:4480/api?a=b",
      "--base-url has more than a scheme, a host and a port\n  write it as http://zoho:4480",
    ],
    ["http://me:pw@zoho:4480", "--base-url has more than a scheme, a host and a port\n  write it as http://zoho:4480"],
  ])("refuses %s", async (url, message) => {
    const { exitCode, err } = await run(["emulate", "--port", "0", "--base-url", url]);
    expect([exitCode, err]).toEqual([2, expect.stringContaining(message)]);
  });
});

describe("emulate --env", () => {
  const variables = (url: string) => ({
    ZOHO_ACCOUNTS_URL: url,
    ZOHO_API_URL: url,
    ZOHO_DC: "us",
    ZOHO_CLIENT_ID: PUBLISHED.clientId,
    ZOHO_CLIENT_SECRET: PUBLISHED.clientSecret,
    ZOHO_REFRESH_TOKEN: PUBLISHED.refreshToken,
    ZOHO_WEBHOOK_SECRET: PUBLISHED.secret,
    ZOHO_WEBHOOK_TOKEN: PUBLISHED.token,
    ZOHO_WEBHOOK_HOOK_SECRET: PUBLISHED.hookSecret,
    ZOHO_WEBHOOK_PUBLIC_KEY: publishedKey.export({ type: "spki", format: "der" }).toString("base64"),
  });

  it.each([
    [[], "http://127.0.0.1:4480"],
    [["--port", "4481"], "http://127.0.0.1:4481"],
    [["--host", "::"], "http://[::1]:4480"],
    [["--host", "zoho.test"], "http://zoho.test:4480"],
  ])("prints dotenv lines with %j, also with other variables set", async (argv, url) => {
    const env = { ZOHO_REFRESH_TOKEN: PUBLISHED.refreshToken, ZOHO_CLIENT_SECRET: "another-client-secret" };
    const { exitCode, out } = await run(["emulate", "--env", ...argv], { env });
    const lines = Object.entries(variables(url)).map(([name, value]) => `${name}=${value}\n`);
    expect([exitCode, out]).toEqual([0, lines.join("")]);
    const { lines: json } = await run(["emulate", "--env", "--json", ...argv]);
    expect(json()[0]).toEqual({ v: 1, type: "emulator", url, env: variables(url) });
  });

  it("prints the address of the emulator that runs in this folder, at any port", async () => {
    const cwd = folderWith({ "zoho-hooks.config.json": "{}", "src/app.js": "" });
    const emulator = await emulate([], { cwd });
    const { out, err } = await run(["emulate", "--env"], { cwd });
    expect([out, err]).toEqual([expect.stringContaining(`ZOHO_API_URL=${emulator.url}\n`), ""]);
    // Below it, with the same user folder.
    const env = { XDG_CONFIG_HOME: join(cwd, ".config") };
    const below = { cwd: join(cwd, "src"), env };
    expect((await run(["emulate", "--env"], below)).out).toContain(`ZOHO_API_URL=${emulator.url}\n`);
    const { port } = new URL(emulator.url);
    const inContainer = await run(["emulate", "--env", "--host", "host.docker.internal"], { cwd });
    expect([inContainer.out, inContainer.err]).toEqual([
      expect.stringContaining(`ZOHO_API_URL=http://host.docker.internal:${port}\n`),
      "",
    ]);
    expect(await emulator.stop()).toMatchObject({ exitCode: 0 });
    expect(readdirSync(join(cwd, ".config/zoho-hooks/emulators"))).toEqual([]);
    expect((await run(["emulate", "--env"], { cwd })).out).toContain("ZOHO_API_URL=http://127.0.0.1:4480\n");
  });

  it("says when no emulator answers there, and when it is another folder's", async () => {
    const free = String(await freePort());
    const { exitCode, out, err } = await run(["emulate", "--env", "--port", free]);
    expect([exitCode, out]).toEqual([0, expect.stringContaining(`ZOHO_API_URL=http://127.0.0.1:${free}\n`)]);
    expect(err).toBe(
      `warning: no emulator answers at http://127.0.0.1:${free}\n  start it: zoho-hooks emulate --port ${free}\n`,
    );
    const cwd = tempFolder();
    const { url } = await emulate([], { cwd });
    const other = await run(["emulate", "--env", "--port", new URL(url).port]);
    expect(other.err).toBe(`${url} is the emulator of ${realpathSync(cwd)}\n`);
  });
});

describe("on a running one", () => {
  it("fail, advance and reset do what they say", async () => {
    const cwd = tempFolder();
    const emulator = await emulate([], { cwd });
    const at = ["--url", emulator.url];
    const name = `the emulator of ${realpathSync(cwd)}`;
    const status = async () => (await fetch(`${emulator.url}/oauth/serverinfo`)).status;
    const failing = await run(["emulate", "fail", "503", "--times", "2", ...at]);
    expect([failing.exitCode, failing.err]).toEqual([0, `the next 2 answers of ${name}: 503\n`]);
    expect([await status(), await status(), await status()]).toEqual([503, 503, 200]);

    expect((await run(["emulate", "fail", "twice", ...at])).err).toBe(`the next delivery of ${name}: twice\n`);
    const app = await startApp();
    await emulator.call("deliver", { product: "crm", event: "Leads.create", to: app.url });
    await emulator.line("emulated_delivery", { fault: "twice" }, 2);
    expect(app.seen).toHaveLength(2);

    await emulator.call("records", lead("Doe"));
    const { records } = await emulator.call("records?product=crm&module=Leads");
    expect((await run(["emulate", "advance", "6d", ...at])).exitCode).toBe(0);
    const aged = await emulator.call("records?product=crm&module=Leads");
    const time = (record: { Created_Time: string }) => Date.parse(record.Created_Time);
    expect(time(records[0]) - time(aged.records[0])).toBe(6 * 86_400_000);

    const emptied = await run(["emulate", "reset", ...at]);
    expect([emptied.exitCode, emptied.err]).toEqual([0, `${name} is empty\n`]);
    expect(await leadsOf(emulator)).toEqual([]);
  });

  it("go to --url, else to ZOHO_API_URL on this machine, else to this folder's", async () => {
    const [cwd, otherFolder, namedFolder] = [tempFolder(), tempFolder(), tempFolder()];
    await emulate([], { cwd });
    const exported = await emulate([], { cwd: otherFolder });
    const named = await emulate([], { cwd: namedFolder });
    const reset = async (env: Record<string, string>, ...argv: string[]) =>
      (await run(["emulate", "reset", ...argv], { cwd, env })).err;
    const name = (folder: string) => `the emulator of ${realpathSync(folder)} is empty\n`;
    expect(await reset({})).toBe(name(cwd));
    expect(await reset({ ZOHO_API_URL: "https://www.zohoapis.com" })).toBe(name(cwd));
    expect(await reset({ ZOHO_API_URL: exported.url })).toBe(name(otherFolder));
    expect(await reset({ ZOHO_API_URL: exported.url }, "--url", named.url)).toBe(name(namedFolder));
  });

  it("leave the emulator of another folder alone", async () => {
    const other = await emulate();
    await other.call("records", lead("Doe"));
    const { exitCode, err } = await run(["emulate", "reset"]);
    expect([exitCode, err]).toEqual([5, expect.stringMatching(/^error: no emulator runs in /)]);
    expect(err).toContain("--url");
    expect(await leadsOf(other)).toEqual(["Doe"]);
  });

  it("say that none runs", async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    for (const argv of [["fail", "429"], ["advance", "1d"], ["reset"]]) {
      const { exitCode, err } = await run(["emulate", ...argv, "--url", url]);
      expect([exitCode, err]).toEqual([5, expect.stringContaining(`no emulator answers at ${url}: `)]);
      expect(err).toContain("start one with zoho-hooks emulate");
    }
    const app = await startApp();
    const { exitCode, err } = await run(["emulate", "reset", "--url", app.url]);
    expect([exitCode, err]).toEqual([5, expect.stringContaining("it answered with HTTP 200")]);
    const exported = await run(["emulate", "reset"], { env: { ZOHO_API_URL: url } });
    expect(exported.err).toContain(`no emulator answers at ${url} (ZOHO_API_URL): `);
  });

  it.each([
    [["fail", "slow"], 'answer: "slow" is not a status from 400 to 599, silence, cut or a delay such as 3s'],
    [["fail", "200"], "answer: 200 is not a status from 400 to 599"],
    [["fail", "429", "--times", "0"], "--times"],
    [["fail", "lost", "--retry-after", "5s"], "retryAfter is not for a fault of kind delivery"],
    [["fail", "429", "--retry-after", "5"], 'retryAfter: "5" is not a duration'],
    [["advance", "6"], 'by: "6" is not a duration'],
    [["reset", "--url", "4480"], '--url: "4480" is not a URL'],
  ])("refuse %j", async (argv, message) => {
    const { url } = await emulate();
    const at = argv.includes("--url") ? [] : ["--url", url];
    const { exitCode, err } = await run(["emulate", ...argv, ...at]);
    expect([exitCode, err]).toEqual([2, expect.stringContaining(message)]);
  });
});

/** A kept state with other members of a service. */
const stateWith = (service: string, members: object): string => {
  const { accounts, services } = emptyState();
  const changed = { ...services, [service]: { ...Object(services[service]), ...members } };
  return JSON.stringify({ type: "zoho-hooks emulator", v: 1, state: { accounts, services: changed } });
};

describe("--state", () => {
  it("keeps records, channels and tokens for the next one", async () => {
    const cwd = tempFolder();
    const first = await emulate(["--state", "zoho.json"], { cwd });
    await first.call("records", lead("Doe"));
    const { code } = await first.call("code", { scope: "Desk.basic.READ" });
    await first.stop();
    expect(existsSync(join(cwd, "zoho.json.lock"))).toBe(false);
    const second = await emulate(["--state", "zoho.json"], { cwd });
    expect(await leadsOf(second)).toEqual(["Doe"]);
    const form = { client_id: PUBLISHED.clientId, client_secret: PUBLISHED.clientSecret };
    const body = new URLSearchParams({ ...form, grant_type: "authorization_code", code });
    const granted = await fetch(`${second.url}/oauth/v2/token`, { method: "POST", body });
    expect(await granted.json()).toMatchObject({ scope: "Desk.basic.READ" });
  });

  it("is written while it runs, whole", async () => {
    const cwd = tempFolder();
    const emulator = await emulate(["--state", "zoho.json"], { cwd });
    await emulator.call("records", lead("Doe"));
    const path = join(cwd, "zoho.json");
    await expect.poll(() => JSON.stringify(JSON.parse(readFileSync(path, "utf8"))), { timeout: 4000 }).toContain("Doe");
  });

  it("is used by one emulator at a time", async () => {
    const cwd = tempFolder();
    await emulate(["--state", "zoho.json"], { cwd });
    const { exitCode, err } = await run(["emulate", "--port", "0", "--state", "zoho.json"], { cwd });
    expect([exitCode, err]).toEqual([2, expect.stringContaining("another emulator uses")]);
  });

  it.each([
    ["{", "not valid JSON"],
    ["[]", "is not a state of zoho-hooks emulate"],
    ['{"name":"my-app"}', "is not a state of zoho-hooks emulate"],
    ['{"type":"zoho-hooks emulator","v":9}', "is of another version of zoho-hooks (9, not 1)"],
    ['{"type":"zoho-hooks emulator","v":1}', "is damaged: state is missing or of another type"],
    ['{"type":"zoho-hooks emulator","v":1,"state":{"accounts":[]}}', "state.accounts is missing"],
    [stateWith("crm", { watch: { rows: [{ product: "crm" }] } }), "services.crm.watch.rows[0].channelId is missing"],
    [
      stateWith("crm", { records: { crm: { Leads: { live: { 1: null }, deleted: [] } } } }),
      'records.crm.Leads.live["1"] is',
    ],
    [stateWith("desk", { tables: { tickets: [] } }), "state.services.desk.tables.tickets is missing"],
    [stateWith("crm", { nextId: "x" }), "state.services.crm.nextId is missing"],
  ])("leaves a file as it is that holds %s", async (content, message) => {
    const cwd = folderWith({ "zoho.json": content });
    const { exitCode, err } = await run(["emulate", "--port", "0", "--state", "zoho.json"], { cwd });
    expect([exitCode, err]).toEqual([2, expect.stringContaining(message)]);
    expect(err).toContain("it was left as it is");
    expect(readFileSync(join(cwd, "zoho.json"), "utf8")).toBe(content);
    expect(existsSync(join(cwd, "zoho.json.lock"))).toBe(false);
  });

  it("reports a file that cannot be written before it starts", async () => {
    const cwd = folderWith({ file: "" });
    mkdirSync(join(cwd, "zoho.json"));
    for (const path of ["file/zoho.json", "zoho.json"]) {
      const { exitCode, err } = await run(["emulate", "--port", "0", "--state", path], { cwd });
      expect([exitCode, err]).toEqual([2, expect.stringMatching(/zoho\.json(\.lock)? (cannot|could not) be /)]);
    }
  });
});

describe("--seed", () => {
  it("creates the records before the first request, and sends nothing", async () => {
    const leads = [lead("Doe").data, lead("Roe").data];
    const cwd = folderWith({ "seed.json": JSON.stringify({ crm: { Leads: leads }, bigin: {} }) });
    const emulator = await emulate(["--seed", "seed.json"], { cwd });
    expect(await leadsOf(emulator)).toEqual(["Roe", "Doe"]);
    expect(emulator.lines().map(({ type }) => type)).toEqual(["emulator"]);
  });

  it("is used at a reset only where the state has been kept", async () => {
    const cwd = folderWith({ "seed.json": JSON.stringify({ crm: { Leads: [lead("Doe").data] } }) });
    const argv = ["--seed", "seed.json", "--state", "zoho.json"];
    await (await emulate(argv, { cwd })).stop();
    const emulator = await emulate(argv, { cwd });
    expect(await leadsOf(emulator)).toEqual(["Doe"]);
    expect(await emulator.line("warning")).toMatchObject({
      message: "zoho.json is not empty: seed.json is used at the next reset",
    });
    await emulator.call("records", lead("Roe"));
    const { err } = await run(["emulate", "reset", "--url", emulator.url], { cwd });
    expect(err).toBe(`the emulator of ${realpathSync(cwd)} is back at its seed\n`);
    expect(await leadsOf(emulator)).toEqual(["Doe"]);
  });

  it("leaves nothing of a file with a mistake, and is read once that is mended", async () => {
    const right = JSON.stringify({ crm: { Leads: [lead("Doe").data] } });
    const cwd = folderWith({ "seed.json": right.replace("]}", ',{"Company":"Acme"}]}') });
    const argv = ["--seed", "seed.json", "--state", "zoho.json"];
    expect((await run(["emulate", "--port", "0", ...argv], { cwd })).err).toContain("MANDATORY_NOT_FOUND");
    writeFileSync(join(cwd, "seed.json"), right);
    expect(await leadsOf(await emulate(argv, { cwd }))).toEqual(["Doe"]);
  });

  it.each([
    ["{", /seed\.json:1:2: not valid JSON/],
    ["[]", /seed\.json:1:1: the file: it is not an object of products/],
    ['{\n"mars": {}}', /seed\.json:2:\d+: mars: the emulator has no records of "mars"/],
    ['{"crm": []}', /crm: it is not an object of modules/],
    ['{"crm": {"Leads": {}}}', /crm\.Leads: it is not a list of records/],
    ['{"crm": {"Leads": [{"Last_Name": "Doe"},\n3]}}', /seed\.json:2:1: crm\.Leads\.1: it is not an object/],
    ['{"crm": {"Leads": [\n{"Company": "Acme"}]}}', /seed\.json:2:1: crm\.Leads\.0: .*MANDATORY_NOT_FOUND.*Last_Name/],
    ['{"crm": {"Rovers": [{}]}}', /crm\.Rovers\.0: .*INVALID_MODULE/],
  ])("with a mistake does not start: %s", async (content, message) => {
    const cwd = folderWith({ "seed.json": content });
    const { exitCode, err } = await run(["emulate", "--port", "0", "--seed", "seed.json"], { cwd });
    expect([exitCode, err]).toEqual([2, expect.stringMatching(message)]);
  });

  it("has to exist", async () => {
    const { exitCode, err } = await run(["emulate", "--port", "0", "--seed", "seed.json"]);
    expect([exitCode, err]).toEqual([2, expect.stringContaining("seed.json: no such file")]);
  });
});
