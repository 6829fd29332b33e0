import { ExitCode, UserError } from "../core/errors.ts";
import { maskText } from "../core/mask.ts";
import { oneLine } from "../core/one-line.ts";
import { isSuccess } from "../core/status.ts";
import { apiFault } from "./api-faults.ts";
import type { ZohoReply, ZohoRequest } from "./http.ts";
import type { SignInAgain } from "./sign-in-again.ts";
import type { KnownFault } from "./token-fault.ts";

/** What Zoho says of one thing that went wrong, in whatever shape it came. */
export interface ZohoFault {
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
