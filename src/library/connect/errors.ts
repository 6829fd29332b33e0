import { ExitCode, UserError } from "../../util/errors.ts";
import { ZohoApiError } from "../../zoho-api/errors.ts";
import { ThrottledError } from "../../zoho-api/oauth.ts";
import { ZohoError } from "./zoho-error.ts";

/** The error of a shared function as an app gets it. Its hints name options of `connectZoho`, where the command line's name commands. */
export function asZohoError(error: unknown, resume?: string): unknown {
  if (error instanceof ZohoError && error.resume !== resume)
    return new ZohoError(error.message, { ...error, resume: error.resume ?? resume });
  if (!(error instanceof UserError)) return error;
  const { message, exitCode } = error;
  const code = exitCode === ExitCode.usage ? "misuse" : error.code;
  const kind = error instanceof ZohoApiError ? error.kind : code;
  return new ZohoError(message, {
    code,
    // A mistake in a value: the remedy is the right one.
    hint: code === "misuse" ? error.hint : HINTS[kind],
    status: error instanceof ZohoApiError ? error.status : undefined,
    retryAfterMs: retryAfterOf(error),
    isSignIn: exitCode === ExitCode.credentials && code !== "token_throttled",
    resume,
    cause: error,
  });
}

function retryAfterOf(error: UserError): number | undefined {
  if (error instanceof ZohoApiError) return error.retryAfterMs;
  return error instanceof ThrottledError ? error.pauseMs : undefined;
}

/** `timeoutMs` is over. */
export function timedOut(timeoutMs: number, resume?: string): ZohoError {
  const hint =
    resume === undefined
      ? "call it again: what was begun is continued, and nothing is done twice"
      : "call it again with `resume` of this error";
  return new ZohoError(`not done within ${timeoutMs / 1000} s`, { code: "no_answer", hint, resume });
}

const NEW_TOKEN =
  "make a new refresh token at https://api-console.zoho.com, with all scopes that the app needs, and set refreshToken to it";
const AGAIN = "call it again";
const WAIT = "wait, and make fewer calls at once: CRM counts its credits over a rolling 24 hours";
const ALLOW = "ask an administrator to allow it for the Zoho user who made the refresh token";
const API_NAMES = "use the API names of Setup > Developer Hub > APIs: that of Meetings, for example, is Events";
const CHECK_HOSTS = "check dc, environment and apiUrl";

/** What to do, by the kind of an API's error or else by the code. */
const HINTS: Readonly<Record<string, string>> = {
  token: `a token is valid in one data centre and one environment: ${CHECK_HOSTS}`,
  scope: `${NEW_TOKEN}: an existing one never gains a scope`,
  permission: ALLOW,
  authorization: ALLOW,
  throttled: WAIT,
  limit: "delete channels that are not needed, or wait",
  value: "correct the value that the message names",
  missing: "give the value that the message names",
  module: API_NAMES,
  unsupported: API_NAMES,
  url: CHECK_HOSTS,
  redirect: CHECK_HOSTS,
  foreign: CHECK_HOSTS,
  failure: AGAIN,
  unreachable: AGAIN,
  no_answer: AGAIN,
  unavailable: AGAIN,
  invalid_client: "check clientId, clientSecret and dc: each data centre may have a secret of its own",
  invalid_client_secret: "check clientId, clientSecret and dc: each data centre may have a secret of its own",
  invalid_code: `${NEW_TOKEN}; if it is new, check dc`,
  token_throttled:
    "wait, and give connectZoho a store that all instances share: ten access tokens are granted in ten minutes",
  token_unreadable: "check dc and accountsUrl",
};
