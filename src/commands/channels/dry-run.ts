import type { Context } from "../../context.ts";
import { ExitCode } from "../../core/errors.ts";
import { MASK } from "../../core/mask.ts";
import { maskedBody } from "../../zoho/http.ts";
import type { ApiRequest } from "../../zoho/zoho-api.ts";
import type { ZohoSession } from "../zoho-session.ts";

/** Shows a request to Zoho, with its secrets masked, instead of making it. */
export function showRequest(context: Context, { api }: ZohoSession, request: ApiRequest): ExitCode {
  const { method, url, body } = api.describe(request);
  context.report({
    type: "api-request",
    sent: false,
    method,
    url,
    headers: {
      authorization: `Zoho-oauthtoken ${MASK}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    body: body === undefined ? undefined : maskedBody({ json: body }),
    status: undefined,
    error: undefined,
    latencyMs: undefined,
  });
  return ExitCode.ok;
}
