import type { ChannelLine } from "../channels/lines.ts";
import type { Context } from "../project/context.ts";
import { type Time, timeOf } from "../util/json-line.ts";
import type { ApiRequestLine } from "../zoho-api/lines.ts";
import type { FailedDelivery } from "./product-api.ts";

/** For what reads or writes webhooks at Zoho. */
export type WebhookContext = Context<ApiRequestLine | ChannelLine | WebhookFailureLine | WebhookLine>;

/** A webhook of another product, or a change of it. @printedBy listen, webhooks */
export interface WebhookLine extends Partial<WebhookMembers> {
  readonly type: "webhook";
  /** `unknown`: it was to be deleted, but did not exist. */
  readonly state: "listed" | "created" | "deleted" | "not_deleted" | "unknown";
  readonly product: string;
  readonly id: string;
  /** Why it is in a bad state, or what it replaces. */
  readonly reason?: string;
  readonly hint?: string;
}

interface WebhookMembers {
  /** This and the members to `secret` are left out where only a change is reported. */
  readonly name: string | null;
  readonly url: string | null;
  readonly events: readonly string[];
  /** Null if Zoho does not say. */
  readonly enabled: boolean | null;
  /** Ids of workflow rules; null where the product has none. */
  readonly rules: readonly string[] | null;
  readonly secret: string | null;
}

/** A delivery that Zoho could not make, or the answer to asking for it again. @printedBy webhooks failures */
export interface WebhookFailureLine {
  readonly type: "webhook_failure";
  readonly state: "failed" | "resent" | "not_resent";
  readonly product: string;
  readonly id: string;
  /** When it failed last. */
  readonly at: Time | null;
  /** Name of the webhook, or its id. */
  readonly webhook: string | null;
  /** The workflow rule that called it. */
  readonly rule: string | null;
  /** The event, or the module of the record. */
  readonly event: string | null;
  /** Id of the record. */
  readonly record: string | null;
  readonly url: string | null;
  /** The status that your server answered. */
  readonly status: number | null;
  readonly reason: string | null;
  /** How often Zoho has repeated it. */
  readonly retries: number | null;
}

/** `refusal`: why Zoho does not send it again. */
export function failureLine(
  product: string,
  state: WebhookFailureLine["state"],
  failure: Omit<FailedDelivery, "again">,
  refusal?: string,
): WebhookFailureLine {
  return {
    type: "webhook_failure",
    state,
    product,
    id: failure.id,
    at: timeOf(failure.at),
    webhook: failure.webhook ?? null,
    rule: failure.rule ?? null,
    event: failure.event ?? null,
    record: failure.record ?? null,
    url: failure.url ?? null,
    status: failure.status ?? null,
    reason: refusal ?? failure.reason ?? null,
    retries: failure.retries ?? null,
  };
}
