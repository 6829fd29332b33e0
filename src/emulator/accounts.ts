import { randomBytes } from "node:crypto";
import { isHttpUrl, isLoopback } from "../util/hosts.ts";
import { LOGIN_SCOPES } from "../zoho-api/scopes.ts";
import type { Answer, ApiRequest } from "./answer.ts";
import { consentPage, errorPage } from "./consent-page.ts";
import { PUBLISHED } from "./published.ts";
import { allows } from "./scopes.ts";
import { type AccountsState, type Grant, memberOf, type Refreshable } from "./state.ts";

const CONSENT_PATH = "/oauth/v2/auth";

const HOUR_MS = 3_600_000;
/** https://www.zoho.com/crm/developer/docs/api/v8/token-validity.html has the limits. */
const WINDOW_MS = 600_000;
const MAX_CODES = 10;
const MAX_REFRESHES = 10;
const MAX_ACCESS_TOKENS = 15;
const MAX_REFRESH_TOKENS = 20;

/** The accounts server of one data centre with one client. Like Zoho it answers errors with status 200. */
export class Accounts {
  readonly clientId = PUBLISHED.clientId;
  readonly clientSecret = PUBLISHED.clientSecret;
  /** Without the page on which a user clicks Accept. */
  consentsAtOnce = false;
  /** The API domain in token replies; default: this server. */
  apiDomain: string | undefined;
  /** The accounts servers in its list, by data centre; default: this server. */
  locations: Readonly<Record<string, string>> | undefined;
  readonly #now: () => number;

  readonly #state: { accounts: AccountsState };

  constructor(state: { accounts: AccountsState }, now: () => number) {
    this.#state = state;
    this.#now = now;
  }

  /** A code of the console's self client. */
  makeCode(scopes: readonly string[], grant: Pick<Grant, "redirectUri" | "isOnline"> = {}): string {
    const code = `1000.${token()}`;
    this.#state.accounts.grants[code] = { ...grant, scopes, expiresAt: this.#now() + 180_000 };
    return code;
  }

  /** A code within the limit of codes; undefined beyond it. */
  grant(...given: Parameters<Accounts["makeCode"]>): string | undefined {
    const { accounts } = this.#state;
    accounts.grantedAt = this.#recent(accounts.grantedAt);
    if (accounts.grantedAt.length >= MAX_CODES) return undefined;
    accounts.grantedAt.push(this.#now());
    return this.makeCode(...given);
  }

  makeRefreshToken(scopes: readonly string[]): string {
    const { refreshTokens } = this.#state.accounts;
    const refreshToken = `1000.${token()}`;
    refreshTokens[refreshToken] = { scopes, issuedAt: [] };
    const [oldest = "", ...others] = Object.keys(refreshTokens).filter((each) => each !== PUBLISHED.refreshToken);
    if (others.length >= MAX_REFRESH_TOKENS) this.#end(oldest);
    return refreshToken;
  }

  makeAccessToken(scopes: readonly string[], refreshToken?: string): string {
    const value = `1000.${token()}`;
    const { accessTokens } = this.#state.accounts;
    for (const [old, { expiresAt }] of Object.entries(accessTokens))
      if (expiresAt <= this.#now()) delete accessTokens[old];
    accessTokens[value] = { scopes, expiresAt: this.#now() + HOUR_MS, refreshToken };
    const own = Object.entries(accessTokens).filter(
      ([, each]) => refreshToken !== undefined && each.refreshToken === refreshToken,
    );
    if (own.length > MAX_ACCESS_TOKENS) delete accessTokens[own[0]?.[0] ?? ""];
    return value;
  }

  scopesOf(accessToken: string): readonly string[] | undefined {
    const access = memberOf(this.#state.accounts.accessTokens, accessToken);
    return access === undefined || access.expiresAt <= this.#now() ? undefined : access.scopes;
  }

  answer(request: ApiRequest, origin: string): Answer | undefined {
    const { method, path, form, query } = request;
    if (path === CONSENT_PATH && method === "GET") return this.#consent(query, origin, method);
    if (path === "/oauth/serverinfo")
      return { status: 200, body: { result: "success", locations: this.locations ?? { us: origin } } };
    if (path === "/oauth/user/info") return this.#userInfo(request);
    if (method !== "POST") return undefined;
    if (path === CONSENT_PATH) return this.#consent(form, origin, method);
    if (path === "/oauth/v2/token") return this.#token(form, origin);
    if (path === "/oauth/v2/token/revoke") return this.#revoke(form.get("token") ?? "");
    if (path !== "/oauth/v2/revoke/token") return undefined;
    const basic = Buffer.from(`${this.clientId}:${this.clientSecret}`).toString("base64");
    return request.headers.authorization === `Basic ${basic}`
      ? this.#revoke(form.get("token") ?? "")
      : failure("invalid_client");
  }

  /** Shows the page on which a user accepts or rejects, or sends the user back with the decision. */
  #consent(given: URLSearchParams, origin: string, method: "GET" | "POST"): Answer {
    const error = this.#consentError(given);
    if (error !== undefined) return errorPage(error);
    if (method === "GET" && !this.consentsAtOnce) return consentPage(given, scopesIn(given));
    const isAccepted = method === "GET" || given.get("decision") === "accept";
    // https://www.zoho.com/accounts/protocol/oauth/web-apps/authorization.html
    const isRepeated = given.get("prompt") !== "consent" && this.#hasConsent();
    const isOnline = given.get("access_type") !== "offline" || isRepeated;
    const redirectUri = given.get("redirect_uri") ?? "";
    const code = isAccepted ? this.grant(scopesIn(given), { redirectUri, isOnline }) : undefined;
    if (code === undefined) return backTo(given, { error: "access_denied" });
    return backTo(given, { location: "us", "accounts-server": origin, code });
  }

  /** Whether a refresh token of the consent page is active. */
  #hasConsent(): boolean {
    return Object.values(this.#state.accounts.refreshTokens).some(({ isConsented }) => isConsented);
  }

  /** Nothing is sent to a redirect URI that is not the client's: the client's are all those of this machine. */
  #consentError(given: URLSearchParams): string | undefined {
    const redirectUri = given.get("redirect_uri") ?? "";
    if (given.get("client_id") !== this.clientId) return "invalid_client";
    if (!isHttpUrl(redirectUri) || !isLoopback(new URL(redirectUri).hostname)) return "invalid_redirect_uri";
    if (given.get("response_type") !== "code") return "invalid_response_type";
    return scopesIn(given).length === 0 ? "invalid_scope" : undefined;
  }

  /** Who has signed in. */
  #userInfo({ headers }: ApiRequest): Answer {
    const scopes = this.scopesOf(tokenOf(headers) ?? "");
    if (scopes === undefined) return { status: 401, body: { error: "INVALID_OAUTHTOKEN" } };
    if (!allows(scopes, "AaaServer.profile", "GET")) return { status: 401, body: { error: "INVALID_OAUTHSCOPE" } };
    return { status: 200, body: PROFILE };
  }

  #token(form: URLSearchParams, origin: string): Answer {
    const isKnown = form.get("client_id") === this.clientId && form.get("client_secret") === this.clientSecret;
    if (!isKnown) return failure("invalid_client");
    if (form.get("grant_type") === "authorization_code") {
      const code = form.get("code") ?? "";
      const grant = memberOf(this.#state.accounts.grants, code);
      delete this.#state.accounts.grants[code];
      if (grant === undefined || grant.expiresAt < this.#now()) return failure("invalid_code");
      if (grant.redirectUri !== undefined && grant.redirectUri !== form.get("redirect_uri"))
        return failure("invalid_redirect_uri");
      const refreshToken = grant.isOnline === true ? undefined : this.makeRefreshToken(grant.scopes);
      const refreshable = memberOf(this.#state.accounts.refreshTokens, refreshToken ?? "");
      if (refreshable !== undefined) refreshable.isConsented = grant.redirectUri !== undefined;
      const answer = this.#issue(grant.scopes, refreshToken, origin);
      return { status: 200, body: { ...answer, ...(refreshToken !== undefined && { refresh_token: refreshToken }) } };
    }
    if (form.get("grant_type") !== "refresh_token") return failure("general_error");
    const refreshToken = form.get("refresh_token") ?? "";
    const known = this.#refreshable(refreshToken);
    if (known === undefined) return failure("invalid_code");
    known.issuedAt = this.#recent(known.issuedAt);
    if (known.issuedAt.length >= MAX_REFRESHES) {
      const error_description = "You have made too many requests continuously. Please try again after some time.";
      return { status: 200, body: { error_description, error: "Access Denied", status: "failure" } };
    }
    known.issuedAt.push(this.#now());
    return { status: 200, body: this.#issue(known.scopes, refreshToken, origin) };
  }

  /** The published one is there again after it was revoked. */
  #refreshable(refreshToken: string): Refreshable | undefined {
    const { refreshTokens } = this.#state.accounts;
    if (refreshToken === PUBLISHED.refreshToken) refreshTokens[refreshToken] ??= { scopes: ALL_SCOPES, issuedAt: [] };
    return memberOf(refreshTokens, refreshToken);
  }

  #issue(
    scopes: readonly string[],
    refreshToken: string | undefined,
    origin: string,
  ): Readonly<Record<string, unknown>> {
    const access_token = this.makeAccessToken(scopes, refreshToken);
    const api_domain = this.apiDomain ?? origin;
    return { access_token, scope: scopes.join(" "), api_domain, token_type: "Bearer", expires_in: 3600 };
  }

  #revoke(value: string): Answer {
    if (this.#refreshable(value) === undefined && memberOf(this.#state.accounts.accessTokens, value) === undefined)
      return { status: 400, body: "<html><body>Invalid token</body></html>", headers: { "content-type": "text/html" } };
    this.#end(value);
    return { status: 200, body: { status: "success" } };
  }

  /** Ends an access token, or a refresh token with its access tokens. */
  #end(value: string): void {
    const { refreshTokens, accessTokens } = this.#state.accounts;
    delete refreshTokens[value];
    for (const [access, { refreshToken }] of Object.entries(accessTokens))
      if (access === value || refreshToken === value) delete accessTokens[access];
  }

  #recent(times: readonly number[]): number[] {
    return times.filter((at) => at > this.#now() - WINDOW_MS);
  }
}

const PROFILE = {
  First_Name: "Patricia",
  Last_Name: "Boyle",
  Display_Name: "Patricia Boyle",
  Email: "patricia.boyle@example.com",
  ZUID: 60017840,
};
const { salesiq: _, ...OWN_SCOPES } = LOGIN_SCOPES;
/** Scopes of the published refresh token: all that is asked for here. */
const ALL_SCOPES = [
  ...new Set([
    ...Object.values(OWN_SCOPES).flat(),
    ...["ZohoCRM", "ZohoBigin", "ZohoRecruit"].flatMap((service) =>
      each(service, ["modules", "settings", "users", "org", "notifications", "coql"], ["ALL"]),
    ),
    "AaaServer.profile.READ",
    "ZohoCRM.settings.automation_actions.ALL",
    ...each("Desk", ["tickets", "contacts", "search", "agents", "basic", "settings"]),
    "ZohoBooks.fullaccess.all",
    "ZohoInventory.settings.UPDATE",
    "ZohoSign.documents.ALL",
  ]),
];

function each(service: string, groups: readonly string[], operations = ["READ", "CREATE", "UPDATE", "DELETE"]) {
  return groups.flatMap((group) => operations.map((operation) => `${service}.${group}.${operation}`));
}

/** Separated by commas, or by spaces as the standard has it. */
function scopesIn(given: URLSearchParams): readonly string[] {
  return (given.get("scope") ?? "").split(/[\s,]+/).filter((scope) => scope !== "");
}

function backTo(given: URLSearchParams, parameters: Readonly<Record<string, string>>): Answer {
  const target = new URL(given.get("redirect_uri") ?? "");
  const state = given.get("state");
  for (const [name, value] of Object.entries({ ...(state !== null && { state }), ...parameters }))
    target.searchParams.set(name, value);
  return { status: 302, headers: { location: target.href }, body: "" };
}

function failure(error: string): Answer {
  return { status: 200, body: { error } };
}

/** The access token of a request. Clients of OAuth 2.0 write `Bearer`. */
export function tokenOf({ authorization = "" }: ApiRequest["headers"]): string | undefined {
  return /^(?:Zoho-oauthtoken|Bearer) (\S+)$/i.exec(String(authorization))?.[1];
}

function token(): string {
  return randomBytes(16).toString("hex");
}
