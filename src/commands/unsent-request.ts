import type { Context } from "../context.ts";
import { ExitCode } from "../core/errors.ts";
import { MASK } from "../core/mask.ts";
import { maskedBody } from "../zoho/http.ts";
import type { ApiRequest, ZohoApi } from "../zoho/zoho-api.ts";

/** Shows a request to Zoho, with its secrets masked, instead of making it. */
export function showRequest(context: Context, { api }: { readonly api: ZohoApi }, request: ApiRequest): ExitCode {
  const { method, json, multipart, headers } = request;
  context.report({
    type: "api-request",
    sent: false,
    method,
    url: api.urlOf(request),
    headers: {
      authorization: `Zoho-oauthtoken ${MASK}`,
      ...headers,
      ...(json === undefined ? {} : { "content-type": "application/json" }),
      ...(multipart === undefined ? {} : { "content-type": "multipart/form-data" }),
    },
    body: maskedBody(request),
    status: undefined,
    error: undefined,
    latencyMs: undefined,
  });
  return ExitCode.ok;
}
