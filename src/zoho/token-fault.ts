import type { ApiCall } from "./api-error.ts";
import { dataCentreOf } from "./data-centres.ts";

export interface KnownFault {
  readonly exit: "credentials" | "zohoApi";
  readonly meaning: string;
  readonly hint: string;
}

/** Why an access token is refused, as far as the hosts and the age of the token tell. */
export function invalidToken(call: ApiCall): KnownFault {
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

export function hostOf(call: ApiCall): string {
  return URL.canParse(call.url) ? new URL(call.url).host : call.url;
}
