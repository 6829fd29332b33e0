import { z } from "zod";
import type { Secret } from "../delivery/secret.ts";
import { UserError } from "../util/errors.ts";
import { oneLine } from "../util/text.ts";
import { formatSpan } from "../util/units.ts";
import { dataCentreOf } from "./data-centres.ts";
import type { ZohoHttp, ZohoReply } from "./http.ts";
import { FIRST_SIGN_IN, type OAuthClient, type SignInAgain } from "./sign-in.ts";

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

const DOCUMENTED_LIFETIME_S = 3600;

/** Exchanges a grant code for tokens. A code works once, so this is retried only if it certainly did not arrive. */
export async function exchangeCode(
  http: ZohoHttp,
  client: OAuthClient,
  code: string,
  options: {
    readonly redirectUri?: string;
    /** Zoho named the data centre. */
    readonly isNamed?: boolean;
    readonly signal?: AbortSignal;
  } = {},
): Promise<TokenReply> {
  const { redirectUri, isNamed, signal } = options;
  const form = {
    grant_type: "authorization_code",
    client_id: client.clientId,
    client_secret: client.clientSecret.reveal(),
    ...(redirectUri === undefined ? {} : { redirect_uri: redirectUri }),
    code,
  };
  const url = `${client.accountsUrl}/oauth/v2/token`;
  const reply = await http.send({ method: "POST", url, form, repeatable: false, signal });
  return readTokens(reply, { grant: "code", accountsUrl: client.accountsUrl, isNamed });
}

/** Gets a new access token. Zoho grants at most ten in ten minutes for one refresh token. */
export async function refreshAccess(
  http: ZohoHttp,
  client: OAuthClient,
  refreshToken: Secret,
  { signal, again }: { readonly signal?: AbortSignal | undefined; readonly again?: SignInAgain } = {},
): Promise<TokenReply> {
  const form = {
    grant_type: "refresh_token",
    client_id: client.clientId,
    client_secret: client.clientSecret.reveal(),
    refresh_token: refreshToken.reveal(),
  };
  const url = `${client.accountsUrl}/oauth/v2/token`;
  const reply = await http.send({ method: "POST", url, form, repeatable: true, signal });
  return readTokens(reply, { grant: "refresh", accountsUrl: client.accountsUrl, again });
}

/** Errors come as HTTP 200 with `{"error":…}`, so only a token means success. */
function readTokens(reply: ZohoReply, request: TokenRequest): TokenReply {
  const parsed = tokenSchema.safeParse(reply.body);
  if (!parsed.success) throw tokenError(reply, request);
  const { access_token, refresh_token, api_domain, expires_in, expires_in_sec, scope } = parsed.data;
  return {
    accessToken: access_token,
    refreshToken: refresh_token,
    apiDomain: api_domain === undefined || !URL.canParse(api_domain) ? undefined : new URL(api_domain).origin,
    lifetimeMs: (expires_in_sec ?? expires_in ?? DOCUMENTED_LIFETIME_S) * 1000,
    scopes: scope?.split(/[\s,]+/).filter((each) => each !== ""),
  };
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
  const body = z.looseObject({ status: z.string() }).safeParse(reply.body);
  if (body.success && body.data.status.toLowerCase() === "success") return;
  const isZohoFailure = reply.status >= 500;
  throw new UserError(
    "credentials",
    `${new URL(accountsUrl).host} did not revoke the token (HTTP ${reply.status}${reply.unreadable ? ", not JSON" : ""}): ${isZohoFailure ? "the failure is on Zoho's side" : "it is unknown there, or already revoked"}`,
    isZohoFailure
      ? "try again in a while"
      : "check the connected apps of your Zoho account, and remove this one if it is still listed",
    "revoke_failed",
  );
}

/** A 429 without `Retry-After` says nothing of the limit for refresh tokens, and may even come from a proxy. */
const DEFAULT_PAUSE_MS = 30_000;
/** https://www.zoho.com/crm/developer/docs/api/v8/token-validity.html */
export const REFRESH_WINDOW_MS = 600_000;

/** The accounts server accepts no token requests for now. */
export class ThrottledError extends UserError {
  readonly pauseMs: number;
  /** False if Zoho named its limit for a refresh token. */
  readonly is429: boolean;

  constructor(accountsUrl: string, { status, retryAfterMs }: ZohoReply) {
    const is429 = status === 429;
    const pauseMs = is429 ? Math.max(1_000, retryAfterMs ?? DEFAULT_PAUSE_MS) : REFRESH_WINDOW_MS;
    const limit = is429 ? "" : ": Zoho grants at most ten access tokens per refresh token in ten minutes";
    super(
      "credentials",
      `${new URL(accountsUrl).host} rate-limited the sign-in (${is429 ? "HTTP 429" : "Access Denied"})`,
      `wait ${formatSpan(pauseMs)}, then try again${limit}`,
      "token_throttled",
    );
    this.pauseMs = pauseMs;
    this.is429 = is429;
  }
}

interface TokenRequest {
  readonly grant: "code" | "refresh";
  readonly accountsUrl: string;
  /** Zoho named this data centre, so it is the right one. */
  readonly isNamed?: boolean | undefined;
  /** How to replace the sign-in that was rejected. */
  readonly again?: SignInAgain | undefined;
}

/** The error in the answer of a token endpoint. The status says little: errors also come as 200. */
export function tokenError(reply: ZohoReply, request: TokenRequest): UserError {
  const { accountsUrl } = request;
  const word = errorWord(reply.body);
  const host = new URL(accountsUrl).host;
  if (word === "access denied" || reply.status === 429) return new ThrottledError(accountsUrl, reply);
  if (word === undefined && reply.status >= 500) {
    const message = `${host} answered the token request with HTTP ${reply.status}: the failure is on Zoho's side`;
    return new UserError("zohoApi", message, "try again in a while", "unavailable");
  }
  if (word === undefined) {
    return new UserError(
      "credentials",
      `${host} answered the token request with HTTP ${reply.status} and ${reply.unreadable ? "something that is not JSON" : "neither a token nor an error"}`,
      "check ZOHO_ACCOUNTS_URL and the data centre, and try again",
      "token_unreadable",
    );
  }
  const { meaning, hint } = explain(word, request);
  return new UserError(
    "credentials",
    `${host} refused (${word}): ${meaning}`,
    hint,
    word.replaceAll(/[^a-z0-9]+/g, "_"),
  );
}

/** The `error` of a reply, in lower case. */
function errorWord(body: unknown): string | undefined {
  if (typeof body !== "object" || body === null || !("error" in body)) return undefined;
  return typeof body.error === "string" ? oneLine(body.error.toLowerCase()) : undefined;
}

/** In the wrong data centre right credentials look wrong, and the answer does not say which it is. */
function explain(
  word: string,
  { grant, accountsUrl, isNamed = false, again = FIRST_SIGN_IN }: TokenRequest,
): { readonly meaning: string; readonly hint: string } {
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
        ? {
            meaning: `your account is in the data centre ${id ?? accountsUrl}, and the client secret is not the one for it`,
            hint: "use the secret that https://api-console.zoho.com shows for it, or let the client use the same credentials for all data centers",
          }
        : {
            meaning: `the client id or secret is wrong, or ${elsewhere}`,
            hint: `check both at https://api-console.zoho.com, where each data centre may have its own secret; ${find}`,
          };
    case "invalid_code":
      return grant === "refresh"
        ? {
            meaning: `the refresh token was revoked or replaced, or ${elsewhere}`,
            hint: `sign in again: ${again.how}; ${find}`,
          }
        : {
            meaning: `the code was already used or has expired (it is valid for a few minutes)${isNamed ? "" : `, or ${elsewhere}`}`,
            hint: isNamed ? "start again" : `generate a new code and use it at once; ${find}`,
          };
    case "invalid_redirect_uri":
      return {
        meaning: "the redirect URI is not the one registered for the client",
        hint: "register exactly the URI that was shown, or use a self client and --code",
      };
    case "access_denied":
      return {
        meaning: "access was denied, or more than ten codes were created in ten minutes",
        hint: "wait ten minutes and try again",
      };
    default:
      return {
        meaning: "zoho-hooks does not know this error",
        hint: `check the client, the scopes and the data centre: ${find}`,
      };
  }
}
