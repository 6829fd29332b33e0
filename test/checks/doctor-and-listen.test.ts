import { randomUUID } from "node:crypto";
import { rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { loadEngine } from "../../src/log/sqlite/engine.ts";
import { openLog } from "../../src/log/sqlite/log.ts";
import { startChannelWorld } from "../support/channel-world.ts";
import { folderWith } from "../support/files.ts";
import { newEntry } from "../support/log-entry.ts";
import { lacks } from "../support/needs.ts";
import { type NgrokEdge, startNgrokEdge } from "../support/ngrok-edge.ts";
import { runSql, sharedAddress } from "../support/postgres.ts";
import { run } from "../support/run.ts";
import { freePort } from "../support/target.ts";
import { startTargetApp } from "../support/target-app.ts";

/** A project, and how it is started. */
interface SetUp {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** More flags of `listen`. */
  readonly flags?: readonly string[];
}

const AUTHTOKEN = "authtoken-of-the-test";

let edge: NgrokEdge;
beforeAll(async () => {
  edge = await startNgrokEdge({ acceptToken: AUTHTOKEN });
});
afterAll(() => edge.close());

const config = (settings: object): SetUp => ({
  cwd: folderWith({ "zoho-hooks.config.json": JSON.stringify(settings) }),
});
const variables = (env: Readonly<Record<string, string>>): SetUp => ({ env });
const ngrok = (more: Readonly<Record<string, string>>): SetUp =>
  variables({
    NGROK_AUTHTOKEN: AUTHTOKEN,
    ZOHO_HOOKS_NGROK_SERVER_ADDR: edge.serverAddr,
    ZOHO_HOOKS_NGROK_ROOT_CAS: edge.caFile,
    ...more,
  });

/** A project with a log, to which something is done. */
async function withLog(spoil: (path: string) => unknown): Promise<SetUp> {
  const cwd = folderWith({});
  const path = join(cwd, ".zoho-hooks/events.db");
  const log = await openLog({ path, now: () => new Date() });
  await log.append(newEntry({ receivedAt: new Date() }));
  await log.close();
  await spoil(path);
  return { cwd };
}

async function inDatabase(path: string, sql: string, isKept = false): Promise<void> {
  const database = (await loadEngine()).open(path);
  database.exec(sql);
  if (isKept) onTestFinished(() => void database.close());
  else database.close();
}

async function takenPort(): Promise<SetUp> {
  const app = await startTargetApp();
  onTestFinished(() => app.stop());
  return variables({ ZOHO_HOOKS_PORT: String(app.port) });
}

async function revokedSignIn(): Promise<SetUp> {
  const world = await startChannelWorld();
  onTestFinished(() => world.close());
  return { env: { ...world.env, ZOHO_REFRESH_TOKEN: "revoked" }, flags: ["--channel", "Leads.create"] };
}

/** `own` of a URL that leads to the port of `listen`, else to another program. */
async function publicUrl(own: boolean, more: Readonly<Record<string, string>> = {}): Promise<SetUp> {
  const app = await startTargetApp();
  onTestFinished(() => app.stop());
  const port = String(await freePort());
  const url = own ? `http://localhost:${port}` : app.url;
  return variables({ ZOHO_HOOKS_PORT: port, ZOHO_HOOKS_PUBLIC_URL: url, ...more });
}

async function linkedIgnoreFile(): Promise<SetUp> {
  const cwd = folderWith({ ".zoho-hooks/fixtures/.keep": "" });
  symlinkSync(join(cwd, "elsewhere"), join(cwd, ".zoho-hooks/.gitignore"));
  return { cwd };
}

/** What keeps `listen` from starting, with its exit code and the finding of `doctor`. */
const REFUSALS: Readonly<Record<string, readonly [exitCode: number, finding: string, () => SetUp | Promise<SetUp>]>> = {
  "a setting of no such value": [2, "config", () => variables({ ZOHO_HOOKS_RETRIES: "many" })],
  "a config that is not JSON": [2, "config", () => ({ cwd: folderWith({ "zoho-hooks.config.json": "{" }) })],
  "an address range that is none": [2, "listen", () => config({ allowIp: ["300.1.1.1"] })],
  "events of an unknown product": [2, "listen", () => config({ events: ["cmr:*"] })],
  "a broken schema of the user": [
    2,
    "listen",
    () => ({
      cwd: folderWith({ "zoho-hooks.config.json": '{"products":{"forms":{"schema":"s.json"}}}', "s.json": "{" }),
    }),
  ],
  "a folder that is not trusted": [
    2,
    "trust",
    () => ({ ...config({ forwardTo: "https://a.example/x" }), env: { ZOHO_HOOKS_TRUST: "0" } }),
  ],
  "an empty secret": [2, "secrets", () => ({ cwd: folderWith({ ".env": "ZOHO_WEBHOOK_SECRET=\n" }) })],
  "a key file that is not there": [2, "secrets", () => variables({ ZOHO_WEBHOOK_PUBLIC_KEY: "none.pem" })],
  "a key set that is none": [2, "secrets", () => variables({ ZOHO_WEBHOOK_JWKS: "none" })],
  "a key set over plain http": [2, "secrets", () => variables({ ZOHO_WEBHOOK_JWKS: "http://example.com/keys" })],
  "a key set that cannot be fetched": [6, "secrets", () => variables({ ZOHO_WEBHOOK_JWKS: "http://127.0.0.1:1/keys" })],
  "a key set on a host without a name": [
    6,
    "secrets",
    () => variables({ ZOHO_WEBHOOK_JWKS: "https://a.invalid/keys" }),
  ],
  "no way to ngrok": [9, "ngrok.reach", () => ngrok({ ZOHO_HOOKS_NGROK_SERVER_ADDR: "localhost:1" })],
  "no name server for ngrok": [9, "ngrok.reach", () => ngrok({ ZOHO_HOOKS_NGROK_SERVER_ADDR: "a.invalid:443" })],
  "a wrong ngrok token": [6, "ngrok.token", () => ngrok({ NGROK_AUTHTOKEN: "wrong" })],
  "ngrok without a token": [6, "ngrok.token", () => variables({ ZOHO_HOOKS_TUNNEL: "ngrok" })],
  "a public URL that leads elsewhere": [9, "public-url", () => publicUrl(false)],
  "a public URL at which addresses can be made up": [
    2,
    "public-url",
    () => publicUrl(true, { ZOHO_HOOKS_ALLOW_IP: "10.0.0.0/8" }),
  ],
  "a log that cannot be created": [2, "log.health", () => variables({ ZOHO_HOOKS_STORE: "/proc/x/x.db" })],
  "a .gitignore that is a link": [2, "log.health", linkedIgnoreFile],
  "a damaged log": [
    2,
    "log.health",
    () => withLog((path) => writeFileSync(path, Buffer.alloc(9000, 0xa5), { flag: "r+" })),
  ],
  "a log of another format": [2, "log.health", () => withLog((path) => inDatabase(path, "PRAGMA user_version = 99"))],
  "the database of another program": [
    2,
    "log.health",
    async () => {
      const { cwd } = config({ store: "other.db" });
      await inDatabase(join(cwd ?? "", "other.db"), "CREATE TABLE notes (text)");
      return { cwd: cwd ?? "" };
    },
  ],
  "a log that another process has locked": [
    2,
    "log.health",
    () => withLog((path) => inDatabase(`${path}-lock`, "BEGIN IMMEDIATE", true)),
  ],
  "a log that was deleted under another process": [
    2,
    "log.health",
    () =>
      withLog(async (path) => {
        await inDatabase(`${path}-lock`, "BEGIN IMMEDIATE", true);
        rmSync(path);
      }),
  ],
  "PostgreSQL that is down": [2, "log.health", () => variables({ ZOHO_HOOKS_STORE: "postgres://127.0.0.1:1/x" })],
  "PostgreSQL on a host without a name": [
    2,
    "log.health",
    () => variables({ ZOHO_HOOKS_STORE: "postgres://a.invalid/x" }),
  ],
  "a port of another program": [2, "port", takenPort],
  "an address of another machine": [2, "port", () => config({ host: "192.0.2.1" })],
  "a target that is listen itself": [
    2,
    "app",
    async () => {
      const port = String(await freePort());
      return variables({ ZOHO_HOOKS_PORT: port, ZOHO_HOOKS_FORWARD_TO: port });
    },
  ],
  "a queue that should answer": [2, "app", () => config({ respond: "mirror", forwardTo: "bullmq://127.0.0.1:1/q" })],
  "a sign-in that was revoked, for a channel": [6, "zoho.sign-in", revokedSignIn],
};

const IN_POSTGRES: typeof REFUSALS = {
  "a user who may create nothing": [
    2,
    "log.health",
    async () => {
      const address = await sharedAddress(randomUUID());
      const user = `u${randomUUID().replaceAll("-", "")}`;
      await runSql(address, `CREATE ROLE ${user} LOGIN`);
      return variables({ ZOHO_HOOKS_STORE: address.replace("//postgres@", `//${user}@`) });
    },
  ],
  "a server that may lose what was answered": [
    2,
    "log.health",
    async () => {
      const address = await sharedAddress(randomUUID());
      const off = encodeURIComponent("-c synchronous_commit=off");
      return variables({ ZOHO_HOOKS_STORE: `${address}&options=${off}` });
    },
  ],
  "another key than the other receivers": [
    2,
    "log.health",
    async () => {
      const store = { ZOHO_HOOKS_STORE: await sharedAddress(randomUUID()) };
      await start(variables({ ...store, ZOHO_HOOKS_STORE_KEY: "one" }));
      return variables({ ...store, ZOHO_HOOKS_STORE_KEY: "another" });
    },
  ],
};

function settingsOf({ cwd = folderWith({}), env }: SetUp) {
  return { cwd, env: { ZOHO_HOOKS_PORT: "0", ...env } };
}

async function start({ flags = [], ...setUp }: SetUp): Promise<number> {
  return (await run(["listen", "--timeout", "1ms", ...flags], settingsOf(setUp))).exitCode;
}

/** The exit code of `doctor`, and its findings that failed. */
async function examine(setUp: SetUp) {
  const { exitCode, lines } = await run(["doctor", "--json"], settingsOf(setUp));
  const failed = lines().filter(({ outcome }) => outcome === "failed");
  return { exitCode, failed: failed.map(({ id }) => id), remedies: failed.map(({ remedy }) => remedy) };
}

function agreeOn(refusals: typeof REFUSALS): void {
  it.each(Object.entries(refusals))("%s", async (_, [exitCode, finding, prepare]) => {
    const setUp = { cwd: folderWith({}), ...(await prepare()) };
    const { remedies, ...found } = await examine(setUp);
    expect({ ...found, listen: await start(setUp) }).toEqual({ exitCode: 8, failed: [finding], listen: exitCode });
    expect(remedies).not.toContain(null);
  });
}

describe("doctor fails where listen does not start", () => agreeOn(REFUSALS));

describe.skipIf(lacks("postgresql"))("doctor fails where listen does not start, with a log in PostgreSQL", () =>
  agreeOn(IN_POSTGRES),
);

describe("doctor does not fail where listen starts", () => {
  const STARTS: Readonly<Record<string, () => SetUp | Promise<SetUp>>> = {
    "nothing set up": () => ({}),
    "a log": () => withLog(() => undefined),
    "a public URL that leads here": () => publicUrl(true),
    "an app that is down": () => config({ forwardTo: 1 }),
    "a Zoho without a name": () => variables({ ZOHO_ACCOUNTS_URL: "https://a.invalid", ZOHO_ACCESS_TOKEN: "x" }),
  };

  it.each(Object.entries(STARTS))("%s", async (_, prepare) => {
    const setUp = { cwd: folderWith({}), ...(await prepare()) };
    const { exitCode, failed } = await examine(setUp);
    expect({ exitCode, failed, listen: await start(setUp) }).toEqual({ exitCode: 0, failed: [], listen: 0 });
  });

  it.skipIf(lacks("postgresql"))("PostgreSQL without a log, and creates none", async () => {
    const address = await sharedAddress(randomUUID());
    const setUp = variables({ ZOHO_HOOKS_STORE: address });
    expect(await examine(setUp)).toMatchObject({ exitCode: 0, failed: [] });
    const [, schema] = /schema=(\w+)/.exec(address) ?? [];
    expect(await runSql(address, `SELECT to_regnamespace('${schema}') AS found`)).toEqual([{ found: null }]);
    expect(await start(setUp)).toBe(0);
  });
});
