import type { ChannelReport } from "../channels/reports.ts";
import type { Context } from "../project/context.ts";
import type { ApiRequestLine } from "../zoho-api/lines.ts";
import type { FailedDelivery, Webhook } from "./product-api.ts";

/** For what reads or writes webhooks at Zoho. */
export type WebhookContext = Context<ApiRequestLine | ChannelReport | WebhookFailureReport | WebhookReport>;

/** The state of a webhook in a Zoho product, or a change of it. */
export interface WebhookReport {
  readonly type: "webhook";
  readonly state: WebhookState;
  readonly product: string;
  readonly id: string;
  /** Undefined where only a change is reported. Its secret is masked unless the user asked to see it. */
  readonly webhook?: Omit<Webhook, "id"> & { readonly secret?: string | undefined };
  /** Why it is in a bad state, or what it replaces. */
  readonly reason?: string | undefined;
  readonly hint?: string | undefined;
}

/** `not-deleted`: it still exists; `unknown`: it was to be deleted, but did not exist. */
export type WebhookState = "listed" | "created" | "deleted" | "not-deleted" | "unknown";

/** A delivery that Zoho could not make, or the answer to asking for it again. */
export interface WebhookFailureReport {
  readonly type: "webhook-failure";
  readonly state: FailureState;
  readonly product: string;
  readonly failure: Omit<FailedDelivery, "again">;
  /** Why Zoho does not send it again. */
  readonly refusal?: string | undefined;
}

export type FailureState = "failed" | "resent" | "not-resent";
