import type { Context } from "../../context.ts";
import { ExitCode } from "../../core/errors.ts";
import type { WebhookCall } from "../../zoho/webhooks/managed-product.ts";
import { requestFor } from "../../zoho/webhooks/webhook-client.ts";
import { showRequest } from "../unsent-request.ts";
import type { WebhookSession } from "./webhooks-session.ts";

/** Stands for an organisation that only a request could find out. */
const TO_BE_FOUND = "yours";

/** Shows calls to Zoho, with their secrets masked, instead of making them. */
export function showCalls(context: Context, session: WebhookSession, calls: readonly WebhookCall[]): ExitCode {
  const { product, org } = session;
  const isNeeded = product.organisation.discover !== undefined;
  const organisation = org ?? (isNeeded ? TO_BE_FOUND : undefined);
  for (const call of calls) showRequest(context, session, requestFor(product, call, organisation));
  return ExitCode.ok;
}
