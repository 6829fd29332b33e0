import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { managedProducts } from "../../src/zoho-webhooks/index.ts";
import { lacks } from "../support/needs.ts";
import { type RunOptions, type RunResult, run, tempFolder } from "../support/run.ts";
import { ALL_SCOPES } from "../support/zoho-client.ts";
import { startZohoServer, type ZohoServer } from "../support/zoho-server.ts";

let server: ZohoServer;
let cwd: string;
let env: Record<string, string>;
beforeEach(async () => {
  server = await startZohoServer();
  cwd = tempFolder();
  const { clientId, clientSecret } = server.accounts;
  const hosts = { ZOHO_ACCOUNTS_URL: server.url, ZOHO_API_URL: server.url };
  env = { ...hosts, ZOHO_KEYRING: "off", ZOHO_CLIENT_ID: clientId, ZOHO_CLIENT_SECRET: clientSecret };
});
afterEach(() => server.close());

const zoho = (argv: readonly string[], options: RunOptions = {}): Promise<RunResult> =>
  run(argv, { env, cwd, ...options });
const signIn = (profile: string): Promise<RunResult> =>
  zoho(["login", "--profile", profile, "--code", server.accounts.makeCode(ALL_SCOPES)]);
const createChannel = (): Promise<RunResult> =>
  zoho(["channels", "create", "Leads.create", "--url", "https://abc.example/webhooks/zoho/crm", "--json"]);
const fileOf = (name: string): string => join(cwd, ".config/zoho-hooks", name);
const json = (name: string) => JSON.parse(readFileSync(fileOf(name), "utf8"));

describe("the file with the secrets of all profiles", () => {
  it.each(["[]", '"secrets"', "7", '{"acme":{"kind":"wrapped"}}'])(
    "is named and left alone where it holds %s, before a code is spent",
    async (text) => {
      await signIn("acme");
      writeFileSync(fileOf("secrets.json"), text);
      const before = server.tokenRequests().length;
      const { exitCode, err } = await signIn("beta");
      expect(exitCode).toBe(6);
      expect(err).toMatch(
        /secrets\.json is not a secrets file that this version.*\n {2}move the file away and sign in/,
      );
      expect(readFileSync(fileOf("secrets.json"), "utf8")).toBe(text);
      expect(server.tokenRequests()).toHaveLength(before);
    },
  );
});

describe("the profiles file", () => {
  it("is named and left unchanged if another version has written it", async () => {
    await signIn("acme");
    const { profiles, ...rest } = json("profiles.json");
    for (const content of [
      { ...rest, profiles, version: 2 },
      { ...rest, profiles: { acme: { ...profiles.acme, kind: "wrapped" } } },
    ]) {
      const text = JSON.stringify(content);
      writeFileSync(fileOf("profiles.json"), text);
      for (const attempt of [signIn("beta"), zoho(["whoami"]), zoho(["logout"])]) {
        const { exitCode, err } = await attempt;
        expect(exitCode).toBe(6);
        expect(err).toMatch(/profiles\.json is not a profiles file that this version.*\n {2}move the file away/);
      }
      expect(readFileSync(fileOf("profiles.json"), "utf8")).toBe(text);
    }
  });
});

describe("the channels file", () => {
  it("is named and left unchanged if another version has written it, before a channel is created", async () => {
    await signIn("acme");
    expect((await createChannel()).exitCode).toBe(0);
    const [mine] = json("channels.json").channels;
    const { length } = server.watch.rows();
    for (const content of [
      { channels: { a: 1 } },
      { version: 2, channels: [mine] },
      { channels: [mine, { ...mine, id: "1000000000000000001", note: "n" }] },
    ]) {
      const text = JSON.stringify(content);
      writeFileSync(fileOf("channels.json"), text);
      const { exitCode, err } = await createChannel();
      expect(exitCode).toBe(6);
      expect(err).toMatch(/channels\.json is not a channels file that this version.*move the file away/s);
      expect(readFileSync(fileOf("channels.json"), "utf8")).toBe(text);
    }
    expect(server.watch.rows()).toHaveLength(length);
  });
});

describe("the environment's sign-in on a read-only disk", () => {
  /** For root, who may write anywhere, only a file in the folder's place is no place to write to. */
  const nowhere = (): Record<string, string> => {
    writeFileSync(join(cwd, "home"), "");
    return { ...env, XDG_CONFIG_HOME: join(cwd, "home") };
  };
  const withToken = () => ({ ...nowhere(), ZOHO_REFRESH_TOKEN: server.accounts.makeRefreshToken(ALL_SCOPES) });

  it("needs one access token and warns once, also if that token is rejected meanwhile", async () => {
    server.trouble({ status: 401, body: { code: "INVALID_TOKEN" } }, 1, ({ path }) => path.includes("/actions/watch"));
    const { exitCode, err, lines } = await zoho(["channels", "list", "--json"], { env: withToken() });
    expect([exitCode, err]).toEqual([0, ""]);
    expect(lines()).toEqual([
      {
        v: 1,
        type: "warning",
        message: expect.stringContaining("the access token cannot be saved"),
        hint: expect.any(String),
      },
    ]);
    expect(server.tokenRequests()).toHaveLength(2);
  });

  it("warns for webhooks commands as well", async () => {
    const scopes = managedProducts.flatMap((product) => product.loginScopes);
    const given = { ...nowhere(), ZOHO_REFRESH_TOKEN: server.accounts.makeRefreshToken(scopes) };
    const { exitCode, lines } = await zoho(["webhooks", "list", "--product", "desk", "--json"], { env: given });
    expect(exitCode).toBe(0);
    expect(lines().filter(({ type }) => type === "warning")).toHaveLength(1);
  });

  it("deletes a channel that was created elsewhere", async () => {
    await signIn("acme");
    await createChannel();
    const id = String(server.watch.rows()[0]?.channelId);
    const given = { ...nowhere(), ZOHO_ACCESS_TOKEN: server.accounts.makeAccessToken(ALL_SCOPES) };
    const { exitCode, err } = await zoho(["channels", "delete", id, "--yes"], { env: given });
    expect([exitCode, err]).toEqual([0, ""]);
    expect(server.watch.rows()).toEqual([]);
  });

  it("creates no channel, because its token would be lost", async () => {
    const url = "https://abc.example/webhooks/zoho/crm";
    const { exitCode, err } = await zoho(["channels", "create", "Leads.create", "--url", url], { env: withToken() });
    expect(exitCode).toBe(6);
    expect(err).toContain("channels.json.lock could not be written");
    expect(server.requests).toEqual([]);
  });

  it("reports a profile that cannot be saved as an error", async () => {
    const { exitCode, err } = await zoho(["login", "--code", server.accounts.makeCode(ALL_SCOPES)], { env: nowhere() });
    expect(exitCode).toBe(6);
    expect(err).toContain("could not be written");
  });
});

// Windows has no such modes, and links only for who may make them.
describe.skipIf(lacks("posix"))("the file with the secrets", () => {
  const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);

  it("gets private permissions again when it is used", async () => {
    await signIn("acme");
    chmodSync(fileOf("secrets.json"), 0o644);
    chmodSync(fileOf("."), 0o777);
    expect((await zoho(["whoami"])).exitCode).toBe(0);
    expect([mode(fileOf("secrets.json")), mode(fileOf("."))]).toEqual(["600", "700"]);
  });

  it("that is a link stays one, and old secrets are removed from its target", async () => {
    await signIn("acme");
    const target = join(cwd, "dotfiles", "secrets.json");
    mkdirSync(join(cwd, "dotfiles"));
    renameSync(fileOf("secrets.json"), target);
    symlinkSync(target, fileOf("secrets.json"));
    expect((await signIn("beta")).exitCode).toBe(0);
    expect((await zoho(["logout", "--profile", "acme"])).exitCode).toBe(0);
    expect(lstatSync(fileOf("secrets.json")).isSymbolicLink()).toBe(true);
    expect(Object.keys(JSON.parse(readFileSync(target, "utf8")))).toEqual(["beta"]);
    expect(mode(target)).toBe("600");
  });
});

it.skipIf(lacks("linux"))("goes on where the file system makes no folder for what it keeps", async () => {
  const ZOHO_REFRESH_TOKEN = server.accounts.makeRefreshToken(ALL_SCOPES);
  const { exitCode, err } = await zoho(["whoami"], {
    env: { ...env, ZOHO_REFRESH_TOKEN, XDG_CONFIG_HOME: "/proc/zoho-hooks/home" },
  });
  expect([exitCode, err]).toEqual([0, expect.stringContaining("XDG_CONFIG_HOME")]);
});
