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
