/** Something that is so or has become so of a webhook in a Zoho product. */
export interface WebhookReport {
  readonly type: "webhook";
  readonly state: WebhookState;
  readonly product: string;
  readonly id: string;
  /** What is known of the webhook itself; undefined where the report is only of a change. */
  readonly webhook?: WebhookFacts | undefined;
  /** Why it is not well. */
  readonly reason?: string | undefined;
}

/** `not-deleted`: it is still there; `unknown`: it was to be deleted and was not there. */
export type WebhookState = "listed" | "created" | "deleted" | "not-deleted" | "unknown";

interface WebhookFacts {
  readonly name: string | undefined;
  readonly url: string | undefined;
  readonly events: readonly string[];
  readonly enabled: boolean | undefined;
  /** Undefined where it needs none, or Zoho does not say. */
  readonly rules: readonly string[] | undefined;
  /** Masked, unless the user asked to see it; undefined where it is not known, or there is none. */
  readonly secret: string | undefined;
}
