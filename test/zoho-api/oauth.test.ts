import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { secret } from "../../src/delivery/secret.ts";
import { startRedirectServer } from "../../src/zoho-api/browser-login.ts";
import { exchangeCode, refreshAccess, revokeToken, tokenError } from "../../src/zoho-api/oauth.ts";
import type { OAuthClient } from "../../src/zoho-api/sign-in.ts";
import { failureOf, type Rig, startRig } from "../support/zoho-client.ts";

const SCOPES = ["ZohoCRM.notifications.ALL"];
let rig: Rig;
let client: OAuthClient;
beforeEach(async () => {
  rig = await startRig();
  const { clientId, clientSecret } = rig.server.accounts;
  client = { accountsUrl: rig.server.url, clientId, clientSecret: secret(clientSecret, "test") };
});
afterEach(() => rig.close());

describe("a self client's code", () => {
  it("is exchanged for tokens in the body, which no log holds, and sets the api_domain", async () => {
    rig.server.accounts.apiDomain = "https://www.zohoapis.eu/some/path";
    const tokens = await exchangeCode(rig.http, client, rig.server.accounts.makeCode(SCOPES));
    expect(tokens).toMatchObject({ apiDomain: "https://www.zohoapis.eu", lifetimeMs: 3_600_000, scopes: SCOPES });
    expect(tokens.refreshToken).toMatch(/^1000\./);
    const [request] = rig.server.requests;
    expect([...(request?.query ?? [])]).toEqual([]);
    expect(Object.fromEntries(request?.form ?? [])).toMatchObject({ grant_type: "authorization_code" });
  });

  it("works once: then it is reported as used or expired", async () => {
    const code = rig.server.accounts.makeCode(SCOPES);
    await exchangeCode(rig.http, client, code);
    const failure = await failureOf(exchangeCode(rig.http, client, code));
    expect(failure).toMatchObject({ exitCode: 6, code: "invalid_code" });
    expect(failure.message).toContain("already used or has expired");
    expect(failure.message).not.toContain(code);
  });

  it("is rejected after three minutes", async () => {
    const code = rig.server.accounts.makeCode(SCOPES);
    rig.clock.advance(181_000);
    expect(await failureOf(exchangeCode(rig.http, client, code))).toMatchObject({ code: "invalid_code" });
  });

  it("of another data centre or client is recognised although Zoho answers 200", async () => {
    const wrong = { ...client, clientSecret: secret("of-another-centre", "test") };
    const failure = await failureOf(exchangeCode(rig.http, wrong, rig.server.accounts.makeCode(SCOPES)));
    expect(failure).toMatchObject({ exitCode: 6, code: "invalid_client" });
    expect(failure.message).toContain("or this server does not belong to the organisation's data centre");
    expect(failure.hint).toContain("check ZOHO_ACCOUNTS_URL");
    expect(failure.message).not.toContain("of-another-centre");
  });
});

describe("refreshAccess", () => {
  it("distinguishes a revoked refresh token from rate limiting", async () => {
    expect(await failureOf(refreshAccess(rig.http, client, secret("dead", "test")))).toMatchObject({
      code: "invalid_code",
      hint: "sign in again: zoho-hooks login; check ZOHO_ACCOUNTS_URL",
    });
    const live = secret(rig.server.accounts.makeRefreshToken(SCOPES), "test");
    for (let i = 0; i < 10; i++) await refreshAccess(rig.http, client, live);
    expect(await failureOf(refreshAccess(rig.http, client, live))).toMatchObject({
      exitCode: 6,
      code: "token_throttled",
    });
  });

  it("reads the legacy answer, whose expires_in is in milliseconds", async () => {
    const body = { access_token: "1000.x", expires_in: 3_600_000, expires_in_sec: 3600 };
    rig.server.trouble({ status: 200, body });
    expect((await refreshAccess(rig.http, client, secret("r", "test"))).lifetimeMs).toBe(3_600_000);
  });

  it("reports an HTML page instead of JSON", async () => {
    rig.server.trouble({ status: 200, body: "<html>maintenance</html>" }, 9);
    expect((await failureOf(refreshAccess(rig.http, client, secret("r", "test")))).message).toContain("not JSON");
  });
});

describe("revokeToken", () => {
  it("succeeds only if Zoho says so, and the tokens are revoked then", async () => {
    const refreshToken = secret(rig.server.accounts.makeRefreshToken(SCOPES), "test");
    const { accessToken } = await refreshAccess(rig.http, client, refreshToken);
    await revokeToken(rig.http, client.accountsUrl, refreshToken);
    expect(rig.server.accounts.scopesOf(accessToken)).toBeUndefined();
    const again = await failureOf(revokeToken(rig.http, client.accountsUrl, refreshToken));
    expect(again).toMatchObject({ exitCode: 6, code: "revoke_failed" });
    expect(again.message).toContain("HTTP 400, not JSON");
  });
});

describe("the browser sign-in", () => {
  const start = (signal = new AbortController().signal, timeoutMs = 10_000) =>
    startRedirectServer({
      http: rig.http,
      accountsUrl: rig.server.url,
      clientId: client.clientId,
      scopes: SCOPES,
      port: 0,
      timeoutMs,
      signal,
    });

  it("exchanges the code of Zoho's redirect with the same redirect URI", async () => {
    const server = await start();
    const page = await fetch(server.authorizationUrl);
    expect(page.status).toBe(200);
    const grant = await server.grant;
    expect(grant).toMatchObject({ centre: undefined, redirectUri: server.redirectUri });
    expect(
      (await exchangeCode(rig.http, client, grant.code, { redirectUri: grant.redirectUri })).refreshToken,
    ).toBeDefined();
    const query = new URL(server.authorizationUrl).searchParams;
    expect(query.get("access_type")).toBe("offline");
    expect(query.get("prompt")).toBe("consent");
    await server.close();
  });

  it("ignores requests without the state", async () => {
    const server = await start();
    const forged = await fetch(`${server.redirectUri}?code=evil&state=guess`);
    expect(forged.status).toBe(400);
    await fetch(server.authorizationUrl);
    expect((await server.grant).code).not.toBe("evil");
    await server.close();
  });

  it("follows to the user's data centre, and to no unknown server", async () => {
    const back = async (accountsServer: string) => {
      const server = await start();
      const state = new URL(server.authorizationUrl).searchParams.get("state") ?? "";
      await fetch(
        `${server.redirectUri}?${new URLSearchParams({ code: "c", state, "accounts-server": accountsServer })}`,
      );
      return server.grant.finally(() => server.close());
    };
    expect((await back("https://accounts.zoho.eu")).centre).toMatchObject({ id: "eu" });
    expect(rig.server.requests).toEqual([]);
    const listed = { id: "sg", accountsUrl: "https://accounts.zoho.sg" };
    expect((await back("https://accounts.zoho.sg")).centre).toMatchObject(listed);
    expect(await failureOf(back("https://accounts.zoho.eu.evil.example"))).toMatchObject({ exitCode: 6 });
    expect(await failureOf(back("http://accounts.zoho.eu"))).toMatchObject({ code: "unknown_accounts_server" });
    // Listed, but with a URL that is none of Zoho's.
    rig.server.accounts.locations = { xx: "https://accounts.evil.example" };
    expect(await failureOf(back("https://accounts.evil.example"))).toMatchObject({ code: "unknown_accounts_server" });
    rig.server.trouble({ status: 404, body: "<html>" }, 9);
    const unreadable = await failureOf(back("https://accounts.zoho.sg"));
    expect(unreadable).toMatchObject({ exitCode: 7, message: expect.stringContaining("cannot look it up") });
  });

  it("reports denied access and a timeout, and ends with its signal", async () => {
    const denied = await start();
    const state = new URL(denied.authorizationUrl).searchParams.get("state") ?? "";
    await fetch(`${denied.redirectUri}?error=access_denied&state=${state}`);
    expect(await failureOf(denied.grant)).toMatchObject({ exitCode: 6, code: "access_denied" });
    await denied.close();

    const late = await start(undefined, 1);
    expect((await failureOf(late.grant)).message).toContain("was not completed within");
    await late.close();

    const controller = new AbortController();
    const stopped = await start(controller.signal);
    controller.abort(new Error("stopped"));
    expect((await failureOf(stopped.grant)).message).toBe("stopped");
    await stopped.close();
  });
});

it("reports a wrong secret if Zoho named the data centre", async () => {
  const reply = { status: 200, text: "", body: { error: "invalid_client" }, unreadable: false, date: undefined };
  const failure = tokenError(reply, { grant: "code", accountsUrl: "https://accounts.zoho.eu", isNamed: true });
  expect(failure.message).toContain(
    "your account is in the data centre eu, and the client secret is not the one for it",
  );
  expect(failure.hint).toContain("the same credentials for all data centers");
});
