import { isSuccess } from "../delivery/delivery.ts";
import { maskText } from "../delivery/mask.ts";
import { ExitCode, UserError } from "../util/errors.ts";
import { oneLine } from "../util/text.ts";
import { formatSpan } from "../util/units.ts";
import { dataCentreOf } from "./data-centres.ts";
import type { ZohoReply, ZohoRequest } from "./retrying-http.ts";
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
  readonly kind: Kind;
  readonly status: number;
  /** From `Retry-After`. */
  readonly retryAfterMs: number | undefined;

  constructor(fault: ZohoFault, status: number, call: ApiCall) {
    const kind = kindOf(fault, status);
    const [meaning, hint, exit = "zohoApi"] = explain(kind, fault, status, call);
    const unknown = call.method === "GET" ? "could not" : "it is not known whether Zoho did";
    const outcome = kind === "foreign" ? unknown : "Zoho refused to";
    const original = [fault.code, maskedLine(fault.message)].filter((each) => each !== "").join(": ");
    const message = `${outcome} ${call.action}: ${meaning} (${original}${detailText(fault.details)})`;
    super(exit, message, hint, fault.code.toLowerCase());
    this.name = "ZohoApiError";
    this.kind = kind;
    this.status = status;
    this.retryAfterMs = call.retry?.afterMs;
  }
}

/** The error of an answer that failed as a whole: a bare fault, an HTML page, an empty 5xx. */
export function replyError(reply: ZohoReply, call: ApiCall): ZohoApiError {
  const fault = readFault(reply.body) ?? { code: `HTTP_${reply.status}`, message: snippet(reply), details: {} };
  return new ZohoApiError(fault, reply.status, call);
}

function snippet({ text }: ZohoReply): string {
  if (text.trim() === "") return "an empty answer";
  return /^\s*</.test(text) ? "an HTML page instead of JSON" : maskedLine(text);
}

/** Zoho may repeat what it was sent, such as channel tokens: masked before it is shortened, which could cut one in half. */
function maskedLine(text: string): string {
  return oneLine(maskText(text.slice(0, 20_000)));
}

/** The parts of `details` that name the field: ` at notify_url`, `, at most 50`. */
function detailText(details: ZohoFault["details"]): string {
  const part = (before: string, ...values: readonly unknown[]): string => {
    const value = values.find((each) => typeof each === "string" || typeof each === "number");
    return value === undefined ? "" : `${before}${oneLine(String(value))}`;
  };
  const { json_path, api_name, param_name, param, maximum_length, expected_data_type, permissions } = details;
  return [
    part(" at ", json_path, api_name, param_name, param),
    part(", at most ", maximum_length),
    part(", expected ", expected_data_type),
    part(", ", Array.isArray(permissions) && permissions.map(String).join(", ")),
  ].join("");
}

/**
 * The fault in an answer or in one of its items; undefined for a success. CRM, Bigin and Recruit write
 * `{code, details, message, status}`, Desk `{errorCode, message, errors}`, the finance products and Sign a number as the
 * code, 0 for a success, SalesIQ `{error: {code, message}}`.
 */
export function readFault(value: unknown): ZohoFault | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { errorCode, code = errorCode, message, details, errors, status, error } = asRecord(value);
  if (code === undefined && typeof error === "object") return readFault(error);
  if (typeof code !== "string" && typeof code !== "number") return undefined;
  if (code === 0 || code === "SUCCESS" || status === "success") return undefined;
  // Desk names the field.
  const { fieldName, errorType } = asRecord(Array.isArray(errors) ? errors[0] : undefined);
  const place = typeof errorType === "string" ? `${fieldName} (${errorType})` : fieldName;
  return {
    code: oneLine(String(code)),
    message: typeof message === "string" ? message : "",
    details: { ...asRecord(details), ...(typeof fieldName === "string" && { json_path: place }) },
  };
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

/** Zoho accepts no more requests for now. */
export function isThrottled(error: unknown): boolean {
  return error instanceof ZohoApiError && (error.status === 429 || error.kind === "throttled");
}

/** Zoho has no such channel: it expired, or was deleted. */
export function isNotSubscribed(error: unknown): boolean {
  return error instanceof ZohoApiError && error.kind === "channel";
}

/** No request reached Zoho, or none got past its accounts server. */
const NOT_SENT = new Set(["unreachable", "unavailable"]);

/** Zoho rejected the request, or it was never sent. After any other error it may have been carried out. */
export function isRejection(error: unknown): boolean {
  if (error instanceof ZohoApiError) return error.status < 500 && !/^(?:http_2\d\d|no_result)$/.test(error.code);
  return error instanceof UserError && (error.exitCode === ExitCode.credentials || NOT_SENT.has(error.code));
}

export function rejectsToken(reply: ZohoReply): boolean {
  const fault = readFault(reply.body);
  // Not JSON, such as a gateway's page: only the status counts.
  return fault === undefined ? reply.status === 401 : CODES.token.includes(fault.code);
}

/** A 401 with a number, from the finance products and Sign, may be an expired token or a missing scope. */
export function mayRejectToken(reply: ZohoReply): boolean {
  return rejectsToken(reply) || (reply.status === 401 && /^\d+$/.test(readFault(reply.body)?.code ?? ""));
}

/** Zoho's codes by cause: https://www.zoho.com/crm/developer/docs/api/v8/status-codes.html */
const CODES = {
  token: ["INVALID_TOKEN", "INVALID_OAUTHTOKEN", "INVALID_OAUTH", "AUTHENTICATION_FAILURE"],
  scope: ["OAUTH_SCOPE_MISMATCH"],
  permission: ["NO_PERMISSION"],
  authorization: ["AUTHORIZATION_FAILED"],
  throttled: ["TOO_MANY_REQUESTS", "RATE_LIMIT_EXCEEDED"],
  limit: ["LIMIT_EXCEEDED", "LIMIT_REACHED"],
  channel: ["NOT_SUBSCRIBED"],
  value: ["INVALID_DATA", "UNPROCESSABLE_ENTITY"],
  missing: [
    "MANDATORY_NOT_FOUND",
    "EXPECTED_FIELD_MISSING",
    "EXPECTED_PARAM_MISSING",
    "REQUIRED_PARAM_MISSING",
    "DEPENDENT_FIELD_MISSING",
  ],
  mismatch: ["AMBIGUITY_DURING_PROCESSING"],
  module: ["INVALID_MODULE"],
  duplicate: ["DUPLICATE_DATA", "ALREADY_USED"],
  unsupported: ["NOT_ALLOWED", "NOT_SUPPORTED", "INVALID_REQUEST_METHOD"],
  url: ["INVALID_URL_PATTERN"],
  failure: ["INTERNAL_ERROR", "INTERNAL_SERVER_ERROR", "SERVICE_UNAVAILABLE"],
} satisfies Readonly<Record<string, readonly string[]>>;

type Kind = keyof typeof CODES | "foreign" | "denied" | "absent" | "redirect" | "unknown";

/** The cause by the code if it is known, else by the HTTP status. */
function kindOf({ code }: ZohoFault, status: number): Kind {
  const isBare = code === `HTTP_${status}`;
  // A 2xx without an answer of the API: something else, such as a proxy, may have answered.
  if (isBare && isSuccess(status)) return "foreign";
  const byCode = (Object.keys(CODES) as (keyof typeof CODES)[]).find((kind) => CODES[kind].includes(code));
  if (byCode !== undefined) return byCode;
  // Desk's codes, and the numbers of the finance products and Sign.
  if (!isBare && (status === 401 || status === 403)) return "denied";
  if (!isBare && status === 404) return "absent";
  if (!isBare && status === 422) return "value";
  if (status === 401) return "token";
  if (status === 429) return "throttled";
  if (status >= 500) return "failure";
  return status >= 300 && status < 400 ? "redirect" : "unknown";
}

type Explanation = readonly [meaning: string, hint: string, exit?: "credentials" | "zohoApi"];

function explain(kind: Kind, { message, details }: ZohoFault, status: number, call: ApiCall): Explanation {
  const { again, scope, isTokenNew, retry } = call;
  const host = URL.canParse(call.url) ? new URL(call.url).host : call.url;
  const wait = retry && `wait ${formatSpan(retry.afterMs)}, until ${zohoTime(retry.at)},`;
  const maybeExpired = status === 401 && !isTokenNew ? ", or its access token has expired" : "";
  const hasProbed = /failed to respond with status code 200/i.test(message);
  const explanations: Readonly<Record<Kind, Explanation>> = {
    token: explainToken(host, call),
    scope: [
      `the sign-in lacks the scope ${scope}`,
      `sign in again to grant it, because an existing consent never gains a scope: ${again.how}`,
      "credentials",
    ],
    permission: [
      JSON.stringify(details).includes("Api_Access")
        ? "the Zoho user's profile lacks the permission for API access"
        : "the Zoho user is not allowed to do this",
      "ask an administrator to allow it in the profile of this user, or sign in as another user",
      "credentials",
    ],
    authorization: [
      "the Zoho user is not allowed to do this",
      "ask an administrator of the organisation, or sign in as another user",
      "credentials",
    ],
    // The answers of these products do not distinguish the causes.
    denied: [
      `${host} denied access: the sign-in lacks the scope ${scope}, belongs to another organisation or data centre, or its user has no permission${maybeExpired}`,
      `sign in again with that scope, and check the organisation: ${again.how}`,
      "credentials",
    ],
    throttled: [
      "Zoho rate-limited this organisation: there were too many requests in a short time",
      `${wait ?? "wait"} and try again with fewer requests at once; CRM counts its credits over a rolling 24 hours`,
    ],
    limit: [
      "a limit of the organisation or the API was reached",
      "delete channels that are not needed (channels delete --dead), or wait",
    ],
    channel: [
      "channel not found: it expired, was deleted, or belongs to another Zoho user",
      "see channels list, and create the channel again",
    ],
    value: hasProbed
      ? [
          "Zoho tested the URL and did not get status 200",
          "start a server at the URL before you create the webhook, such as zoho-hooks listen with a tunnel",
        ]
      : ["Zoho rejects a value in the request", "check the field named above; --dry-run shows the request"],
    missing: [
      "the request lacks a field that Zoho requires",
      "check the field named above; --dry-run shows the request",
    ],
    mismatch: ["the name and the id of a module or field do not match", "give only names: zoho-hooks looks up the ids"],
    module: [
      "the organisation has no such module, or the module sends no notifications",
      "use the API name of the module (that of Meetings, for example, is Events)",
    ],
    duplicate: ["it already exists", "see channels list, and choose another --id"],
    absent: ["it does not exist in this organisation", "list what exists, and check the organisation"],
    unsupported: [
      "Zoho does not offer this for this organisation or module",
      "check the module and the edition of the organisation",
    ],
    url: [`${host} has nothing at this URL`, "check ZOHO_API_URL and whether the organisation uses this product"],
    failure: ["the failure is on Zoho's side", wait === undefined ? "try again in a while" : `${wait} and try again`],
    foreign: [
      `the answer from ${host} is not from Zoho's API`,
      "list what exists now, and check ZOHO_API_URL and whether a proxy answered instead of Zoho",
    ],
    redirect: [
      `${host} answered with a redirect, which a request with a token does not follow`,
      "check ZOHO_API_URL and the data centre (--dc)",
    ],
    unknown: ["zoho-hooks does not know this error code", "run again with --verbose to see the request"],
  };
  return explanations[kind];
}

/** The hosts and the age of the token show why it is rejected. */
function explainToken(host: string, { url, accountsUrl, isTokenNew, again: { how, elsewhere } }: ApiCall): Explanation {
  const centre = dataCentreOf(url);
  const home = dataCentreOf(accountsUrl);
  if (centre !== undefined && home !== undefined && centre !== home) {
    return [
      `wrong data centre: the token is for ${home.id} (${home.title}), but ${host} is in ${centre.id} (${centre.title})`,
      "unset ZOHO_API_URL, or sign in to its data centre (zoho-hooks login --dc)",
      "credentials",
    ];
  }
  if (!isTokenNew) {
    return [
      `${host} rejected the access token${centre ? ` (data centre ${centre.id})` : ""}`,
      `sign in again: ${how}; ${elsewhere}`,
      "credentials",
    ];
  }
  return [
    `${host} rejected even a new access token from ${new URL(accountsUrl).host}`,
    `a token is valid in one data centre and one environment only: check ZOHO_API_URL, ZOHO_DC and ZOHO_ENVIRONMENT, or sign in again: ${how}; ${elsewhere}`,
    "credentials",
  ];
}
