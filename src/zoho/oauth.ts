import { z } from "zod";
import { UserError } from "../core/errors.ts";
import type { Secret } from "../core/secret.ts";
import type { ZohoHttp, ZohoReply } from "./http.ts";
import { type TokenQuestion, tokenError } from "./oauth-error.ts";
import type { SignInAgain } from "./sign-in-again.ts";

/** Who asks: an OAuth client of https://api-console.zoho.com at the accounts server of its data centre. */
export interface OAuthClient {
  readonly accountsUrl: string;
  readonly clientId: string;
  readonly clientSecret: Secret;
}

export interface TokenReply {
  readonly accessToken: string;
  /** Missing in the reply to a refresh, and where offline access was not asked for. */
  readonly refreshToken: string | undefined;
  /** `https://www.zohoapis.eu`: where the organisation's API is, and the only right answer to that question. */
  readonly apiDomain: string | undefined;
  readonly lifetimeMs: number;
  /** What Zoho granted, where the reply says so. */
  readonly scopes: readonly string[] | undefined;
}

/**
 * The documented answer. `expires_in` is in seconds, but in milliseconds beside the legacy `expires_in_sec`.
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

/** Trades a grant code for tokens. A code works once, so this is tried again only where it surely did not arrive. */
export async function exchangeCode(
  http: ZohoHttp,
  client: OAuthClient,
  code: string,
  options: {
    readonly redirectUri?: string;
    /** Zoho itself has named the data centre. */
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
  const reply = await http.send({ method: "POST", url, form, repeatable: false, ...withSignal(signal) });
  return readTokens(reply, { grant: "code", accountsUrl: client.accountsUrl, isNamed });
}

/** A new access token. Zoho gives at most ten of them in ten minutes for one refresh token. */
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
  const reply = await http.send({ method: "POST", url, form, repeatable: true, ...withSignal(signal) });
  return readTokens(reply, { grant: "refresh", accountsUrl: client.accountsUrl, again });
}

/** Errors come as HTTP 200 with `{"error":…}`: what counts is whether a token is there. */
export function readTokens(reply: ZohoReply, asked: TokenQuestion): TokenReply {
  const parsed = tokenSchema.safeParse(reply.body);
  if (!parsed.success) throw tokenError(reply, asked);
  const { access_token, refresh_token, api_domain, expires_in, expires_in_sec, scope } = parsed.data;
  return {
    accessToken: access_token,
    refreshToken: refresh_token,
    apiDomain: api_domain === undefined || !URL.canParse(api_domain) ? undefined : new URL(api_domain).origin,
    lifetimeMs: (expires_in_sec ?? expires_in ?? DOCUMENTED_LIFETIME_S) * 1000,
    scopes: scope?.split(/[\s,]+/).filter((each) => each !== ""),
  };
}

/**
 * Revokes a refresh token and with it its access tokens. Throws unless Zoho says that it did: for a token that it
 * does not know it answers 400 with an HTML page.
 */
export async function revokeToken(
  http: ZohoHttp,
  accountsUrl: string,
  token: Secret,
  signal?: AbortSignal,
): Promise<void> {
  const url = `${accountsUrl}/oauth/v2/token/revoke`;
  const form = { token: token.reveal() };
  const reply = await http.send({ method: "POST", url, form, repeatable: true, ...withSignal(signal) });
  const body = z.looseObject({ status: z.string() }).safeParse(reply.body);
  if (body.success && body.data.status.toLowerCase() === "success") return;
  const isTheirs = reply.status >= 500;
  throw new UserError(
    "credentials",
    `${new URL(accountsUrl).host} did not revoke the token (HTTP ${reply.status}${reply.unreadable ? ", not JSON" : ""}): ${isTheirs ? "the failure is on Zoho's side" : "it does not know it, or it is revoked already"}`,
    isTheirs
      ? "try again in a while"
      : "look at the connected apps of your Zoho account, and remove this one there if it is still listed",
    "revoke_failed",
  );
}

function withSignal(signal: AbortSignal | undefined): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}
