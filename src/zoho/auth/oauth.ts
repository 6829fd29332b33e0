import { z } from "zod";
import type { Secret } from "../../body/secret.ts";
import { UserError } from "../../util/errors.ts";
import { oneLine } from "../../util/text.ts";
import { dataCentreOf } from "../data-centres.ts";
import type { ZohoHttp, ZohoReply } from "../http.ts";
import { FIRST_SIGN_IN, type OAuthClient, type SignInAgain } from "./sign-in.ts";

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

/** Zoho has said that tokens were asked for too often; asking again before long only prolongs it. */
export class ThrottledError extends UserError {
  constructor(accountsUrl: string) {
    super(
      "credentials",
      `${new URL(accountsUrl).host} gives out no token for now: there were too many requests for one in a short time`,
      "wait ten minutes: Zoho gives out at most ten access tokens per refresh token in that time",
      "token_throttled",
    );
  }
}

/** What a token was asked for with, and where. */
interface TokenQuestion {
  readonly grant: "code" | "refresh" | "device";
  readonly accountsUrl: string;
  /** Zoho itself has named this data centre, so that it is the right one. */
  readonly isNamed?: boolean | undefined;
  /** How to take the place of the sign-in that was refused. */
  readonly again?: SignInAgain | undefined;
}

/** What a token endpoint said instead of giving a token. The status says nothing: errors come as 200, too. */
export function tokenError(reply: ZohoReply, asked: TokenQuestion): UserError {
  const { accountsUrl } = asked;
  const word = errorWord(reply.body);
  const host = new URL(accountsUrl).host;
  if (word === "access denied" || reply.status === 429) return new ThrottledError(accountsUrl);
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
  const { meaning, hint } = explain(word, asked);
  return new UserError(
    "credentials",
    `${host} refused (${word}): ${meaning}`,
    hint,
    word.replaceAll(/[^a-z0-9]+/g, "_"),
  );
}

/** The `error` of a reply, lower case; undefined where there is none. */
export function errorWord(body: unknown): string | undefined {
  if (typeof body !== "object" || body === null || !("error" in body)) return undefined;
  return typeof body.error === "string" ? oneLine(body.error.toLowerCase()) : undefined;
}

interface Explanation {
  readonly meaning: string;
  readonly hint: string;
}

/** To another data centre the credentials look wrong, and nothing in its answer tells that from wrong ones. */
function explain(
  word: string,
  { grant, accountsUrl, isNamed = false, again = FIRST_SIGN_IN }: TokenQuestion,
): Explanation {
  const id = dataCentreOf(accountsUrl)?.id;
  const elsewhere =
    id === undefined
      ? "this server belongs to another data centre than the organisation"
      : `the organisation is not in the data centre ${id}, which was asked`;
  const find = id === undefined ? "check ZOHO_ACCOUNTS_URL" : again.elsewhere;
  switch (word) {
    case "invalid_client":
    case "invalid_client_secret":
      return isNamed
        ? {
            meaning: `Zoho says that your account is in the data centre ${id ?? accountsUrl}, and the client secret is not the one for it`,
            hint: "take the secret that https://api-console.zoho.com shows for it, or let the client use the same credentials for all data centers",
          }
        : {
            meaning: `the client id or secret is wrong, or ${elsewhere}`,
            hint: `compare both with https://api-console.zoho.com, where each data centre may have its own secret; ${find}`,
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
        meaning: "the redirect address is not the one registered for the client",
        hint: "register exactly the address that was shown, or use a self client and --code",
      };
    case "access_denied":
      return grant === "device"
        ? { meaning: "the request was turned down", hint: "start again and accept it" }
        : {
            meaning: "access was denied, or more than ten codes were made in ten minutes",
            hint: "wait ten minutes and try again",
          };
    case "expired":
      return { meaning: "the code was not confirmed in time", hint: "start again: a code is valid for five minutes" };
    default:
      return {
        meaning: "zoho-hooks does not know this error",
        hint: `check the client, the scopes and the data centre: ${find}`,
      };
  }
}
