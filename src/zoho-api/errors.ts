import { isSuccess } from "../delivery/delivery.ts";
import { maskText } from "../delivery/mask.ts";
import { ExitCode, UserError } from "../util/errors.ts";
import { oneLine } from "../util/text.ts";
import { formatSpan } from "../util/units.ts";
import { dataCentreOf } from "./data-centres.ts";
import type { ZohoReply, ZohoRequest } from "./http.ts";
import type { SignInAgain } from "./sign-in.ts";
import { zohoTime } from "./time.ts";

/** An error of Zoho's, from any of its formats. */
interface ZohoFault {
  /** Zoho's code, such as `OAUTH_SCOPE_MISMATCH`; `HTTP_503` if the answer has none. */
  readonly code: string;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** The call that failed, for the error message. */
export interface ApiCall {
  /** "list channels", "create a channel": completes "Zoho refused to …". */
  readonly action: string;
  readonly method: ZohoRequest["method"];
  readonly url: string;
  readonly scope: string;
  /** The server that issued the token. */
  readonly accountsUrl: string;
  /** The token was made for this call, after another one had been rejected. */
  readonly isTokenNew: boolean;
  /** How to get a sign-in with the scope. */
  readonly again: SignInAgain;
  /** From `Retry-After`. */
  readonly retry?: { readonly afterMs: number; readonly at: Date } | undefined;
}

export class ZohoApiError extends UserError {
  readonly fault: ZohoFault;
  readonly status: number;
  /** From `Retry-After`. */
  readonly retryAfterMs: number | undefined;

  constructor(known: Omit<KnownFault, "meaning">, message: string, fault: ZohoFault, status: number, call: ApiCall) {
    super(known.exit, message, known.hint, fault.code.toLowerCase());
    this.retryAfterMs = call.retry?.afterMs;
    this.name = "ZohoApiError";
    this.fault = fault;
    this.status = status;
  }
}

/** Zoho accepts no more requests for now. */
export function isThrottled(error: unknown): boolean {
  if (!(error instanceof ZohoApiError)) return false;
  return error.status === 429 || /^(?:TOO_MANY_REQUESTS|RATE_LIMIT_EXCEEDED)$/.test(error.fault.code);
}

/** Zoho has no such channel: it expired, or was deleted. */
export function isNotSubscribed(error: unknown): boolean {
  return error instanceof ZohoApiError && error.fault.code === "NOT_SUBSCRIBED";
}

/** No request reached Zoho, or none got past its accounts server. */
const NOT_SENT = new Set(["unreachable", "unavailable"]);

/** Zoho rejected the request, or it was never sent. After any other error it may have been carried out. */
export function isRejection(error: unknown): boolean {
  if (error instanceof ZohoApiError) return error.status < 500 && !/^(?:HTTP_2\d\d|NO_RESULT)$/.test(error.fault.code);
  return error instanceof UserError && (error.exitCode === ExitCode.credentials || NOT_SENT.has(error.code));
}

/** Codes that reject an access token. */
const TOKEN_REFUSALS = new Set(["INVALID_TOKEN", "INVALID_OAUTHTOKEN", "INVALID_OAUTH", "AUTHENTICATION_FAILURE"]);

export function rejectsToken(reply: ZohoReply): boolean {
  const fault = readFault(reply.body);
  // Not JSON, such as a gateway's page: only the status counts.
  return fault === undefined ? reply.status === 401 : TOKEN_REFUSALS.has(fault.code);
}

/** A 401 with a number, from the finance products and Sign, may be an expired token or a missing scope. */
export function mayRejectToken(reply: ZohoReply): boolean {
  return rejectsToken(reply) || (reply.status === 401 && /^\d+$/.test(readFault(reply.body)?.code ?? ""));
}

/**
 * The fault in an answer or in one of its items; undefined for a success. CRM, Bigin and Recruit write
 * `{code, details, message, status}`, Desk `{errorCode, message, errors}`, the finance products and Sign a number as the
 * code, 0 for a success, SalesIQ `{error: {code, message}}`.
 */
export function readFault(value: unknown): ZohoFault | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { errorCode, code = errorCode, message, details, errors, status, error } = value as Record<string, unknown>;
  if (code === undefined && typeof error === "object") return readFault(error);
  if (typeof code !== "string" && typeof code !== "number") return undefined;
  if (code === 0 || code === "SUCCESS" || status === "success") return undefined;
  const [field]: readonly unknown[] = Array.isArray(errors) ? errors : [];
  return {
    code: oneLine(String(code)),
    message: typeof message === "string" ? message : "",
    details: { ...asRecord(details), ...fieldDetails(asRecord(field)) },
  };
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

/** Desk names the field. */
function fieldDetails({ fieldName, errorType }: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return typeof fieldName === "string"
    ? { json_path: typeof errorType === "string" ? `${fieldName} (${errorType})` : fieldName }
    : {};
}

export function faultError(fault: ZohoFault, status: number, call: ApiCall): ZohoApiError {
  const known = apiFault(fault, call, status);
  const original = [fault.code, maskedLine(fault.message)].filter((each) => each !== "").join(": ");
  const unknown = call.method === "GET" ? "could not" : "it is not known whether Zoho did";
  const outcome = isUnknownOutcome(status, fault) ? unknown : "Zoho refused to";
  const message = `${outcome} ${call.action}: ${known.meaning} (${original}${detailText(fault.details)})`;
  return new ZohoApiError(known, message, fault, status, call);
}

/** The error of an answer that failed as a whole: a bare fault, an HTML page, an empty 5xx. */
export function replyError(reply: ZohoReply, call: ApiCall): ZohoApiError {
  const fault = readFault(reply.body) ?? { code: `HTTP_${reply.status}`, message: snippet(reply), details: {} };
  return faultError(fault, reply.status, call);
}

/** A 2xx without an answer of the API: something else, such as a proxy, may have answered. */
function isUnknownOutcome(status: number, fault: ZohoFault): boolean {
  return isSuccess(status) && fault.code === `HTTP_${status}`;
}

function snippet(reply: ZohoReply): string {
  if (reply.text.trim() === "") return "an empty answer";
  if (/^\s*</.test(reply.text)) return "an HTML page instead of JSON";
  return maskedLine(reply.text);
}

/** Zoho may repeat what it was sent, such as channel tokens: masked before it is shortened, which could cut one in half. */
function maskedLine(text: string): string {
  return oneLine(maskText(text.slice(0, 20_000)));
}

/** The parts of `details` that name the field: ` at notify_url`, `, at most 50`. */
function detailText(details: Readonly<Record<string, unknown>>): string {
  const text = (value: unknown): string | undefined =>
    typeof value === "string" || typeof value === "number" ? oneLine(String(value)) : undefined;
  const place = text(details.json_path) ?? text(details.api_name) ?? text(details.param_name ?? details.param);
  const longest = text(details.maximum_length);
  const type = text(details.expected_data_type);
  const permissions = Array.isArray(details.permissions)
    ? oneLine(details.permissions.map(String).join(", "))
    : undefined;
  return [
    place === undefined ? "" : ` at ${place}`,
    longest === undefined ? "" : `, at most ${longest}`,
    type === undefined ? "" : `, expected ${type}`,
    permissions === undefined ? "" : `, ${permissions}`,
  ].join("");
}

interface KnownFault {
  readonly exit: "credentials" | "zohoApi";
  readonly meaning: string;
  readonly hint: string;
}

type Explanation = KnownFault | ((call: ApiCall, fault: ZohoFault) => KnownFault);

function known(meaning: string, hint: string, exit: KnownFault["exit"] = "zohoApi"): KnownFault {
  return { exit, meaning, hint };
}

const badValue = known(
  "Zoho rejects a value in the request",
  "check the field named above; --dry-run shows the request",
);
const missing = known(
  "the request lacks a field that Zoho requires",
  "check the field named above; --dry-run shows the request",
);
const limitReached = known(
  "a limit of the organisation or the API was reached",
  "delete channels that are not needed (channels prune), or wait",
);
const exists = known("it already exists", "see channels list, and update it or choose another --id");
const notFound = known("it does not exist in this organisation", "list what exists, and check the organisation");
const notOffered = known(
  "Zoho does not offer this for this organisation or module",
  "check the module and the edition of the organisation",
);

/** https://www.zoho.com/crm/developer/docs/api/v8/status-codes.html */
const FAULTS: Readonly<Record<string, Explanation>> = {
  INVALID_TOKEN: invalidToken,
  INVALID_OAUTHTOKEN: invalidToken,
  INVALID_OAUTH: invalidToken,
  AUTHENTICATION_FAILURE: invalidToken,
  OAUTH_SCOPE_MISMATCH: ({ again, scope }) =>
    known(
      `the sign-in lacks the scope ${scope}`,
      `sign in again to grant it, because an existing consent never gains a scope: ${again.how}`,
      "credentials",
    ),
  NO_PERMISSION: (_call, { details }) =>
    known(
      JSON.stringify(details).includes("Api_Access")
        ? "the Zoho user's profile lacks the permission for API access"
        : "the Zoho user is not allowed to do this",
      "ask an administrator to allow it in the profile of this user, or sign in as another user",
      "credentials",
    ),
  AUTHORIZATION_FAILED: known(
    "the Zoho user is not allowed to do this",
    "ask an administrator of the organisation, or sign in as another user",
    "credentials",
  ),
  TOO_MANY_REQUESTS: tooMany,
  RATE_LIMIT_EXCEEDED: tooMany,
  LIMIT_EXCEEDED: limitReached,
  LIMIT_REACHED: limitReached,
  NOT_SUBSCRIBED: known(
    "channel not found: it expired, was deleted, or belongs to another Zoho user",
    "see channels list, and create the channel again",
  ),
  INVALID_DATA: badValue,
  UNPROCESSABLE_ENTITY: (_call, fault) =>
    /failed to respond with status code 200/i.test(fault.message)
      ? known(
          "Zoho tested the URL and did not get status 200",
          "start a server at the URL before you create the webhook, such as zoho-hooks listen with a tunnel",
        )
      : badValue,
  MANDATORY_NOT_FOUND: missing,
  EXPECTED_FIELD_MISSING: missing,
  EXPECTED_PARAM_MISSING: missing,
  REQUIRED_PARAM_MISSING: missing,
  DEPENDENT_FIELD_MISSING: missing,
  AMBIGUITY_DURING_PROCESSING: known(
    "the name and the id of a module or field do not match",
    "give only names: zoho-hooks looks up the ids",
  ),
  INVALID_MODULE: known(
    "the organisation has no such module, or the module sends no notifications",
    "use the API name of the module (that of Meetings, for example, is Events)",
  ),
  DUPLICATE_DATA: exists,
  ALREADY_USED: exists,
  NOT_ALLOWED: notOffered,
  NOT_SUPPORTED: notOffered,
  INVALID_URL_PATTERN: (call) =>
    known(
      `${hostOf(call)} has nothing at this URL`,
      "check ZOHO_API_URL and whether the organisation uses this product",
    ),
  INVALID_REQUEST_METHOD: notOffered,
  INTERNAL_ERROR: zohoFailure,
  INTERNAL_SERVER_ERROR: zohoFailure,
  SERVICE_UNAVAILABLE: zohoFailure,
};

/** By the code if it is known, else by the HTTP status. */
function apiFault(fault: ZohoFault, call: ApiCall, status: number): KnownFault {
  if (isUnknownOutcome(status, fault)) return foreignAnswer(call);
  const byCode = Object.hasOwn(FAULTS, fault.code) ? FAULTS[fault.code] : undefined;
  const isBare = fault.code === `HTTP_${status}`;
  const explanation = byCode ?? (isBare ? byStatus(status) : byStatusAndCode(status));
  return typeof explanation === "function" ? explanation(call, fault) : explanation;
}

/** For Desk's codes, and the numbers of the finance products and Sign. */
function byStatusAndCode(status: number): Explanation {
  if (status === 401 || status === 403) return (call) => denied(call, status === 401 && !call.isTokenNew);
  if (status === 404) return notFound;
  if (status === 422) return badValue;
  return byStatus(status);
}

function byStatus(status: number): Explanation {
  if (status === 401) return invalidToken;
  if (status === 429) return tooMany;
  if (status >= 500) return zohoFailure;
  if (status >= 300 && status < 400) return redirected;
  return known("zoho-hooks does not know this error code", "run again with --verbose to see the request");
}

/** The answers of these products do not distinguish the causes. */
function denied(call: ApiCall, mayBeExpired: boolean): KnownFault {
  const expired = mayBeExpired ? ", or its access token has expired" : "";
  return known(
    `${hostOf(call)} denied access: the sign-in lacks the scope ${call.scope}, belongs to another organisation or data centre, or its user has no permission${expired}`,
    `sign in again with that scope, and check the organisation: ${call.again.how}`,
    "credentials",
  );
}

function tooMany(call: ApiCall): KnownFault {
  return known(
    "Zoho rate-limited this organisation: there were too many requests in a short time",
    `${waitFor(call) ?? "wait"} and try again with fewer requests at once; CRM counts its credits over a rolling 24 hours`,
  );
}

function zohoFailure(call: ApiCall): KnownFault {
  const wait = waitFor(call);
  return known("the failure is on Zoho's side", wait === undefined ? "try again in a while" : `${wait} and try again`);
}

function waitFor({ retry }: ApiCall): string | undefined {
  return retry && `wait ${formatSpan(retry.afterMs)}, until ${zohoTime(retry.at)},`;
}

function foreignAnswer(call: ApiCall): KnownFault {
  return known(
    `the answer from ${hostOf(call)} is not from Zoho's API`,
    "list what exists now, and check ZOHO_API_URL and whether a proxy answered instead of Zoho",
  );
}

function redirected(call: ApiCall): KnownFault {
  return known(
    `${hostOf(call)} answered with a redirect, which a request with a token does not follow`,
    "check ZOHO_API_URL and the data centre (--dc)",
  );
}

/** The hosts and the age of the token show why it is rejected. */
function invalidToken(call: ApiCall): KnownFault {
  const { how, elsewhere } = call.again;
  const centre = dataCentreOf(call.url);
  const home = dataCentreOf(call.accountsUrl);
  if (centre !== undefined && home !== undefined && centre !== home) {
    return known(
      `wrong data centre: the token is for ${home.id} (${home.title}), but ${hostOf(call)} is in ${centre.id} (${centre.title})`,
      "unset ZOHO_API_URL, or sign in to its data centre (zoho-hooks login --dc)",
      "credentials",
    );
  }
  if (!call.isTokenNew) {
    return known(
      `${hostOf(call)} rejected the access token${centre ? ` (data centre ${centre.id})` : ""}`,
      `sign in again: ${how}; ${elsewhere}`,
      "credentials",
    );
  }
  return known(
    `${hostOf(call)} rejected even a new access token from ${new URL(call.accountsUrl).host}`,
    `a token is valid in one data centre and one environment only: check ZOHO_API_URL, ZOHO_DC and ZOHO_ENVIRONMENT, or sign in again: ${how}; ${elsewhere}`,
    "credentials",
  );
}

function hostOf(call: ApiCall): string {
  return URL.canParse(call.url) ? new URL(call.url).host : call.url;
}
