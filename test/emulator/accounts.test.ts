import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Emulator, openEmulator } from "../../src/emulator/emulator.ts";
import { PUBLISHED } from "../../src/emulator/published.ts";

const packageRoot = fileURLToPath(new URL("../..", import.meta.url));
const { clientId, clientSecret, refreshToken } = PUBLISHED;
const client = { client_id: clientId, client_secret: clientSecret };
const REDIRECT = "http://localhost:4464/callback?a=b";
const ASKED = {
  response_type: "code",
  client_id: clientId,
  scope: "ZohoCRM.modules.READ,Desk.basic.READ",
  redirect_uri: REDIRECT,
  access_type: "offline",
  state: "s t&te",
};

let emulator: Emulator;
let nowMs: number;
beforeEach(async () => {
  nowMs = Date.parse("2026-05-01T10:00:00Z");
  emulator = await openEmulator({ port: 0, packageRoot, env: {}, now: () => new Date(nowMs) });
});
afterEach(() => emulator.close());

type Parameters = Readonly<Record<string, string>>;

async function post(path: string, form: Parameters, headers: Parameters = {}) {
  const body = new URLSearchParams(form);
  const response = await fetch(emulator.url + path, { method: "POST", body, headers, redirect: "manual" });
  const text = await response.text();
  return { status: response.status, text, location: response.headers.get("location") };
}
async function tokens(form: Parameters) {
  return JSON.parse((await post("/oauth/v2/token", { ...client, ...form })).text);
}
const refresh = (token: string = refreshToken) => tokens({ grant_type: "refresh_token", refresh_token: token });
const exchange = (code: string, more: Parameters = {}) => tokens({ grant_type: "authorization_code", code, ...more });
const ask = (more: Parameters = {}) =>
  fetch(`${emulator.url}/oauth/v2/auth?${new URLSearchParams({ ...ASKED, ...more })}`, { redirect: "manual" });
const decide = (decision: string, more: Parameters = {}, headers: Parameters = {}) =>
  post("/oauth/v2/auth", { ...ASKED, ...more, decision }, headers);
const statusWith = async (accessToken: string) => {
  const headers = { authorization: `Zoho-oauthtoken ${accessToken}` };
  return (await fetch(`${emulator.url}/api/v1/organizations`, { headers })).status;
};
const acceptedCode = async (more: Parameters = {}) => {
  const target = new URL((await decide("accept", more)).location ?? "");
  return target.searchParams.get("code") ?? target.searchParams.get("error") ?? "";
};

describe("the consent page", () => {
  it("names client and scopes, and posts the request back as it was", async () => {
    const response = await ask({ state: `"><script>alert(1)</script>`, decision: "accept" });
    const html = await response.text();
    expect(response.status).toBe(200);
    expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
    for (const text of [clientId, "ZohoCRM.modules.READ", "Desk.basic.READ"]) expect(html).toContain(text);
    expect(html).not.toContain("<script>");
    expect(html).toContain("&#34;&#62;&#60;script&#62;");
    // The answer is the user's, not the link's.
    expect(html.match(/name="decision"/g)).toHaveLength(2);
    expect(html).not.toContain('type="hidden" name="decision"');
  });

  it("redirects with a code and the state when the user accepts", async () => {
    const { status, location } = await decide("accept");
    const target = new URL(location ?? "");
    expect(status).toBe(302);
    expect(target.origin + target.pathname).toBe("http://localhost:4464/callback");
    expect(Object.fromEntries(target.searchParams)).toEqual({
      a: "b",
      state: "s t&te",
      location: "us",
      "accounts-server": emulator.url,
      code: expect.stringMatching(/^1000\./),
    });
    const code = target.searchParams.get("code") ?? "";
    const granted = await exchange(code, { redirect_uri: REDIRECT });
    expect(granted).toMatchObject({ scope: "ZohoCRM.modules.READ Desk.basic.READ", api_domain: emulator.url });
    expect(await statusWith(granted.access_token)).toBe(200);
    expect(await exchange(code, { redirect_uri: REDIRECT })).toEqual({ error: "invalid_code" });
  });

  it("redirects with access_denied when the user rejects", async () => {
    const target = new URL((await decide("reject")).location ?? "");
    expect(Object.fromEntries(target.searchParams)).toEqual({ a: "b", state: "s t&te", error: "access_denied" });
  });

  it.each([
    [{ client_id: "1000.OTHER" }, "invalid_client"],
    [{ redirect_uri: "https://evil.example/callback" }, "invalid_redirect_uri"],
    [{ redirect_uri: "javascript:alert(1)" }, "invalid_redirect_uri"],
    [{ redirect_uri: "/callback" }, "invalid_redirect_uri"],
    [{ response_type: "token" }, "invalid_response_type"],
    [{ scope: " , " }, "invalid_scope"],
  ])("sends nothing anywhere for %j", async (more, error) => {
    const shown = await ask(more);
    expect([shown.status, shown.headers.get("location")]).toEqual([400, null]);
    expect(await shown.text()).toContain(error);
    expect(await decide("accept", more)).toMatchObject({ status: 400, location: null });
  });

  it("is accepted by its own page only", async () => {
    expect(await decide("accept", {}, { origin: "http://evil.example" })).toMatchObject({ status: 403 });
    expect(await decide("accept", {}, { origin: "null" })).toMatchObject({ status: 403 });
    expect(await decide("accept", {}, { origin: emulator.url })).toMatchObject({ status: 302 });
  });

  it("gives a refresh token only for offline access", async () => {
    const online = await exchange(await acceptedCode({ access_type: "online" }), { redirect_uri: REDIRECT });
    expect(online.access_token).toMatch(/^1000\./);
    expect(online.refresh_token).toBeUndefined();
    const offline = await exchange(await acceptedCode(), { redirect_uri: REDIRECT });
    expect((await refresh(offline.refresh_token)).access_token).toMatch(/^1000\./);
  });

  it("gives a second refresh token only with prompt=consent", async () => {
    const consented = async (more = {}) =>
      (await exchange(await acceptedCode(more), { redirect_uri: REDIRECT })).refresh_token as string | undefined;
    const first = await consented();
    expect(await consented()).toBeUndefined();
    expect(await consented({ prompt: "consent" })).toBeDefined();
    await post("/oauth/v2/token/revoke", { token: first ?? "" });
    expect(await consented()).toBeUndefined();
    emulator.reset();
    expect(await consented()).toBeDefined();
  });

  it("wants the same redirect URI for the exchange", async () => {
    const redirect_uri = "http://localhost:4464/other";
    expect(await exchange(await acceptedCode(), { redirect_uri })).toEqual({ error: "invalid_redirect_uri" });
  });
});

describe("the published refresh token", () => {
  it("has every scope, also after a reset and after it was revoked", async () => {
    const granted = await refresh();
    expect(granted.scope.split(" ")).toEqual(
      expect.arrayContaining(["ZohoCRM.notifications.ALL", "Desk.webhooks.CREATE", "ZohoBooks.settings.READ"]),
    );
    expect(granted.refresh_token).toBeUndefined();
    emulator.reset();
    expect(await statusWith((await refresh()).access_token)).toBe(200);
    expect(await post("/oauth/v2/token/revoke", { token: refreshToken })).toMatchObject({ status: 200 });
    expect(await statusWith((await refresh()).access_token)).toBe(200);
  });

  it.each([
    ["GET", "/crm/v8/Leads?fields=Last_Name"],
    ["GET", "/bigin/v2/settings/modules"],
    ["GET", "/recruit/v2/users"],
    ["GET", "/crm/v8/org"],
    ["PATCH", "/crm/v8/actions/watch"],
    ["GET", "/crm/v8/settings/automation/webhooks/actions/failures"],
    ["DELETE", "/api/v1/webhooks/1"],
    ["PATCH", "/api/v1/tickets/1"],
    ["POST", "/api/v1/contacts"],
    ["DELETE", "/books/v3/invoices/1?organization_id=10234695"],
    ["PUT", "/books/v3/items/1?organization_id=10234695"],
    ["GET", "/inventory/v1/settings/webhooks?organization_id=10234695"],
    ["GET", "/api/v1/accounts/webhooks"],
    ["POST", "/api/v1/requests"],
  ])("may call %s %s", async (method, path) => {
    const { access_token } = await refresh();
    const headers = { authorization: `Zoho-oauthtoken ${access_token}`, orgid: "60017843" };
    const { status } = await fetch(emulator.url + path, { method, headers });
    expect([401, 403]).not.toContain(status);
  });

  it("is the client's alone", async () => {
    const form = { grant_type: "refresh_token", refresh_token: refreshToken };
    expect(await tokens({ ...form, client_secret: "another" })).toEqual({ error: "invalid_client" });
    expect(await tokens({ ...form, refresh_token: "toString" })).toEqual({ error: "invalid_code" });
  });
});

describe("the limits", () => {
  it("are ten access tokens of a refresh token in ten minutes", async () => {
    for (let i = 0; i < 10; i++) expect(await refresh()).toHaveProperty("access_token");
    expect(await refresh()).toMatchObject({ error: "Access Denied" });
    nowMs += 600_001;
    expect(await refresh()).toHaveProperty("access_token");
  });

  it("are fifteen active access tokens of a refresh token: the oldest ends", async () => {
    const all: string[] = [];
    for (let i = 0; i < 16; i++) {
      if (i % 10 === 0) nowMs += 600_001;
      all.push((await refresh()).access_token);
    }
    const statuses = await Promise.all(all.map(statusWith));
    expect(statuses).toEqual([401, ...Array(15).fill(200)]);
  });

  it("are twenty refresh tokens: the oldest ends with its access tokens, and never the published one", async () => {
    const published = await refresh();
    const granted: { access_token: string; refresh_token: string }[] = [];
    for (let i = 0; i < 21; i++)
      granted.push(await exchange(emulator.organisation.accounts.makeCode(["Desk.basic.READ"])));
    const [first, second] = granted;
    expect(await refresh(first?.refresh_token)).toEqual({ error: "invalid_code" });
    expect(await statusWith(first?.access_token ?? "")).toBe(401);
    expect(await statusWith(second?.access_token ?? "")).toBe(200);
    expect(await statusWith(published.access_token)).toBe(200);
  });

  it("are ten codes in ten minutes", async () => {
    for (let i = 0; i < 10; i++) expect(await acceptedCode()).toMatch(/^1000\./);
    expect(await acceptedCode()).toBe("access_denied");
    const body = JSON.stringify({ scope: "Desk.basic.READ" });
    const denied = await fetch(`${emulator.url}/_emulator/code`, { method: "POST", body });
    expect([denied.status, await denied.json()]).toEqual([
      400,
      { error: expect.stringMatching(/access_denied/), hint: expect.any(String) },
    ]);
    emulator.advance(600_001);
    expect(await acceptedCode()).toMatch(/^1000\./);
  });

  it("are an hour for an access token and three minutes for a code", async () => {
    const { access_token } = await refresh();
    const code = emulator.organisation.accounts.makeCode([]);
    nowMs += 180_001;
    expect(await exchange(code)).toEqual({ error: "invalid_code" });
    expect(await statusWith(access_token)).toBe(200);
    nowMs += 3_420_000;
    expect(await statusWith(access_token)).toBe(401);
  });
});

describe("revoking", () => {
  const basic = (secret: string) => ({
    authorization: `Basic ${Buffer.from(`${clientId}:${secret}`).toString("base64")}`,
  });
  const granted = () => exchange(emulator.organisation.accounts.makeCode(["Desk.basic.READ"]));

  it("takes the token in the query or the form", async () => {
    const [one, two] = [await granted(), await granted()];
    expect(await post(`/oauth/v2/token/revoke?token=${one.refresh_token}`, {})).toMatchObject({ status: 200 });
    expect(await post("/oauth/v2/token/revoke", { token: two.access_token })).toMatchObject({ status: 200 });
    expect(await refresh(one.refresh_token)).toEqual({ error: "invalid_code" });
    expect([await statusWith(one.access_token), await statusWith(two.access_token)]).toEqual([401, 401]);
    expect(await refresh(two.refresh_token)).toHaveProperty("access_token");
  });

  it("takes the token with the client in the header, at its newer address", async () => {
    const { refresh_token: token, access_token } = await granted();
    const form = { token, token_type: "refresh_token" };
    expect((await post("/oauth/v2/revoke/token", form, basic("wrong"))).text).toBe('{"error":"invalid_client"}');
    expect(await statusWith(access_token)).toBe(200);
    expect((await post("/oauth/v2/revoke/token", form, basic(clientSecret))).text).toBe('{"status":"success"}');
    expect(await statusWith(access_token)).toBe(401);
  });

  it("answers HTML for an unknown token, as Zoho does", async () => {
    const { status, text } = await post("/oauth/v2/token/revoke", { token: "1000.unknown" });
    expect([status, text]).toEqual([400, expect.stringContaining("<html>")]);
  });
});

it("names only itself as accounts server, by the address that the client used", async () => {
  const url = emulator.url.replace("127.0.0.1", "localhost");
  const list = await (await fetch(`${url}/oauth/serverinfo`)).json();
  expect(list).toEqual({ result: "success", locations: { us: url } });
});
