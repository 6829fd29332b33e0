import { isSuccess } from "../body/delivery.ts";
import { maskText } from "../core/mask.ts";
import { ExitCode, UserError } from "../util/errors.ts";
import { oneLine } from "../util/text.ts";
import { formatSpan } from "../util/units.ts";
import type { SignInAgain } from "./auth/sign-in.ts";
import { zohoTime } from "./channels/expiry.ts";
import { dataCentreOf } from "./data-centres.ts";
import type { ZohoReply, ZohoRequest } from "./http.ts";

/** What Zoho says of one thing that went wrong, in whatever shape it came. */
interface ZohoFault {
  /** Zoho's own code, `OAUTH_SCOPE_MISMATCH`; `HTTP_503` where the answer had none. */
  readonly code: string;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** What was being done, to say what is missing and where. */
export interface ApiCall {
  /** "list channels", "create a channel": completes "Zoho refused to …". */
  readonly action: string;
  readonly method: ZohoRequest["method"];
  readonly url: string;
  readonly scope: string;
  /** Where the token came from. */
  readonly accountsUrl: string;
  /** The token was made for this very call, after another one had been refused. */
  readonly isTokenNew: boolean;
  /** So that the sign-in has the scope. */
  readonly again: SignInAgain;
  /** When Zoho wants to be asked again, where it says so. */
  readonly retry?: { readonly afterMs: number; readonly at: Date } | undefined;
}

export class ZohoApiError extends UserError {
  readonly fault: ZohoFault;
  readonly status: number;
  /** How long Zoho wants to be left alone, where it says so. */
  readonly retryAfterMs: number | undefined;

  constructor(known: Omit<KnownFault, "meaning">, message: string, fault: ZohoFault, status: number, call: ApiCall) {
    super(known.exit, message, known.hint, fault.code.toLowerCase());
    this.retryAfterMs = call.retry?.afterMs;
    this.name = "ZohoApiError";
    this.fault = fault;
    this.status = status;
  }
}

/** Zoho takes no more requests for now, so that none of the next would fare better. */
export function isThrottled(error: unknown): boolean {
  if (!(error instanceof ZohoApiError)) return false;
  return error.status === 429 || /^(?:TOO_MANY_REQUESTS|RATE_LIMIT_EXCEEDED)$/.test(error.fault.code);
}

/** No request has come to Zoho, or not past its accounts server. */
const NOT_ASKED = new Set(["unreachable", "unavailable"]);

/** Zoho has said no, or was not even asked. Anything else may have come to pass on its side. */
export function isRefusal(error: unknown): boolean {
  if (error instanceof ZohoApiError) return error.status < 500 && !/^(?:HTTP_2\d\d|NO_RESULT)$/.test(error.fault.code);
  return error instanceof UserError && (error.exitCode === ExitCode.credentials || NOT_ASKED.has(error.code));
}

/** Codes with which Zoho turns down an access token. A new one, once, may help. */
const TOKEN_REFUSALS = new Set(["INVALID_TOKEN", "INVALID_OAUTHTOKEN", "INVALID_OAUTH", "AUTHENTICATION_FAILURE"]);

export function refusesToken(reply: ZohoReply): boolean {
  const fault = readFault(reply.body);
  // A page of a gateway says no more than its status does.
  return fault === undefined ? reply.status === 401 : TOKEN_REFUSALS.has(fault.code);
}

/** A number beside a 401, as the finance products and Sign write it, does not tell a token that is over from a missing scope. */
export function mayRefuseToken(reply: ZohoReply): boolean {
  return refusesToken(reply) || (reply.status === 401 && /^\d+$/.test(readFault(reply.body)?.code ?? ""));
}

/**
 * The fault of an answer or of one item in it; undefined where there is none or it is a success. CRM and its twins
 * write `{code, details, message, status}`, Desk `{errorCode, message, errors}`, and the finance products and Sign a
 * number as the code, 0 for a success.
 */
export function readFault(value: unknown): ZohoFault | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { errorCode, code = errorCode, message, details, errors, status } = value as Record<string, unknown>;
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

/** Desk names the field that it minds. */
function fieldDetails({ fieldName, errorType }: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return typeof fieldName === "string"
    ? { json_path: typeof errorType === "string" ? `${fieldName} (${errorType})` : fieldName }
    : {};
}

export function faultError(fault: ZohoFault, status: number, call: ApiCall): ZohoApiError {
  const known = apiFault(fault, call, status);
  const said = [fault.code, maskedLine(fault.message)].filter((each) => each !== "").join(": ");
  const where = detailText(fault.details);
  const notKnown = call.method === "GET" ? "could not" : "it is not known whether Zoho did";
  const outcome = isUnknownOutcome(status, fault) ? notKnown : "Zoho refused to";
  const message = `${outcome} ${call.action}: ${known.meaning} (${said}${where})`;
  return new ZohoApiError(known, message, fault, status, call);
}

/** The error of an answer that as a whole is a failure: a bare fault, an HTML page, an empty 5xx. */
export function replyError(reply: ZohoReply, call: ApiCall): ZohoApiError {
  const fault = readFault(reply.body) ?? { code: `HTTP_${reply.status}`, message: snippet(reply), details: {} };
  return faultError(fault, reply.status, call);
}

/** A success whose answer is none of the API's: something else may have answered in its place. */
function isUnknownOutcome(status: number, fault: ZohoFault): boolean {
  return isSuccess(status) && fault.code === `HTTP_${status}`;
}

function snippet(reply: ZohoReply): string {
  if (reply.text.trim() === "") return "an empty answer";
  if (/^\s*</.test(reply.text)) return "an HTML page instead of JSON";
  return maskedLine(reply.text);
}

/**
 * What Zoho says, fit to stand in a message. It may repeat what it was sent, and an answer that was cut off holds the tokens
 * of channels: masked before it is cut, where a token may be half there.
 */
function maskedLine(text: string): string {
  return oneLine(maskText(text.slice(0, 20_000)));
}

/** The parts of `details` that say which member is meant: ` at notify_url`, `, at most 50`. */
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

type Explain = (call: ApiCall, fault: ZohoFault) => KnownFault;

/** Zoho's codes, what they mean, and what to do. https://www.zoho.com/crm/developer/docs/api/v8/status-codes.html */
const FAULTS: Readonly<Record<string, Explain>> = {
  INVALID_TOKEN: invalidToken,
  INVALID_OAUTHTOKEN: invalidToken,
  INVALID_OAUTH: invalidToken,
  AUTHENTICATION_FAILURE: invalidToken,
  OAUTH_SCOPE_MISMATCH: (call) => ({
    exit: "credentials",
    meaning: `the sign-in lacks the scope ${call.scope}`,
    hint: `sign in again to grant it, because an existing consent never gains a scope: ${call.again.how}`,
  }),
  NO_PERMISSION: (_call, fault) => ({
    exit: "credentials",
    meaning: JSON.stringify(fault.details).includes("Api_Access")
      ? "the Zoho user's profile lacks the permission for API access"
      : "the Zoho user may not do this",
    hint: "ask an administrator of the organisation to allow it in the profile of this user, or sign in as another user",
  }),
  AUTHORIZATION_FAILED: () => ({
    exit: "credentials",
    meaning: "the Zoho user may not do this",
    hint: "ask an administrator of the organisation, or sign in as another user",
  }),
  TOO_MANY_REQUESTS: tooMany,
  RATE_LIMIT_EXCEEDED: tooMany,
  LIMIT_EXCEEDED: limit,
  LIMIT_REACHED: limit,
  NOT_SUBSCRIBED: () => ({
    exit: "zohoApi",
    meaning: "there is no such channel: it has expired, was deleted, or belongs to another Zoho user",
    hint: "see which channels exist with channels list, and create the channel again",
  }),
  INVALID_DATA: badValue,
  UNPROCESSABLE_ENTITY: (call, fault) =>
    /failed to respond with status code 200/i.test(fault.message)
      ? {
          exit: "zohoApi",
          meaning: "Zoho called the URL to test it, and got no answer with status 200",
          hint: "start something that answers there before you create the webhook, such as zoho-hooks listen with a tunnel",
        }
      : badValue(call, fault),
  MANDATORY_NOT_FOUND: missing,
  EXPECTED_FIELD_MISSING: missing,
  EXPECTED_PARAM_MISSING: missing,
  REQUIRED_PARAM_MISSING: missing,
  DEPENDENT_FIELD_MISSING: missing,
  AMBIGUITY_DURING_PROCESSING: () => ({
    exit: "zohoApi",
    meaning: "the name and the id of a module or field do not belong together",
    hint: "give only names and leave out the ids, which zoho-hooks looks up",
  }),
  INVALID_MODULE: () => ({
    exit: "zohoApi",
    meaning: "the organisation has no such module, or the module sends no notifications",
    hint: "use the API name of the module (that of Meetings, for example, is Events)",
  }),
  DUPLICATE_DATA: taken,
  ALREADY_USED: taken,
  NOT_ALLOWED: notHere,
  NOT_SUPPORTED: notHere,
  INVALID_URL_PATTERN: (call) => ({
    exit: "zohoApi",
    meaning: `${hostOf(call)} has nothing at this address`,
    hint: "check ZOHO_API_URL, the API version and whether the organisation uses this product",
  }),
  INVALID_REQUEST_METHOD: notHere,
  INTERNAL_ERROR: theirs,
  INTERNAL_SERVER_ERROR: theirs,
  SERVICE_UNAVAILABLE: theirs,
};

/** What a fault means: by its code where that is known, else by the status that it came with. */
function apiFault(fault: ZohoFault, call: ApiCall, status: number): KnownFault {
  const bare = fault.code === `HTTP_${status}`;
  const isStrange = bare && isSuccess(status);
  const known = Object.hasOwn(FAULTS, fault.code) ? FAULTS[fault.code] : undefined;
  const explain = isStrange ? strangeAnswer : (known ?? (bare ? byStatus(status) : ofOwnCode(status)));
  return explain(call, fault);
}

/** Codes of Desk's, numbers of the finance products and of Sign: the status tells what kind of thing went wrong. */
function ofOwnCode(status: number): Explain {
  if (status === 401 || status === 403) return (call) => denied(call, status === 401 && !call.isTokenNew);
  if (status === 404) return notThere;
  if (status === 422) return badValue;
  return byStatus(status);
}

function byStatus(status: number): Explain {
  if (status === 401) return invalidToken;
  if (status === 429) return tooMany;
  if (status >= 500) return theirs;
  if (status >= 300 && status < 400) return redirected;
  return () => ({
    exit: "zohoApi",
    meaning: "zoho-hooks does not know this error code",
    hint: "run again with --verbose to see the request",
  });
}

/** Neither is told apart from the other by what these products answer. */
function denied(call: ApiCall, mayBeOver: boolean): KnownFault {
  const over = mayBeOver ? ", or its access token has expired" : "";
  return {
    exit: "credentials",
    meaning: `${hostOf(call)} does not allow this sign-in to do it: it lacks the scope ${call.scope}, belongs to another organisation or data centre, or its user has no permission${over}`,
    hint: `sign in again with that scope, and make sure that it is the right organisation: ${call.again.how}`,
  };
}

function notThere(): KnownFault {
  return {
    exit: "zohoApi",
    meaning: "this does not exist in this organisation",
    hint: "list what exists, and make sure that it is the right organisation",
  };
}

function badValue(_call: ApiCall, _fault: ZohoFault): KnownFault {
  return {
    exit: "zohoApi",
    meaning: "Zoho does not accept a value in the request",
    hint: "look at the place named above; --dry-run shows the request",
  };
}

/** `wait` where nobody knows for how long. */
function waiting({ retry }: ApiCall): string {
  return retry === undefined ? "wait" : `wait ${formatSpan(retry.afterMs)}, until ${zohoTime(retry.at)},`;
}

function tooMany(call: ApiCall): KnownFault {
  return {
    exit: "zohoApi",
    meaning: "Zoho accepts no more requests from this organisation for now: there were too many in a short time",
    hint: `${waiting(call)} and try again with fewer requests at once; CRM counts its credits over a rolling 24 hours`,
  };
}

function limit(): KnownFault {
  return {
    exit: "zohoApi",
    meaning: "a limit of the organisation or of this API is reached",
    hint: "delete channels that are not needed (channels prune), or wait",
  };
}

function missing(): KnownFault {
  return {
    exit: "zohoApi",
    meaning: "the request lacks something that Zoho requires",
    hint: "look at the place named above; --dry-run shows the request",
  };
}

function taken(): KnownFault {
  return {
    exit: "zohoApi",
    meaning: "this exists already",
    hint: "look at it with channels list, and update it or choose another --id",
  };
}

function notHere(): KnownFault {
  return {
    exit: "zohoApi",
    meaning: "Zoho does not offer this for this organisation, module or API version",
    hint: "check the edition of the organisation and the module",
  };
}

function theirs(call: ApiCall): KnownFault {
  return {
    exit: "zohoApi",
    meaning: "the failure is on Zoho's side",
    hint: call.retry === undefined ? "try again in a while" : `${waiting(call)} and try again`,
  };
}

function strangeAnswer(call: ApiCall): KnownFault {
  return {
    exit: "zohoApi",
    meaning: `${hostOf(call)} gave an answer that does not come from Zoho's API`,
    hint: "list what exists now, and check ZOHO_API_URL and whether a proxy answered in Zoho's place",
  };
}

function redirected(call: ApiCall): KnownFault {
  return {
    exit: "zohoApi",
    meaning: `${hostOf(call)} redirects elsewhere, and a request with a token is not sent on`,
    hint: "check ZOHO_API_URL and the data centre (--dc)",
  };
}

interface KnownFault {
  readonly exit: "credentials" | "zohoApi";
  readonly meaning: string;
  readonly hint: string;
}

/** Why an access token is refused, as far as the hosts and the age of the token tell. */
function invalidToken(call: ApiCall): KnownFault {
  const centre = dataCentreOf(call.url);
  const home = dataCentreOf(call.accountsUrl);
  if (centre !== undefined && home !== undefined && centre !== home) {
    return {
      exit: "credentials",
      meaning: `wrong data centre: the token is for ${home.id} (${home.title}), but ${hostOf(call)} is in ${centre.id} (${centre.title})`,
      hint: "unset ZOHO_API_URL, or sign in to the data centre that it names (zoho-hooks login --dc)",
    };
  }
  if (!call.isTokenNew) {
    return {
      exit: "credentials",
      meaning: `${hostOf(call)} does not know the access token${centre ? ` (data centre ${centre.id})` : ""}`,
      hint: `sign in again: ${call.again.how}; ${call.again.elsewhere}`,
    };
  }
  return {
    exit: "credentials",
    meaning: `${hostOf(call)} refuses even the access token that ${new URL(call.accountsUrl).host} has just made`,
    hint: `a token is valid in one data centre and one environment only: check ZOHO_API_URL, ZOHO_DC and ZOHO_ENVIRONMENT, or sign in again: ${call.again.how}; ${call.again.elsewhere}`,
  };
}

function hostOf(call: ApiCall): string {
  return URL.canParse(call.url) ? new URL(call.url).host : call.url;
}
