import { UserError } from "../core/errors.ts";
import { oneLine } from "../core/one-line.ts";
import { dataCentreOf } from "./data-centres.ts";
import type { ZohoReply } from "./http.ts";
import { FIRST_SIGN_IN, type SignInAgain } from "./sign-in-again.ts";

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
export interface TokenQuestion {
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
