import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { DAY_MS, MINUTE_MS } from "../../src/channels/expiry.ts";
import { loadEngine } from "../../src/log/sqlite/engine.ts";
import { openLog } from "../../src/log/sqlite/log.ts";
import { type ChannelWorld, isWatch, startChannelWorld } from "../support/channel-world.ts";
import { damagePages } from "../support/damage-pages.ts";
import { folderWith } from "../support/files.ts";
import { startListener } from "../support/listener.ts";
import { newEntry } from "../support/log-entry.ts";
import { lacks, otherAddress } from "../support/needs.ts";
import { type NgrokEdge, startNgrokEdge } from "../support/ngrok-edge.ts";
import { runSql, sharedAddress } from "../support/postgres.ts";
import { type RunOptions, run } from "../support/run.ts";
import { freePort, startTarget } from "../support/target.ts";
import { startTargetApp, type TargetApp } from "../support/target-app.ts";
import { startTestTunnel } from "../support/test-tunnel.ts";
import { ALL_SCOPES } from "../support/zoho-client.ts";

const TOKEN = "token-of-the-channel";
const NGROK_TOKEN = "authtoken-of-the-test";
const POLL = { timeout: 10_000 };

let edge: NgrokEdge;
beforeAll(async () => {
  edge = await startNgrokEdge({ acceptToken: NGROK_TOKEN });
});
afterAll(() => edge.close());

/** A project in which all is well: an app, a free port, ngrok, Zoho, and a channel that posts to the app. */
let world: ChannelWorld;
let app: TargetApp;
let port: number;
let env: Record<string, string>;
beforeEach(async () => {
  world = await startChannelWorld();
  app = await startTargetApp();
  port = await freePort();
  env = {
    ...world.env,
    ZOHO_HOOKS_PORT: String(port),
  };
  config({});
  dotenv(`ZOHO_WEBHOOK_SECRET=a-secret\nZOHO_WEBHOOK_TOKEN=${TOKEN}\n`);
  await world.create("--id", "1", "--url", hook());
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await app.stop();
  await world.close();
});

const hook = (): string => `${app.url}/webhooks/zoho/crm`;
/** The agent takes a tenth of a second to load and to sign in. */
const ngrok = (variables: Record<string, string | undefined> = {}): void =>
  set({
    ZOHO_HOOKS_TUNNEL: "ngrok",
    NGROK_AUTHTOKEN: NGROK_TOKEN,
    ZOHO_HOOKS_NGROK_SERVER_ADDR: edge.serverAddr,
    ZOHO_HOOKS_NGROK_ROOT_CAS: edge.caFile,
    ...variables,
  });
const path = (name: string): string => join(world.cwd, name);

function config(settings: Record<string, unknown>): void {
  const all = { products: { crm: {} }, forwardTo: app.port, ...settings };
  writeFileSync(path("zoho-hooks.config.json"), JSON.stringify(all));
}

function dotenv(text: string, mode = 0o600): void {
  writeFileSync(path(".env"), text);
  chmodSync(path(".env"), mode);
}

function doctor(argv: readonly string[] = [], options: RunOptions = {}) {
  const { clock, cwd } = world;
  return run(["doctor", "--json", ...argv], { env, cwd, now: clock.now, sleep: clock.sleep, ...options });
}

/** The outcomes by id of what is neither fine nor left out. */
async function faults(argv?: readonly string[], options?: RunOptions) {
  const { exitCode, lines } = await doctor(argv, options);
  const bad = lines().filter(({ outcome }) => outcome === "failed" || outcome === "warning");
  expect(exitCode).toBe(bad.some(({ outcome }) => outcome === "failed") ? 8 : 0);
  expect(bad.filter(({ remedy }) => remedy === null)).toEqual([]);
  return bad.map(({ id, outcome }) => `${id} ${outcome}`);
}

async function outcomes(argv?: readonly string[], options?: RunOptions) {
  const { lines } = await doctor(argv, options);
  return Object.fromEntries(lines().flatMap(({ type, id, outcome }) => (type === "check" ? [[id, outcome]] : [])));
}

const ALL = [
  ...["node", "config", "secrets", "permissions", "log.health", "port", "app", "ngrok.token", "ngrok.reach"],
  ...["public-url", "zoho.sign-in", "zoho.scopes", "zoho.data-centre", "zoho.clock", "channels"],
];

describe("doctor", () => {
  it("finds nothing in a project in which all is well, and changes nothing in it", async () => {
    ngrok();
    const memory = readFileSync(path(".config/zoho-hooks/channels.json"), "utf8");
    const requests = world.server.requests.length;
    expect(await outcomes()).toEqual({
      ...Object.fromEntries(ALL.map((id) => [id, "passed"])),
      "public-url": "skipped",
    });
    expect(readFileSync(path(".config/zoho-hooks/channels.json"), "utf8")).toBe(memory);
    expect(existsSync(path(".zoho-hooks"))).toBe(false);
    const sent = world.server.requests.slice(requests).map(({ method, path: to }) => `${method} ${to}`);
    expect(sent.filter((each) => !/^GET .*\/actions\/watch$/.test(each))).toEqual([]);
    expect(app.seen.map(({ method, path: to }) => `${method} ${to}`).toSorted()).toEqual(["GET /healthz", "HEAD /"]);
  });

  it("shows a line for each part, and secrets nowhere", async () => {
    ngrok();
    const { clock, cwd } = world;
    const { out, err } = await run(["doctor", "-v"], { env, cwd, now: clock.now, sleep: clock.sleep });
    expect(out).toMatch(/^✓ config +zoho-hooks.config.json: products crm, forwardTo \d+; environment: port \d+, /m);
    expect(out).toMatch(
      /^✓ secrets +ZOHO_WEBHOOK_SECRET, ZOHO_WEBHOOK_TOKEN \(\.env\); no key set: desk, mail, salesiq, cliq; never signed: /m,
    );
    expect(out).toMatch(/^14 passed, 0 failed, 1 skipped$/m);
    const secrets = ["a-secret", TOKEN, NGROK_TOKEN, env.ZOHO_CLIENT_SECRET, env.ZOHO_REFRESH_TOKEN].map(String);
    expect(secrets.filter((each) => (out + err).includes(each))).toEqual([]);
  });

  it("says that no secret is set in this terminal: a running listen may have one", async () => {
    config({ products: {} });
    rmSync(path(".env"));
    rmSync(path(".config/zoho-hooks/channels.json"));
    const { lines } = await doctor();
    const line = lines().find(({ id }) => id === "secrets");
    expect(line).toMatchObject({ outcome: "warning", text: expect.stringContaining("none is set in this terminal") });
  });

  it("leaves out what needs a sign-in where there is none", async () => {
    for (const name of Object.keys(world.env)) delete env[name];
    const { exitCode, lines } = await doctor();
    expect(exitCode).toBe(0);
    const line = lines().find(({ id }) => id === "zoho.sign-in");
    expect(line).toMatchObject({ outcome: "skipped", remedy: expect.stringContaining("zoho-hooks login") });
    expect(lines().some(({ id }) => id === "channels")).toBe(false);
  });

  it("says offline what it could not ask, and fails only for what listen needs to start", async () => {
    set({ ZOHO_ACCOUNTS_URL: "https://accounts.invalid", ZOHO_API_URL: "https://api.invalid" });
    expect(await outcomes()).toMatchObject({
      "public-url": "skipped",
      "zoho.sign-in": "skipped",
      "zoho.clock": "skipped",
      channels: "skipped",
      app: "passed",
    });
    expect(await faults()).toEqual([]);
    ngrok({ ZOHO_HOOKS_NGROK_SERVER_ADDR: "agent.invalid:443" });
    expect(await faults()).toEqual(["ngrok.reach failed"]);
  });

  it("quotes the events of settings and channels in a command to copy", async () => {
    const remedy = async () => (await doctor()).lines().find(({ id }) => id === "channels.events")?.remedy;
    config({ events: ["crm:Deals.*$(id)"] });
    expect(await remedy()).toContain("channels create 'Deals.*$(id)' ");
    const channel = { channel_id: "1", resource_name: "Leads", events: ["Deals.edit;id"], notify_url: hook() };
    const body = { watch: [{ ...channel, channel_expiry: "2026-03-07T08:00:00Z", token: TOKEN }] };
    world.server.trouble({ status: 200, body }, 9, isWatch("GET"));
    expect(await remedy()).toContain("channels create 'Deals.edit;id',Leads.create --id 1 ");
  });

  it("does not take a saved access token for a sign-in that works", async () => {
    await world.channels(["list"]);
    set({ ZOHO_API_URL: "https://api.invalid" });
    const skipped = { "zoho.sign-in": "skipped", "zoho.clock": "skipped", channels: "skipped" };
    expect(await outcomes()).toMatchObject(skipped);
  });
});

/** What is done to the project, with the only finding that it causes. */
const SPOILT: Readonly<Record<string, readonly [finding: string, spoil: () => unknown]>> = {
  "a .env that others can read": ["permissions warning", () => chmodSync(path(".env"), 0o644)],
  "a .env in Git": ["permissions warning", () => git("add", "--force", ".env")],
  "a kept secret in Git": [
    "permissions warning",
    () => {
      mkdirSync(path(".zoho-hooks/keys"), { recursive: true, mode: 0o700 });
      writeFileSync(path(".zoho-hooks/keys/hook-secrets.json"), "{}", { mode: 0o600 });
      git("add", "--force", ".zoho-hooks/keys");
    },
  ],
  "a config that is not JSON": ["config failed", () => writeFileSync(path("zoho-hooks.config.json"), "{")],
  "an unknown setting": ["config failed", () => config({ prot: 4460 })],
  "a setting of no such value": ["config failed", () => set({ ZOHO_HOOKS_RETRIES: "many" })],
  "an unknown product": ["config failed", () => config({ products: { cmr: {} } })],
  "a misspelt variable": ["config warning", () => set({ ZOHO_WEBHOOK_SECRTE: "x" })],
  "an untrusted folder": ["trust failed", () => set({ ZOHO_HOOKS_TRUST: "0" }, { forwardTo: "https://a.example/x" })],
  "an empty secret": ["secrets failed", () => dotenv("ZOHO_WEBHOOK_SECRET=\n")],
  "a key file that is not there": ["secrets failed", () => set({ ZOHO_WEBHOOK_PUBLIC_KEY: "none.pem" })],
  "no secret for a product": [
    "secrets warning",
    () => {
      config({ products: { books: {} } });
      rmSync(path(".env"));
    },
  ],
  "a log that is another file": [
    "log.health failed",
    () => store("notes.txt", () => writeFileSync(path("notes.txt"), "notes", { mode: 0o600 })),
  ],
  "a damaged log": [
    "log.health failed",
    async () => {
      await deliver(app.url);
      damagePages(path(".zoho-hooks/events.db"), "lead.created");
    },
  ],
  "a log that cannot be created": ["log.health failed", () => set({ ZOHO_HOOKS_STORE: "zoho-hooks.config.json/x.db" })],
  // Root may write to it, and cannot.
  "a log in a folder of the system": ["log.health failed", () => set({ ZOHO_HOOKS_STORE: "/proc/x/x.db" })],
  "a log that another process has locked": ["log.health failed", () => lockLog()],
  "a lock that is another file": [
    "log.health failed",
    async () => {
      await deliver(`${app.url}/webhooks/zoho/crm`);
      writeFileSync(path(".zoho-hooks/events.db-lock"), "notes");
    },
  ],
  "no log, and no room for a temporary one": [
    "log.health failed",
    () => {
      config({ store: false });
      vi.stubEnv("TMPDIR", "/proc");
    },
  ],
  "a log above its limit": [
    "log.health warning",
    async () => {
      await deliver(`http://localhost:${app.port}/webhooks/zoho/crm`);
      set({ ZOHO_HOOKS_MAX_LOG: "1kb" });
    },
  ],
  "deliveries for a target that is gone": ["log.waiting warning", () => deliver("http://localhost:1/hooks")],
  "a port of another program": ["port failed", () => set({ ZOHO_HOOKS_PORT: String(app.port) }, { forwardTo: [] })],
  "an app that is down": ["app warning", () => stopApp()],
  "a mirrored app that is down": ["app failed", () => stopApp({ respond: "mirror" })],
  "a target that is listen itself": ["app failed", () => config({ forwardTo: port })],
  "a wrong ngrok token": ["ngrok.token failed", () => ngrok({ NGROK_AUTHTOKEN: "wrong" })],
  "no ngrok token": ["ngrok.token failed", () => ngrok({ NGROK_AUTHTOKEN: undefined, ZOHO_HOOKS_TUNNEL: "ngrok" })],
  "no way to ngrok": ["ngrok.reach failed", () => ngrok({ ZOHO_HOOKS_NGROK_SERVER_ADDR: "localhost:1" })],
  "a sign-in that was revoked": ["zoho.sign-in failed", () => set({ ZOHO_REFRESH_TOKEN: "revoked" })],
  "a profile that does not exist": ["zoho.sign-in failed", () => set({ ZOHO_PROFILE: "nobody" })],
  "an incomplete sign-in": ["zoho.sign-in failed", () => set({ ZOHO_CLIENT_ID: undefined })],
  "no scope for channels": ["zoho.scopes failed", () => scopes("ZohoCRM.modules.READ")],
  "a scope to read channels only": ["zoho.scopes warning", () => scopes("ZohoCRM.notifications.READ")],
  "another data centre": [
    "zoho.data-centre warning",
    () => {
      world.server.accounts.apiDomain = "https://www.zohoapis.eu";
      scopes(...ALL_SCOPES);
    },
  ],
  "a channel that was deleted": ["channels.missing failed", () => world.server.watch.drop("1")],
  "a channel that has expired": ["channels.missing failed", () => world.clock.advance(8 * DAY_MS)],
  "a channel at a dead URL": [
    "channels.url failed",
    () => world.channels(["create", "Leads.create", "--id", "1", "--url", "http://localhost:1/x"]),
  ],
  "a channel with another token": ["channels.token failed", () => elsewhere("create", "Leads.create", "--id", "1")],
  "a channel that expires soon": ["channels.expiring warning", () => world.clock.advance(6 * DAY_MS)],
  "a channel without its events": [
    "channels.events warning",
    // It keeps its token.
    () => world.elsewhere(["create", "Deals.edit", "--id", "1"]),
  ],
  "an event that no channel watches": [
    "channels.events warning",
    () => config({ events: ["crm:Deals.edit", "crm:Leads.*"] }),
  ],
  "a channel of a listen that is gone": ["channels.orphaned warning", () => markOfListener()],
  "a memory of channels that is damaged": [
    "channels failed",
    () => writeFileSync(path(".config/zoho-hooks/channels.json"), "[]"),
  ],
  "two channels for one change": ["channels.doubled warning", () => world.create("--id", "2", "--url", hook())],
  "events of an unknown product": ["listen failed", () => config({ events: ["cmr:Leads.create"] })],
};

describe("doctor finds", () => {
  // Those of a project do not touch one another.
  const projects = [
    ["a .env that others can read", "a log that is another file", "a sign-in that was revoked"],
    ["a .env in Git", "a damaged log", "a profile that does not exist"],
    ["a kept secret in Git", "a log that cannot be created", "an incomplete sign-in"],
    ["a config that is not JSON", "a wrong ngrok token", "another data centre"],
    ["an unknown setting", "a channel that was deleted"],
    ["a misspelt variable", "a log above its limit", "a channel with another token"],
    ["a setting of no such value", "an app that is down"],
    ["an unknown product", "no ngrok token", "no scope for channels"],
    ["deliveries for a target that is gone", "a channel at a dead URL"],
    ["an empty secret", "a scope to read channels only"],
    ["a key file that is not there", "a mirrored app that is down", "a channel that expires soon"],
    ["no secret for a product", "a lock that is another file", "no way to ngrok"],
    ["a target that is listen itself", "a channel without its events"],
    ["a port of another program"],
    ["a log in a folder of the system", "an event that no channel watches"],
    ["a log that another process has locked", "a channel of a listen that is gone"],
    ["no log, and no room for a temporary one", "two channels for one change"],
    ["a channel that has expired", "events of an unknown product"],
    ["a memory of channels that is damaged"],
    ["an untrusted folder"],
  ];

  it.each(projects.map((conditions) => [conditions.join(", "), conditions] as const))("%s", async (_, conditions) => {
    for (const condition of conditions) await SPOILT[condition]?.[1]();
    const expected = conditions.map((condition) => SPOILT[condition]?.[0]);
    expect((await faults()).toSorted()).toEqual(expected.toSorted());
  });

  it("each of them in one of the projects", () => {
    expect(projects.flat().toSorted()).toEqual(Object.keys(SPOILT).toSorted());
  });

  it("a clock that is wrong", async () => {
    await world.channels(["list"]);
    const at = (minutes: number) => () => new Date(world.clock.now().getTime() + minutes * MINUTE_MS);
    expect(await faults([], { now: at(10) })).toEqual(["zoho.clock failed"]);
    expect(await faults([], { now: at(-10) })).toEqual(["zoho.clock failed"]);
    expect(await faults([], { now: at(3) })).toEqual(["zoho.clock warning"]);
  });
});

describe("doctor, while listen runs", () => {
  const start = async (...argv: readonly string[]) => {
    const tunnel = await startTestTunnel();
    const { cwd, clock } = world;
    set({ NGROK_AUTHTOKEN: NGROK_TOKEN });
    const options = { cwd, env, now: clock.now, overrides: tunnel.overrides, hasPort: false };
    const listener = await startListener(["--tunnel", "ngrok", ...argv], options);
    return {
      tunnel,
      async stop() {
        await listener.stop();
        await tunnel.close();
      },
    };
  };

  it("finds its port, and its public URL reaching it", async () => {
    const { tunnel, stop } = await start();
    try {
      await world.channels(["create", "Leads.create", "--id", "1", "--url", `${tunnel.url}/webhooks/zoho/crm`]);
      const { lines } = await doctor();
      expect(lines().filter(({ outcome }) => outcome === "failed" || outcome === "warning")).toEqual([]);
      expect(lines()).toEqual(
        expect.arrayContaining([
          expect.objectContaining({ id: "port", text: expect.stringContaining("this project's listen") }),
          expect.objectContaining({ id: "public-url", outcome: "passed", text: expect.stringContaining(tunnel.url) }),
        ]),
      );
    } finally {
      await stop();
    }
  });

  it("says what it accepts unsigned, which the secrets of this terminal do not decide", async () => {
    const { stop } = await start();
    dotenv("");
    try {
      const { lines } = await doctor();
      const { outcome, text } = lines().find(({ id }) => id === "secrets") ?? {};
      expect([outcome, text]).toEqual([
        "passed",
        expect.stringMatching(/^as the running listen says; no key set: desk,/),
      ]);
      expect(text).not.toContain("crm");
    } finally {
      await stop();
    }
  });

  it("fails once its log is deleted, and names what it says itself", async () => {
    const { stop } = await start();
    try {
      expect(await outcomes()).toMatchObject({ listen: "passed", "log.health": "passed" });
      rmSync(path(".zoho-hooks"), { recursive: true });
      // A write of the last seconds still counts.
      await expect.poll(async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).status, POLL).toBe(503);
      const { exitCode, lines } = await doctor();
      const found = lines().find(({ id }) => id === "listen");
      expect([exitCode, found?.outcome, found?.text]).toEqual([
        8,
        "failed",
        expect.stringContaining("takes no deliveries: the event log was deleted or replaced"),
      ]);
    } finally {
      await stop();
    }
  });

  it("finds one that has no log", async () => {
    const { stop } = await start("--no-store");
    try {
      const line = (await doctor()).lines().find(({ id }) => id === "listen");
      expect(line).toMatchObject({ outcome: "passed", text: expect.stringContaining(`:${port} takes deliveries`) });
    } finally {
      await stop();
    }
  });

  it("looks at the app that it forwards to, not at that of the settings", async () => {
    config({ forwardTo: [] });
    const other = await startTarget();
    const { stop } = await start(String(other.port));
    try {
      const line = async () => (await doctor()).lines().find(({ id }) => id === "app");
      expect(await line()).toMatchObject({ outcome: "passed", text: `localhost:${other.port} answers` });
      await other.close();
      expect(await line()).toMatchObject({ outcome: "warning", text: expect.stringContaining(`:${other.port}`) });
    } finally {
      await stop();
    }
  });

  it.skipIf(lacks("a second IPv4 address"))(
    "looks for it at the project's host only if the folder is trusted",
    async () => {
      const { stop } = await start();
      const other = await startTarget(undefined, { host: otherAddress });
      try {
        config({ host: otherAddress });
        set({ ZOHO_HOOKS_PORT: String(other.port), ZOHO_HOOKS_TRUST: "0" });
        await doctor();
        expect(other.seen).toEqual([]);
        set({ ZOHO_HOOKS_TRUST: "1" });
        await doctor();
        expect(other.seen).not.toEqual([]);
      } finally {
        await other.close();
        await stop();
      }
    },
  );

  it("names the other one to delete where a channel doubles that of listen", async () => {
    const { tunnel, stop } = await start("--channel", "Deals.create");
    try {
      await world.channels(["create", "Deals.create", "--id", "2", "--url", `${tunnel.url}/webhooks/zoho/crm`]);
      const { lines } = await doctor();
      const doubled = lines().find(({ id }) => id === "channels.doubled");
      expect(doubled?.remedy).toBe("zoho-hooks channels delete 2 --product crm");
    } finally {
      await stop();
    }
  });

  it.each<readonly [string, readonly string[], (tunnel: Awaited<ReturnType<typeof startTestTunnel>>) => unknown]>([
    ["a channel at the URL of an earlier tunnel", ["channels.url warning"], () => undefined],
    [
      "a tunnel that is down",
      ["public-url failed"],
      async (tunnel) => {
        await world.channels(["create", "Leads.create", "--id", "1", "--url", `${tunnel.url}/webhooks/zoho/crm`]);
        tunnel.goDown();
      },
    ],
  ])("%s: %j", async (_, findings, spoil) => {
    const { tunnel, stop } = await start();
    try {
      await spoil(tunnel);
      expect(await faults()).toEqual(findings);
    } finally {
      await stop();
    }
  });
});

it("says in one line of each check what may be shown in public", async () => {
  config({ forwardTo: "https://app.acme.example/hooks" });
  dotenv("ZOHO_WEBHOOK_TOKEN=t\n", 0o644);
  const lines = (await doctor()).lines().filter(({ type }) => type === "check");
  const shown = lines.map(({ shareable }) => String(shareable)).join("\n");
  expect(shown).toContain(`passed node: ${process.version}`);
  expect(lines.map(({ text }) => text).join("\n")).toContain("acme");
  for (const name of ["acme", world.cwd, app.url.replace("http://127.0.0.1", "")]) expect(shown).not.toContain(name);
});

describe.skipIf(lacks("postgresql"))("doctor with a log in PostgreSQL", () => {
  const KEY = "a long random text of the tests";
  let address: string;
  beforeAll(async () => {
    address = await sharedAddress(randomUUID());
    const receiverEnv = { ZOHO_HOOKS_STORE_KEY: KEY };
    await (await startListener(["--store", address], { cwd: folderWith({}), env: receiverEnv })).stop();
  });

  it.each([
    [0, "passed", "the key of its receivers", KEY, undefined],
    [8, "failed", "another key", "another", "cannot be decrypted with ZOHO_HOOKS_STORE_KEY"],
    [0, "warning", "no key", undefined, "what receivers share cannot be read"],
  ])("exits %i, as %s, with %s, and changes nothing in it", async (exitCode, outcome, _, key, text) => {
    set({ ZOHO_HOOKS_STORE: address, ZOHO_HOOKS_STORE_KEY: key });
    // The transaction of a row shows whether it was written again.
    const rows = () => runSql(address, "SELECT xmin, name FROM meta UNION ALL SELECT xmin, name FROM secrets");
    const before = await rows();
    const checked = await doctor();
    expect(checked.exitCode).toBe(exitCode);
    const log = checked.lines().find(({ id }) => id === "log.health");
    expect(log).toMatchObject({ outcome, text: expect.stringContaining(text ?? "PostgreSQL") });
    expect(await rows()).toEqual(before);
  });

  it("passes without a log, which listen creates", async () => {
    set({ ZOHO_HOOKS_STORE: await sharedAddress(randomUUID()), ZOHO_HOOKS_STORE_KEY: KEY });
    const { exitCode, lines } = await doctor();
    const log = lines().find(({ id }) => id === "log.health");
    expect([exitCode, log]).toEqual([
      0,
      expect.objectContaining({ outcome: "passed", text: expect.stringContaining("none yet") }),
    ]);
  });

  it("fails where the server may lose what was answered with 200", async () => {
    set({ ZOHO_HOOKS_STORE: `${address}&options=${encodeURIComponent("-c synchronous_commit=off")}` });
    expect(await faults()).toEqual(["log.health failed"]);
  });
});

function set(variables: Record<string, string | undefined>, settings?: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(variables)) {
    if (value === undefined) delete env[name];
    else env[name] = value;
  }
  if (settings !== undefined) config(settings);
}

function git(...argv: readonly string[]): void {
  for (const words of [["init", "--quiet"], argv]) spawnSync("git", words, { cwd: world.cwd });
}

function store(name: string, write: () => void): void {
  write();
  set({ ZOHO_HOOKS_STORE: name });
}

async function stopApp(settings: Record<string, unknown> = {}): Promise<void> {
  config(settings);
  // The channel posts to something that lives.
  await world.channels(["create", "Leads.create", "--id", "1", "--url", `${world.server.url}/webhooks/zoho/crm`]);
  await app.stop();
}

/** A delivery that waits for a target in the project's log. */
async function deliver(target: string): Promise<void> {
  const log = await openLog({ path: path(".zoho-hooks/events.db"), now: world.clock.now });
  await log.append(newEntry({ receivedAt: world.clock.now(), forward: { targets: [target] } }));
  await log.close();
}

/** Another sign-in of the same organisation would not see the channels as its own, so the memory is forgotten. */
function scopes(...names: readonly string[]): void {
  set({ ZOHO_REFRESH_TOKEN: world.server.accounts.makeRefreshToken(names) });
}

/** As a process does that is not known to the log. */
async function lockLog(): Promise<void> {
  await deliver(`${app.url}/webhooks/zoho/crm`);
  const lock = (await loadEngine()).open(path(".zoho-hooks/events.db-lock"));
  lock.exec("BEGIN IMMEDIATE");
  onTestFinished(() => void lock.close());
}

function elsewhere(...argv: readonly string[]) {
  return world.elsewhere(argv, { env: { ZOHO_WEBHOOK_TOKEN: "another-token" } });
}

function markOfListener(): void {
  const file = path(".config/zoho-hooks/channels.json");
  const { channels } = JSON.parse(readFileSync(file, "utf8"));
  const marked = channels.map((each: object) => ({ ...each, ofListener: true }));
  writeFileSync(file, JSON.stringify({ channels: marked }));
}
