import { randomBytes } from "node:crypto";
import type { Answer, ApiRequest } from "./answer.ts";
import { type AccountsState, memberOf } from "./state.ts";

const HOUR_MS = 3_600_000;
const WINDOW_MS = 600_000;
const HTML = "<html><body>Invalid token</body></html>";

/** The accounts server of one data centre with one client. Like Zoho it answers errors with status 200. */
export class Accounts {
  readonly clientId = "1000.STRICTCLIENT";
  readonly clientSecret = "strict-client-secret";
  /** Without the page on which a user clicks Accept. */
  consentsAtOnce = false;
  /** The API domain in token replies; default: this server. */
  apiDomain: string | undefined;
  /** The accounts servers in its list, by data centre. */
  locations: Readonly<Record<string, string>> = {
    us: "https://accounts.zoho.com",
    eu: "https://accounts.zoho.eu",
    sg: "https://accounts.zoho.sg",
  };
  readonly #now: () => number;

  readonly #state: { accounts: AccountsState };

  constructor(state: { accounts: AccountsState }, now: () => number) {
    this.#state = state;
    this.#now = now;
  }

  /** A code of the console's self client. */
  makeCode(scopes: readonly string[], redirectUri?: string): string {
    const code = `1000.${token()}`;
    this.#state.accounts.grants[code] = { scopes, expiresAt: this.#now() + 180_000, redirectUri };
    return code;
  }

  makeRefreshToken(scopes: readonly string[]): string {
    const refreshToken = `1000.${token()}`;
    this.#state.accounts.refreshTokens[refreshToken] = { scopes, issuedAt: [] };
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
    if (own.length > 15) delete accessTokens[own[0]?.[0] ?? ""];
    return value;
  }

  /** Revokes all access tokens, as Zoho does when the user ends the sessions of an app. */
  forgetAccessTokens(): void {
    this.#state.accounts.accessTokens = {};
  }

  scopesOf(accessToken: string): readonly string[] | undefined {
    const access = memberOf(this.#state.accounts.accessTokens, accessToken);
    return access === undefined || access.expiresAt <= this.#now() ? undefined : access.scopes;
  }

  answer(request: ApiRequest, origin: string): Answer | undefined {
    if (request.path === "/oauth/v2/auth") return this.#authorize(request, origin);
    if (request.path === "/oauth/serverinfo")
      return { status: 200, body: { result: "success", locations: this.locations } };
    if (request.method !== "POST") return undefined;
    if (request.path === "/oauth/v2/token") return this.#token(request.form, origin);
    if (request.path === "/oauth/v2/token/revoke") return this.#revoke(request.form);
    return undefined;
  }

  /** Consents at once, like a user who clicks Accept. */
  #authorize(request: ApiRequest, origin: string): Answer {
    const redirectUri = request.query.get("redirect_uri") ?? "";
    const target = new URL(redirectUri);
    const code = this.makeCode((request.query.get("scope") ?? "").split(","), redirectUri);
    target.searchParams.set("state", request.query.get("state") ?? "");
    target.searchParams.set("location", "us");
    target.searchParams.set("accounts-server", origin);
    target.searchParams.set("code", code);
    return { status: 302, headers: { location: target.href }, body: "" };
  }

  #token(form: URLSearchParams, origin: string): Answer {
    if (!this.#knows(form)) return failure("invalid_client");
    if (form.get("grant_type") === "authorization_code") {
      const code = form.get("code") ?? "";
      const grant = memberOf(this.#state.accounts.grants, code);
      delete this.#state.accounts.grants[code];
      if (grant === undefined || grant.expiresAt < this.#now()) return failure("invalid_code");
      if (grant.redirectUri !== undefined && grant.redirectUri !== form.get("redirect_uri")) {
        return failure("invalid_redirect_uri");
      }
      return this.#tokens(grant.scopes, origin);
    }
    if (form.get("grant_type") !== "refresh_token") return failure("general_error");
    const refreshToken = form.get("refresh_token") ?? "";
    const known = memberOf(this.#state.accounts.refreshTokens, refreshToken);
    if (known === undefined) return failure("invalid_code");
    known.issuedAt = known.issuedAt.filter((at) => at > this.#now() - WINDOW_MS);
    if (known.issuedAt.length >= 10) {
      return {
        status: 200,
        body: {
          error_description: "You have made too many requests continuously. Please try again after some time.",
          error: "Access Denied",
          status: "failure",
        },
      };
    }
    known.issuedAt.push(this.#now());
    return this.#reply(this.makeAccessToken(known.scopes, refreshToken), undefined, origin);
  }

  #tokens(scopes: readonly string[], origin: string): Answer {
    const refreshToken = this.makeRefreshToken(scopes);
    return this.#reply(this.makeAccessToken(scopes, refreshToken), refreshToken, origin);
  }

  #reply(accessToken: string, refreshToken: string | undefined, origin: string): Answer {
    return {
      status: 200,
      body: {
        access_token: accessToken,
        ...(refreshToken === undefined ? {} : { refresh_token: refreshToken }),
        scope: this.#state.accounts.accessTokens[accessToken]?.scopes.join(" "),
        api_domain: this.apiDomain ?? origin,
        token_type: "Bearer",
        expires_in: 3600,
      },
    };
  }

  #revoke(form: URLSearchParams): Answer {
    const value = form.get("token") ?? "";
    const { refreshTokens, accessTokens } = this.#state.accounts;
    if (memberOf(refreshTokens, value) === undefined && memberOf(accessTokens, value) === undefined)
      return { status: 400, body: HTML, headers: { "content-type": "text/html" } };
    delete refreshTokens[value];
    for (const [access, { refreshToken }] of Object.entries(accessTokens))
      if (access === value || refreshToken === value) delete accessTokens[access];
    return { status: 200, body: { status: "success" } };
  }

  #knows(form: URLSearchParams): boolean {
    return form.get("client_id") === this.clientId && form.get("client_secret") === this.clientSecret;
  }
}

function failure(error: string): Answer {
  return { status: 200, body: { error } };
}

function token(): string {
  return randomBytes(16).toString("hex");
}
