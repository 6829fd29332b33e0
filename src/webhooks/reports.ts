/** The state of a webhook in a Zoho product, or a change of it. */
export interface WebhookReport {
  readonly type: "webhook";
  readonly state: WebhookState;
  readonly product: string;
  readonly id: string;
  /** Undefined where only a change is reported. */
  readonly webhook?: WebhookFacts | undefined;
  /** Why it is in a bad state. */
  readonly reason?: string | undefined;
}

/** `not-deleted`: it still exists; `unknown`: it was to be deleted, but did not exist. */
export type WebhookState = "listed" | "created" | "deleted" | "not-deleted" | "unknown";

interface WebhookFacts {
  readonly name: string | undefined;
  readonly url: string | undefined;
  readonly events: readonly string[];
  readonly enabled: boolean | undefined;
  /** Undefined where it needs none or Zoho does not name them. */
  readonly rules: readonly string[] | undefined;
  /** Masked unless the user asked to see it; undefined where there is none or it is not known. */
  readonly secret: string | undefined;
}

/** A delivery that Zoho could not make, or the answer to asking for it again. */
export interface WebhookFailureReport {
  readonly type: "webhook-failure";
  readonly state: FailureState;
  readonly product: string;
  readonly failure: FailureFacts;
  /** Why Zoho does not send it again. */
  readonly refusal?: string | undefined;
}

export type FailureState = "failed" | "resent" | "not-resent";

/** A delivery that Zoho counts as failed, as far as its list says. */
export interface FailureFacts {
  readonly id: string;
  /** When it failed last. */
  readonly at: Date | undefined;
  /** The webhook's name, else its id. */
  readonly webhook: string | undefined;
  /** The workflow rule that called it. */
  readonly rule: string | undefined;
  /** The event, or the module of the record. */
  readonly event: string | undefined;
  /** The record's id. */
  readonly record: string | undefined;
  /** Masked in a report. */
  readonly url: string | undefined;
  /** The status that the receiver answered. */
  readonly status: number | undefined;
  readonly reason: string | undefined;
  /** How often Zoho has repeated it. */
  readonly retries: number | undefined;
}
