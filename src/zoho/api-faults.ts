import { isSuccess } from "../core/status.ts";
import { formatSpan } from "../core/units.ts";
import type { ApiCall, ZohoFault } from "./api-error.ts";
import { zohoTime } from "./channel-time.ts";
import { hostOf, invalidToken, type KnownFault } from "./token-fault.ts";

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
    hint: `sign in again with it, since a consent that was given before never gains a scope: ${call.again.how}`,
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
    hint: "see what is there with channels list, and create the channel again",
  }),
  INVALID_DATA: badValue,
  UNPROCESSABLE_ENTITY: (call, fault) =>
    /failed to respond with status code 200/i.test(fault.message)
      ? {
          exit: "zohoApi",
          meaning: "Zoho has tried the URL, and nothing there answered with 200",
          hint: "let something answer before the webhook is made: zoho-hooks listen with a tunnel does",
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
    hint: "leave the ids out and give names: they are looked up",
  }),
  INVALID_MODULE: () => ({
    exit: "zohoApi",
    meaning: "the organisation has no such module, or the module sends no notifications",
    hint: "use the API name of the module: that of Meetings is Events",
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
export function apiFault(fault: ZohoFault, call: ApiCall, status: number): KnownFault {
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
    meaning: "this code is not known to zoho-hooks",
    hint: "run again with --verbose to see the request",
  });
}

/** Neither is told apart from the other by what these products answer. */
function denied(call: ApiCall, mayBeOver: boolean): KnownFault {
  const over = mayBeOver ? ", or its access token is over" : "";
  return {
    exit: "credentials",
    meaning: `${hostOf(call)} does not let this sign-in do it: it lacks the scope ${call.scope}, is of another organisation or data centre, or its user may not${over}`,
    hint: `sign in again with that scope, and see to it that it is the right organisation: ${call.again.how}`,
  };
}

function notThere(): KnownFault {
  return {
    exit: "zohoApi",
    meaning: "there is no such thing in this organisation",
    hint: "list what is there, and see to it that it is the right organisation",
  };
}

function badValue(_call: ApiCall, _fault: ZohoFault): KnownFault {
  return {
    exit: "zohoApi",
    meaning: "a value in the request is not one that Zoho takes",
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
    meaning: "Zoho takes no more requests of this organisation for the moment: too many in too short a time",
    hint: `${waiting(call)} and try again with fewer requests at once; CRM's credits come back over a rolling 24 hours`,
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
    meaning: "the request lacks something that Zoho demands",
    hint: "look at the place named above; --dry-run shows the request",
  };
}

function taken(): KnownFault {
  return {
    exit: "zohoApi",
    meaning: "this is there already",
    hint: "see it with channels list, and update it or choose another --id",
  };
}

function notHere(): KnownFault {
  return {
    exit: "zohoApi",
    meaning: "Zoho does not do this for this organisation, module or API version",
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
    meaning: `what ${hostOf(call)} answered is not an answer of the API`,
    hint: "list what is there now; check ZOHO_API_URL, and whether a proxy answers in Zoho's place",
  };
}

function redirected(call: ApiCall): KnownFault {
  return {
    exit: "zohoApi",
    meaning: `${hostOf(call)} redirects elsewhere, and a request with a token is not sent on`,
    hint: "check ZOHO_API_URL and the data centre (--dc)",
  };
}
