import type { Context } from "../../context.ts";
import { ExitCode } from "../../core/errors.ts";
import { MASK } from "../../core/mask.ts";
import { maskedBody } from "../../zoho/http.ts";
import type { WebhookCall } from "../../zoho/webhooks/managed-product.ts";
import { requestFor } from "../../zoho/webhooks/webhook-client.ts";
import type { WebhookSession } from "./webhooks-session.ts";

/** Stands for an organisation that only a request could find out. */
const TO_BE_FOUND = "yours";

/** Shows calls to Zoho, with their secrets masked, instead of making them. */
export function showCalls(context: Context, session: WebhookSession, calls: readonly WebhookCall[]): ExitCode {
  const { api, product, org } = session;
  for (const call of calls) {
    const isNeeded = product.organisation.discover !== undefined;
    const request = requestFor(product, call, org ?? (isNeeded ? TO_BE_FOUND : undefined));
    const { method, url } = api.describe(request);
    const { json, multipart, headers } = request;
    context.report({
      type: "api-request",
      sent: false,
      method,
      url,
      headers: {
        authorization: `Zoho-oauthtoken ${MASK}`,
        ...headers,
        ...(json === undefined ? {} : { "content-type": "application/json" }),
        ...(multipart === undefined ? {} : { "content-type": "multipart/form-data" }),
      },
      body: maskedBody({ ...(json === undefined ? {} : { json }), ...(multipart === undefined ? {} : { multipart }) }),
      status: undefined,
      error: undefined,
      latencyMs: undefined,
    });
  }
  return ExitCode.ok;
}
