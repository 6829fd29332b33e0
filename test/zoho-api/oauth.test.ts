import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { secret } from "../../src/delivery/secrets.ts";
import type { Context } from "../../src/project/context.ts";
import { grantInBrowser } from "../../src/zoho-api/browser-login.ts";
import { exchangeCode, refreshAccess, revokeToken } from "../../src/zoho-api/oauth.ts";
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
  /** Signs in with a browser that does this with Zoho's consent page. */
  const signIn = (browse: (consent: URL) => void, signal = new AbortController().signal) => {
    const report: Context["report"] = (each) => {
      if (each.type === "notice" && URL.canParse(each.message)) browse(new URL(each.message));
    };
    const context = { ...rig.context, stderr: { isTTY: false }, signal, report } as Context;
    return grantInBrowser(context, rig.http, client, { scopes: SCOPES, port: 0 });
  };
  /** Returns from the consent page without a visit. */
  const goBack = (consent: URL, parameters: Readonly<Record<string, string>>): Promise<Response> => {
    const state = consent.searchParams.get("state") ?? "";
    return fetch(`${consent.searchParams.get("redirect_uri")}?${new URLSearchParams({ state, ...parameters })}`);
  };

  it("exchanges the code of Zoho's redirect with the same redirect URI, and ignores requests without the state", async () => {
    let page: Promise<Response> | undefined;
    const { code, centre, redirectUri } = await signIn((consent) => {
      expect([...consent.searchParams]).toEqual(
        expect.arrayContaining([
          ["access_type", "offline"],
          ["prompt", "consent"],
        ]),
      );
      page = goBack(consent, { code: "evil", state: "guess" }).then((forged) => {
        expect(forged.status).toBe(400);
        return fetch(consent);
      });
    });
    expect((await page)?.status).toBe(200);
    expect([code, centre]).toEqual([expect.not.stringContaining("evil"), undefined]);
    expect((await exchangeCode(rig.http, client, code, { redirectUri })).refreshToken).toBeDefined();
  });

  it("follows to the user's data centre, and to no unknown server", async () => {
    const back = (server: string) =>
      signIn((consent) => void goBack(consent, { code: "c", "accounts-server": server }));
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
    const denied = await failureOf(signIn((consent) => void goBack(consent, { error: "access_denied" })));
    expect(denied).toMatchObject({ exitCode: 6, code: "access_denied" });
    vi.useFakeTimers({ toFake: ["setTimeout"] });
    const late = await failureOf(signIn(() => vi.advanceTimersByTime(300_000)));
    vi.useRealTimers();
    expect(late.message).toContain("was not completed within 300 s");
    const controller = new AbortController();
    const stopped = signIn(() => controller.abort(new Error("stopped")), controller.signal);
    expect((await failureOf(stopped)).message).toBe("stopped");
  });
});

it("reports a wrong secret if Zoho named the data centre", async () => {
  const wrong = { ...client, accountsUrl: "https://accounts.zoho.eu" };
  const reply = { status: 200, text: "", body: { error: "invalid_client" }, unreadable: false, date: undefined };
  const http = { send: async () => reply, close: async () => undefined };
  const failure = await failureOf(exchangeCode(http, wrong, "c", { isNamed: true }));
  expect(failure.message).toContain(
    "your account is in the data centre eu, and the client secret is not the one for it",
  );
  expect(failure.hint).toContain("the same credentials for all data centers");
});
