import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Prompts } from "../../src/process/prompts.ts";
import { type RunOptions, type RunResult, run, tempFolder } from "../support/run.ts";
import { startZohoServer, type ZohoServer } from "../support/zoho-server.ts";

const SCOPES = [
  "ZohoCRM.notifications.ALL",
  "ZohoCRM.settings.modules.READ",
  "ZohoCRM.settings.fields.READ",
  "ZohoCRM.modules.READ",
];
let server: ZohoServer;
let cwd: string;
let env: Record<string, string>;
beforeEach(async () => {
  server = await startZohoServer();
  cwd = tempFolder();
  env = { ZOHO_ACCOUNTS_URL: server.url, ZOHO_API_URL: server.url, ZOHO_KEYRING: "off" };
});
afterEach(() => server.close());

const zoho = (argv: readonly string[], options: RunOptions = {}): Promise<RunResult> =>
  run(argv, { env, cwd, ...options });
const signInByCode = (...argv: string[]): Promise<RunResult> =>
  zoho(["login", "--code", server.accounts.makeCode(SCOPES), "--client-id", server.accounts.clientId, ...argv], {
    env: { ZOHO_CLIENT_SECRET: server.accounts.clientSecret, ...env },
  });
const secretsFile = (): string => readFileSync(join(cwd, ".config/zoho-hooks/secrets.json"), "utf8");

describe("login", () => {
  it("signs in with a self client's code, and says where the secrets are without showing them", async () => {
    const result = await signInByCode("--json", "--dc", "eu");
    expect(result.exitCode).toBe(0);
    expect(result.lines()).toMatchObject([
      { type: "sign_in", state: "signed_in", profile: "default", data_centre: "eu", scopes: SCOPES },
    ]);
    expect(secretsFile()).toContain(server.accounts.clientSecret);
    expect(result.out + result.err).not.toContain(server.accounts.clientSecret);
    expect(result.out + result.err).not.toMatch(/1000\.[0-9a-f]{32}/);
    // The next command uses the access token of the login.
    expect((await zoho(["channels", "list"])).exitCode).toBe(0);
    expect(server.tokenRequests()).toHaveLength(1);
  });

  it("forgets the access token of a replaced sign-in, and says what stays valid at Zoho", async () => {
    const tokens = (): readonly string[] =>
      readdirSync(join(cwd, ".config/zoho-hooks/tokens")).filter((each) => each.endsWith(".json"));
    expect((await signInByCode()).err).not.toContain("still valid");
    const first = tokens();
    expect(first).toHaveLength(1);
    const second = await signInByCode();
    expect(second.exitCode).toBe(0);
    expect(second.err).toContain("default replaces an earlier sign-in");
    expect(second.err).toContain("still valid at Zoho");
    expect(tokens()).toHaveLength(1);
    expect(tokens()).not.toEqual(first);
    expect((await zoho(["logout"])).exitCode).toBe(0);
    expect(tokens()).toEqual([]);
  });

  it.each([
    [{ ZOHO_ACCESS_TOKEN: "1000.given" }, "ZOHO_ACCESS_TOKEN is set, which takes precedence over the profile acme"],
    [{ ZOHO_PROFILE: "other" }, "ZOHO_PROFILE is set to other, which takes precedence over the profile acme"],
    [{ ZOHO_PROFILE: "acme", ZOHO_ACCESS_TOKEN: "1000.given" }, undefined],
  ])("warns if the new profile is not used: %j", async (more, said) => {
    env = { ...env, ...more };
    const { exitCode, err } = await signInByCode("--profile", "acme");
    expect(exitCode).toBe(0);
    if (said === undefined) expect(err).not.toContain("goes before");
    else expect(err).toContain(said);
  });

  it("reports the private file with the secrets", async () => {
    const result = await signInByCode();
    expect(result.err).toContain("which only you can read (no keyring: the keyring is turned off)");
  });

  it("asks only for missing values, and shows the scopes and the console", async () => {
    const asked: string[] = [];
    const answer = (message: string, value: string): Promise<string> => {
      asked.push(message);
      return Promise.resolve(value);
    };
    const prompts: Prompts = {
      text: ({ message }) => answer(message, server.accounts.clientId),
      secret: ({ message }) =>
        answer(message, message.startsWith("Code") ? server.accounts.makeCode(SCOPES) : server.accounts.clientSecret),
      choose: ({ message }) => answer(message, message.startsWith("How") ? "code" : "in"),
      confirm: () => Promise.reject(new Error("not asked for")),
      chooseMany: () => Promise.reject(new Error("not asked for")),
    };
    const result = await zoho(["login", "--profile", "acme"], { prompts });
    expect(result.exitCode).toBe(0);
    expect(result.out).toContain("signed in as acme");
    expect(result.err).toContain("Open https://api-console.zoho.in, create a Self Client");
    expect(result.err).toContain(SCOPES.join(","));
    expect(asked).toHaveLength(5);
  });

  it("asks for a refresh token", async () => {
    const { clientId, clientSecret } = server.accounts;
    const prompts: Prompts = {
      text: () => Promise.reject(new Error("not asked for")),
      secret: async ({ message }) => (message === "Refresh token" ? server.accounts.makeRefreshToken(SCOPES) : ""),
      choose: async ({ message }) => (message.startsWith("How") ? "refresh-token" : "us"),
      confirm: () => Promise.reject(new Error("not asked for")),
      chooseMany: () => Promise.reject(new Error("not asked for")),
    };
    const client = { ...env, ZOHO_CLIENT_ID: clientId, ZOHO_CLIENT_SECRET: clientSecret };
    expect((await zoho(["login"], { env: client, prompts })).exitCode).toBe(0);
    expect((await zoho(["whoami"])).exitCode).toBe(0);
  });

  it.each([
    [["login"], "there is no terminal to ask how you want to sign in"],
    [["login", "--code", "x", "--browser"], "--code and --browser exclude each other"],
    [
      ["login", "--product", "nope", "--code", "x"],
      "products with a sign-in: crm, bigin, recruit, desk, books, inventory, sign, salesiq",
    ],
    [["login", "--code", "x"], "there is no terminal to ask for the client id"],
    [
      ["login", "--code", "x", "--client-id", "y"],
      "there is no terminal to ask for the client secret\n  set ZOHO_CLIENT_SECRET, or ZOHO_CLIENT_SECRET_FILE",
    ],
    [["login", "--code", "x", "--client-id", "y", "--dc", "moon"], "no Zoho data centre"],
  ])("is a usage error without a terminal: %j", async (argv, text) => {
    const result = await zoho(argv);
    expect(result.exitCode).toBe(2);
    expect(result.err).toContain(text);
  });

  it("rejects an empty code without asking Zoho", async () => {
    const client = { ZOHO_CLIENT_ID: "y", ZOHO_CLIENT_SECRET: "z" };
    const { exitCode, err } = await zoho(["login", "--code", " "], { env: { ...env, ...client } });
    expect([exitCode, err]).toEqual([2, expect.stringContaining("--code is empty")]);
    expect(server.requests).toEqual([]);
  });

  it("requests the scopes of a product's webhooks", async () => {
    const { clientId, clientSecret } = server.accounts;
    const books = ["READ", "CREATE", "DELETE"].map((each) => `ZohoBooks.settings.${each}`);
    const code = server.accounts.makeCode([...books, "ZohoSign.account.ALL"]);
    const granted = await zoho(
      [...["login", "--product", "books", "--product", "sign", "--client-id", clientId, "--json"], "--code", code],
      { env: { ...env, ZOHO_CLIENT_SECRET: clientSecret } },
    );
    expect(granted.lines()).toMatchObject([{ type: "sign_in", scopes: [...books, "ZohoSign.account.ALL"] }]);
  });

  it("warns of scopes that Zoho did not grant", async () => {
    const { clientId, clientSecret } = server.accounts;
    const result = await zoho(
      ["login", "--code", server.accounts.makeCode(SCOPES.slice(0, 1)), "--client-id", clientId, "--json"],
      {
        env: { ...env, ZOHO_CLIENT_SECRET: clientSecret },
      },
    );
    expect(result.exitCode).toBe(0);
    expect(String(result.lines().at(-1)?.message)).toContain("did not grant ZohoCRM.settings.modules.READ");
  });

  it("stores a refresh token from the environment only if it works", async () => {
    const { clientId, clientSecret } = server.accounts;
    const variables = { ...env, ZOHO_CLIENT_ID: clientId, ZOHO_CLIENT_SECRET: clientSecret };
    const bad = await zoho(["login"], { env: { ...variables, ZOHO_REFRESH_TOKEN: "1000.dead" } });
    expect(bad.exitCode).toBe(6);
    expect((await zoho(["whoami"])).exitCode).toBe(6);
    const good = await zoho(["login"], {
      env: { ...variables, ZOHO_REFRESH_TOKEN: server.accounts.makeRefreshToken(SCOPES) },
    });
    // The variable that takes precedence now is the sign-in that was stored.
    expect([good.exitCode, good.err]).toEqual([0, expect.not.stringContaining("takes precedence")]);
    expect((await zoho(["whoami"])).exitCode).toBe(0);
    const inCi = await zoho(["whoami", "--json"], {
      env: { ...variables, ZOHO_REFRESH_TOKEN: server.accounts.makeRefreshToken(SCOPES) },
    });
    expect(inCi.lines()).toMatchObject([
      { type: "profile", name: "default", used: false },
      { profile: "environment", secrets_in: "the environment", scopes: SCOPES },
    ]);
  });

  it("returns from the browser to the address that it printed", async () => {
    const { clientId, clientSecret } = server.accounts;
    const variables = { ...env, ZOHO_CLIENT_ID: clientId, ZOHO_CLIENT_SECRET: clientSecret };
    const running = zoho(["login", "--browser", "--port", "0"], {
      env: variables,
      onErr: (text) => {
        const address = /http:\S+\/oauth\/v2\/auth\?\S+/.exec(text)?.[0];
        if (address === undefined) return;
        // Any page or program can request a malformed URL from this port.
        const { hostname, port } = new URL(new URL(address).searchParams.get("redirect_uri") ?? "");
        const stranger = connect(Number(port), hostname, () => stranger.write("GET // HTTP/1.1\r\nhost: x\r\n\r\n"));
        stranger.once("data", () => {
          stranger.destroy();
          void fetch(address);
        });
      },
    });
    const result = await running;
    expect(result.exitCode).toBe(0);
    expect(result.out).toContain("signed in as default");
  });
});

describe("a sign-in", () => {
  it("without a required scope suggests a login with the other scopes and the same profile", async () => {
    await signInByCode("--profile", "acme");
    const { exitCode, err } = await zoho(["webhooks", "list", "--product", "desk"]);
    expect(exitCode).toBe(6);
    expect(err).toContain("zoho-hooks login --product desk --product crm --profile acme");
  });

  it("that was revoked suggests a login for the same profile, and leaves the others alone", async () => {
    await signInByCode();
    const production = env;
    env = { ...env, ZOHO_ENVIRONMENT: "sandbox" };
    await signInByCode("--profile", "acme", "--dc", "eu");
    env = production;
    server.state.accounts.accessTokens = {};
    server.trouble({ status: 200, body: { error: "invalid_code" } }, 2, ({ path }) => path === "/oauth/v2/token");
    const { exitCode, err } = await zoho(["channels", "list"]);
    expect(exitCode).toBe(6);
    expect(err).toContain("sign in again: ZOHO_ENVIRONMENT=sandbox zoho-hooks login --dc eu --profile acme;");
    const without = { ...env, ZOHO_API_URL: "", ZOHO_ACCOUNTS_URL: "" };
    expect((await zoho(["whoami", "--profile", "other"], { env: without })).err).toContain("login --profile other");
  });

  it("with a profile is named in suggested commands, as is the product", async () => {
    await signInByCode("--profile", "acme");
    const { err } = await zoho(["channels", "show", "1", "--profile", "acme"]);
    expect(err).toContain("see what exists: zoho-hooks channels list --product crm --profile acme\n");
  });

  it("with damaged secrets says what to do", async () => {
    await signInByCode();
    writeFileSync(join(cwd, ".config/zoho-hooks/secrets.json"), '{"x');
    const { exitCode, err } = await zoho(["whoami"]);
    expect(exitCode).toBe(6);
    expect(err).toMatch(/^error: \S+secrets\.json is damaged: .*\n {2}delete the file and sign in again/);
  });

  it("that could not be stored uses up no code", async () => {
    await signInByCode();
    const before = server.tokenRequests().length;
    expect((await signInByCode("--profile", "a/b")).err).toContain('"a/b" is not a valid profile name');
    writeFileSync(join(cwd, ".config/zoho-hooks/secrets.json"), '{"x');
    const { exitCode, err } = await signInByCode();
    expect(exitCode).toBe(6);
    expect(err).toContain("secrets.json is damaged");
    expect(server.tokenRequests()).toHaveLength(before);
  });
});

describe("whoami", () => {
  it("shows the profile, data centre, scopes and expiry of the token", async () => {
    await signInByCode("--dc", "in", "--profile", "acme");
    const result = await zoho(["whoami", "--json"]);
    expect(result.lines()).toMatchObject([
      { type: "profile", name: "acme", used: true },
      { type: "sign_in", state: "current", profile: "acme", data_centre: "in", scopes: SCOPES, api_url: server.url },
    ]);
    expect(Date.parse(String(result.lines()[1]?.token_expires_at))).toBeGreaterThan(Date.now());
  });

  it("prefers --profile to the environment, and the environment to the current profile", async () => {
    await signInByCode("--profile", "acme");
    const { clientId, clientSecret } = server.accounts;
    const refreshToken = server.accounts.makeRefreshToken(SCOPES);
    const inCi = {
      ...env,
      ZOHO_CLIENT_ID: clientId,
      ZOHO_CLIENT_SECRET: clientSecret,
      ZOHO_REFRESH_TOKEN: refreshToken,
    };
    const profileOf = async (argv: readonly string[]) => (await zoho(argv, { env: inCi })).lines().at(-1)?.profile;
    expect(await profileOf(["whoami", "--json", "--profile", "acme"])).toBe("acme");
    expect(await profileOf(["whoami", "--json"])).toBe("environment");
  });

  it("uses the profile in ZOHO_PROFILE, as every command does, and lists all profiles", async () => {
    await signInByCode("--profile", "acme");
    await signInByCode("--profile", "beta", "--dc", "in");
    const inAcme = { env: { ...env, ZOHO_PROFILE: "acme" } };
    const profileOf = async (argv: readonly string[], options?: RunOptions) =>
      (await zoho(argv, options)).lines().at(-1)?.profile;
    expect(await profileOf(["whoami", "--json"])).toBe("beta");
    expect(await profileOf(["whoami", "--json"], inAcme)).toBe("acme");
    expect(await profileOf(["whoami", "--json", "--profile", "beta"], inAcme)).toBe("beta");
    const list = await zoho(["whoami"], inAcme);
    expect(list.out).toMatch(/^→ +acme +us +production$/m);
    expect(list.out).toMatch(/^ +beta +in +production$/m);
    expect((await zoho(["whoami", "--json"])).lines()).toMatchObject([
      { type: "profile", name: "acme", used: false },
      { type: "profile", name: "beta", used: true, data_centre: "in" },
      { type: "sign_in", profile: "beta" },
    ]);
    expect((await zoho(["logout"], inAcme)).out).toContain("signed out of acme");
    expect((await zoho(["whoami"])).out).not.toContain("→");
  });

  it("exits with 6 without a sign-in, and after it was revoked", async () => {
    expect((await zoho(["whoami"])).exitCode).toBe(6);
    await signInByCode();
    const { refreshToken } = JSON.parse(JSON.parse(secretsFile()).default);
    await fetch(`${server.url}/oauth/v2/token/revoke`, {
      method: "POST",
      body: new URLSearchParams({ token: refreshToken }),
    });
    const tokens = join(cwd, ".config/zoho-hooks/tokens");
    for (const file of readdirSync(tokens)) rmSync(join(tokens, file));
    const result = await zoho(["whoami", "--json"]);
    expect(result.exitCode).toBe(6);
    expect(JSON.parse(result.err).error).toMatchObject({ code: "invalid_code" });
  });
});

const isRevoke = ({ path }: { readonly path: string }): boolean => path.endsWith("/revoke");

describe("logout", () => {
  it("revokes the sign-in at Zoho, and removes it and its tokens here", async () => {
    await signInByCode();
    const { refreshToken } = JSON.parse(JSON.parse(secretsFile()).default);
    const result = await zoho(["logout", "--json"]);
    expect(result.exitCode).toBe(0);
    expect(result.lines()).toMatchObject([{ type: "sign_in", state: "signed_out" }]);
    expect(server.requests.at(-1)?.form.get("token")).toBe(refreshToken);
    expect(secretsFile()).not.toContain(refreshToken);
    expect(readdirSync(join(cwd, ".config/zoho-hooks/tokens"))).toEqual([]);
    expect((await zoho(["whoami"])).exitCode).toBe(6);
  });

  it("removes the profile if Zoho does not confirm, and says so", async () => {
    await signInByCode();
    server.trouble({ status: 400, body: "<html>invalid</html>" }, 1, isRevoke);
    const { exitCode, err } = await zoho(["logout"]);
    expect([exitCode, err]).toEqual([
      0,
      expect.stringMatching(
        /its refresh token may still be valid at Zoho: .*did not revoke the token.*\n.*connected apps/s,
      ),
    ]);
    expect(readdirSync(join(cwd, ".config/zoho-hooks/tokens"))).toEqual([]);
    expect((await zoho(["whoami"])).err).toContain("you are not signed in");
  });

  it("removes the profile without a network, and says so", async () => {
    await signInByCode();
    const offline = { ...env, ZOHO_ACCOUNTS_URL: "http://127.0.0.1:1", ZOHO_API_URL: "http://127.0.0.1:1" };
    const { exitCode, err } = await zoho(["logout"], { env: offline });
    expect([exitCode, err]).toEqual([0, expect.stringContaining("its refresh token may still be valid at Zoho: ")]);
    expect((await zoho(["whoami"])).err).toContain("you are not signed in");
  });

  it("keeps the profile after Ctrl-C, and says what Zoho may have done", async () => {
    await signInByCode();
    server.trouble("silence", 1, isRevoke);
    const interrupt = new AbortController();
    const running = zoho(["logout"], { signal: interrupt.signal });
    await server.seen(isRevoke);
    interrupt.abort("SIGINT");
    const { exitCode, err } = await running;
    expect([exitCode, err]).toEqual([130, expect.stringContaining("the refresh token may have been revoked")]);
    expect(err).toContain("to try again: zoho-hooks logout --profile default");
    expect((await zoho(["whoami"])).exitCode).toBe(0);
  });

  it("does not take a server error for an unknown token", async () => {
    await signInByCode();
    server.trouble({ status: 503, headers: { "retry-after": "0" }, body: "<html>" }, 4, isRevoke);
    const { exitCode, err } = await zoho(["logout"]);
    expect([exitCode, err]).toEqual([0, expect.stringContaining("its refresh token may still be valid at Zoho")]);
  });

  it("does not sign out of a stored profile while the environment signs in", async () => {
    await signInByCode();
    const inCi = { ...env, ZOHO_ACCESS_TOKEN: "1000.given" };
    const refused = await zoho(["logout"], { env: inCi });
    expect([refused.exitCode, refused.err]).toEqual([2, expect.stringContaining("environment variables sign you in")]);
    expect((await zoho(["whoami"])).exitCode).toBe(0);
    expect((await zoho(["logout", "--profile", "default"], { env: inCi })).exitCode).toBe(0);
  });

  it("makes no other profile the current one, and names those that are left", async () => {
    for (const name of ["acme", "beta", "gamma"]) await signInByCode("--profile", name);
    const { err } = await zoho(["logout"]);
    expect(err).toContain("no profile is the current one now. Profiles: acme, beta. Choose one with --profile");
    for (const argv of [["whoami"], ["channels", "delete", "--all", "--yes"], ["logout"]]) {
      const refused = await zoho(argv);
      expect([refused.exitCode, refused.err]).toEqual([
        6,
        expect.stringContaining(
          "no profile is the current one. Profiles: acme, beta.\n  choose one with --profile or ZOHO_PROFILE, or sign in",
        ),
      ]);
    }
    expect((await zoho(["whoami", "--profile", "acme"])).out).toContain("acme");
    // Signing out of another one leaves the current one alone.
    await signInByCode("--profile", "gamma");
    expect((await zoho(["logout", "--profile", "acme"])).err).not.toContain("current");
    expect((await zoho(["whoami"])).out).toContain("gamma");
  });

  it("removes a profile with lost secrets, and says that it could not be revoked", async () => {
    await signInByCode();
    rmSync(join(cwd, ".config/zoho-hooks/secrets.json"));
    const { exitCode, err } = await zoho(["logout"]);
    expect([exitCode, err]).toEqual([0, expect.stringContaining("its refresh token may still be valid at Zoho: ")]);
    expect((await zoho(["whoami"])).err).toContain("you are not signed in");
  });
});
