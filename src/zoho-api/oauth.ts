import { z } from "zod";
import type { Secret } from "../delivery/secrets.ts";
import { UserError } from "../util/errors.ts";
import { isRecord } from "../util/json.ts";
import { oneLine } from "../util/text.ts";
import { formatSpan } from "../util/units.ts";
import { dataCentreOf } from "./data-centres.ts";
import type { ZohoHttp, ZohoReply } from "./retrying-http.ts";
import { type OAuthClient, type SignInAgain, signInError } from "./sign-in.ts";

export interface TokenReply {
  readonly accessToken: string;
  /** Missing in the reply to a refresh, and without offline access. */
  readonly refreshToken: string | undefined;
  /** The organisation's API host, such as `https://www.zohoapis.eu`. */
  readonly apiDomain: string | undefined;
  readonly lifetimeMs: number;
  /** Granted scopes, if the reply names them. */
  readonly scopes: readonly string[] | undefined;
}

interface TokenOptions {
  readonly signal?: AbortSignal | undefined;
  /** How to replace the sign-in, if it is rejected. */
  readonly again?: SignInAgain;
  /** Zoho named the data centre, so it is the right one. */
  readonly isNamed?: boolean;
}

/** Exchanges a grant code for tokens. A code works once, so this is retried only if it certainly did not arrive. */
export function exchangeCode(
  http: ZohoHttp,
  client: OAuthClient,
  code: string,
  { redirectUri, ...options }: TokenOptions & { readonly redirectUri?: string } = {},
): Promise<TokenReply> {
  const form = { ...(redirectUri !== undefined && { redirect_uri: redirectUri }), code };
  return requestTokens(http, client, "authorization_code", form, options);
}

/** Gets a new access token. Zoho grants at most ten in ten minutes for one refresh token. */
export function refreshAccess(
  http: ZohoHttp,
  client: OAuthClient,
  refreshToken: Secret,
  options: TokenOptions = {},
): Promise<TokenReply> {
  return requestTokens(http, client, "refresh_token", { refresh_token: refreshToken.reveal() }, options);
}

type GrantType = "authorization_code" | "refresh_token";

const DOCUMENTED_LIFETIME_S = 3600;

/** Errors come as HTTP 200 with `{"error":…}`, so only a token means success. */
async function requestTokens(
  http: ZohoHttp,
  { accountsUrl, clientId, clientSecret }: OAuthClient,
  grant: GrantType,
  form: Readonly<Record<string, string>>,
  options: TokenOptions,
): Promise<TokenReply> {
  const reply = await http.send({
    method: "POST",
    url: `${accountsUrl}/oauth/v2/token`,
    form: { grant_type: grant, client_id: clientId, client_secret: clientSecret.reveal(), ...form },
    repeatable: grant === "refresh_token",
    signal: options.signal,
  });
  const parsed = tokenSchema.safeParse(reply.body);
  if (!parsed.success) throw tokenError(reply, accountsUrl, grant, options);
  const { access_token, refresh_token, api_domain = "", expires_in, expires_in_sec, scope } = parsed.data;
  return {
    accessToken: access_token,
    refreshToken: refresh_token,
    apiDomain: URL.canParse(api_domain) ? new URL(api_domain).origin : undefined,
    lifetimeMs: (expires_in_sec ?? expires_in ?? DOCUMENTED_LIFETIME_S) * 1000,
    scopes: scope?.split(/[\s,]+/).filter((each) => each !== ""),
  };
}

/**
 * `expires_in` is in seconds, but in milliseconds beside the legacy `expires_in_sec`.
 * https://zoho.com/accounts/protocol/oauth/self-client/authorization-code-flow.html
 */
const tokenSchema = z.looseObject({
  access_token: z.string().min(1),
  refresh_token: z.string().optional(),
  api_domain: z.string().optional(),
  expires_in: z.coerce.number().optional(),
  expires_in_sec: z.coerce.number().optional(),
  scope: z.string().optional(),
});

/** The error in the answer of a token endpoint. The status says little: errors also come as 200. */
function tokenError(reply: ZohoReply, accountsUrl: string, grant: GrantType, options: TokenOptions): UserError {
  const { host } = new URL(accountsUrl);
  const error = isRecord(reply.body) ? reply.body.error : undefined;
  if (typeof error !== "string" && reply.status !== 429) {
    if (reply.status >= 500) {
      const message = `${host} answered the token request with HTTP ${reply.status}: the failure is on Zoho's side`;
      return new UserError("zohoApi", message, "try again in a while", "unavailable");
    }
    return signInError(
      `${host} answered the token request with HTTP ${reply.status} and ${reply.unreadable ? "something that is not JSON" : "neither a token nor an error"}`,
      "check ZOHO_ACCOUNTS_URL and the data centre, and try again",
      "token_unreadable",
    );
  }
  const word = oneLine(String(error).toLowerCase());
  if (word === "access denied" || reply.status === 429) return throttledBy(host, reply);
  const [meaning, hint] = explain(word, accountsUrl, grant, options);
  return signInError(`${host} refused (${word}): ${meaning}`, hint, word.replaceAll(/[^a-z0-9]+/g, "_"));
}

const FIRST_SIGN_IN: SignInAgain = {
  how: "zoho-hooks login",
  elsewhere: "zoho-hooks login --dc auto finds the data centre",
};

/** In the wrong data centre right credentials look wrong, and the answer does not say which it is. */
function explain(
  word: string,
  accountsUrl: string,
  grant: GrantType,
  { isNamed = false, again = FIRST_SIGN_IN }: TokenOptions,
): readonly [meaning: string, hint: string] {
  const id = dataCentreOf(accountsUrl)?.id;
  const elsewhere =
    id === undefined
      ? "this server does not belong to the organisation's data centre"
      : `the organisation is not in the data centre ${id}`;
  const find = id === undefined ? "check ZOHO_ACCOUNTS_URL" : again.elsewhere;
  switch (word) {
    case "invalid_client":
    case "invalid_client_secret":
      return isNamed
        ? [
            `your account is in the data centre ${id ?? accountsUrl}, and the client secret is not the one for it`,
            "use the secret that https://api-console.zoho.com shows for it, or let the client use the same credentials for all data centers",
          ]
        : [
            `the client id or secret is wrong, or ${elsewhere}`,
            `check both at https://api-console.zoho.com, where each data centre may have its own secret; ${find}`,
          ];
    case "invalid_code":
      if (grant === "refresh_token")
        return [`the refresh token was revoked or replaced, or ${elsewhere}`, `sign in again: ${again.how}; ${find}`];
      return [
        `the code was already used or has expired (it is valid for a few minutes)${isNamed ? "" : `, or ${elsewhere}`}`,
        isNamed ? "start again" : `generate a new code and use it at once; ${find}`,
      ];
    case "invalid_redirect_uri":
      return [
        "the redirect URI is not the one registered for the client",
        "register exactly the URI that was shown, or use a self client and --code",
      ];
    case "access_denied":
      return [
        "access was denied, or more than ten codes were created in ten minutes",
        "wait ten minutes and try again",
      ];
    default:
      return ["zoho-hooks does not know this error", `check the client, the scopes and the data centre: ${find}`];
  }
}

/** A 429 without `Retry-After` says nothing of the limit for refresh tokens, and may even come from a proxy. */
const DEFAULT_PAUSE_MS = 30_000;
/** https://www.zoho.com/crm/developer/docs/api/v8/token-validity.html */
export const REFRESH_WINDOW_MS = 600_000;

/** No access token for now: the accounts server accepts no requests, or would not accept another. */
export class ThrottledError extends UserError {
  readonly pauseMs: number;
  /** False if Zoho named its limit for a refresh token. */
  readonly is429: boolean;

  constructor(message: string, pauseMs: number, { is429 = false, limit = "" } = {}) {
    super("credentials", message, `wait ${formatSpan(pauseMs)}, then try again${limit}`, "token_throttled");
    this.pauseMs = pauseMs;
    this.is429 = is429;
  }
}

function throttledBy(host: string, { status, retryAfterMs = DEFAULT_PAUSE_MS }: ZohoReply): ThrottledError {
  const is429 = status === 429;
  const pauseMs = is429 ? Math.max(1_000, retryAfterMs) : REFRESH_WINDOW_MS;
  const limit = is429 ? "" : ": Zoho grants at most ten access tokens per refresh token in ten minutes";
  const message = `${host} rate-limited the sign-in (${is429 ? "HTTP 429" : "Access Denied"})`;
  return new ThrottledError(message, pauseMs, { is429, limit });
}

/** Revokes a refresh token and its access tokens. For a token that it does not know, Zoho answers 400 with an HTML page. */
export async function revokeToken(
  http: ZohoHttp,
  accountsUrl: string,
  token: Secret,
  signal?: AbortSignal,
): Promise<void> {
  const url = `${accountsUrl}/oauth/v2/token/revoke`;
  const form = { token: token.reveal() };
  const reply = await http.send({ method: "POST", url, form, repeatable: true, signal });
  if (isRecord(reply.body) && /^success$/i.test(String(reply.body.status))) return;
  const isZohoFailure = reply.status >= 500;
  throw signInError(
    `${new URL(accountsUrl).host} did not revoke the token (HTTP ${reply.status}${reply.unreadable ? ", not JSON" : ""}): ${isZohoFailure ? "the failure is on Zoho's side" : "it is unknown there, or already revoked"}`,
    isZohoFailure
      ? "try again in a while"
      : "check the connected apps of your Zoho account, and remove this one if it is still listed",
    "revoke_failed",
  );
}
