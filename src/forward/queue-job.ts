import { createHash } from "node:crypto";
import type { Delivery } from "../delivery/delivery.ts";
import { readPayload } from "../delivery/payload.ts";
import { isRecord } from "../util/json.ts";

/** The event of a delivery, as far as a job needs it. */
export interface QueuedEvent {
  /** Undefined for one that is to become a new job, whatever jobs the queue has already. */
  readonly n: number | undefined;
  readonly product: string | undefined;
  readonly receivedAt: Date;
  readonly duplicateOf?: number | undefined;
}

/** The data of the guide's job, and the exact bytes. Long numbers are strings, since JSON.parse would round them. */
export interface WebhookJob {
  readonly product: string;
  /** Undefined for a body that cannot be read. */
  readonly webhook: unknown;
  readonly webhookId: string;
  /** ISO 8601 */
  readonly receivedAt: string;
  /** The body in base64. */
  readonly rawBody: string;
}

export function webhookJob(delivery: Delivery, { product = "unknown", receivedAt }: QueuedEvent): WebhookJob {
  const read = readPayload(delivery);
  const webhook = read.ok ? read.payload.data : undefined;
  const rawBody = delivery.body.toString("base64");
  return { product, webhook, webhookId: webhookId(webhook, delivery), receivedAt: receivedAt.toISOString(), rawBody };
}

/** The guide's `getWebhookId`. */
function webhookId(webhook: unknown, { body }: Delivery): string {
  const { ids, subscription_id, invoice_id, ticketId } = isRecord(webhook) ? webhook : {};
  const id = (Array.isArray(ids) ? ids[0] : undefined) || subscription_id || invoice_id || ticketId;
  if (typeof id === "string" || typeof id === "number") return String(id);
  return createHash("md5")
    .update(webhook === undefined ? body : JSON.stringify(webhook))
    .digest("hex");
}

/**
 * The same for an event that is delivered twice, and another one in each log, where numbers begin at 1 again. BullMQ ignores a
 * job whose id it has, and refuses integers and colons.
 */
export function jobId(original: number, receivedAt: Date): string {
  return `zoho-${original}-${receivedAt.getTime()}`;
}
