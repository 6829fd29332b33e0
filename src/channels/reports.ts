/** The state of a notification channel, or a change of it. */
export interface ChannelReport {
  readonly type: "channel";
  readonly state: ChannelState;
  readonly product: string;
  readonly id: string;
  /** Undefined where only a change is reported. */
  readonly channel?: ChannelFacts | undefined;
  readonly expiresAt: Date | undefined;
  /** Its expiry before a renewal. */
  readonly previousExpiresAt?: Date | undefined;
  /** Undefined where the expiry is not known. */
  readonly timeLeftMs: number | undefined;
  /** Why it is in a bad state. */
  readonly reason?: string | undefined;
  readonly hint?: string | undefined;
}

export type ChannelState =
  | "listed"
  | "created"
  | "renewed"
  | "updated"
  /** A renewal failed, and the channel has not expired yet. */
  | "expiring"
  | "lost"
  | "deleted"
  /** It still exists after an attempt to delete it; `unknown`: it did not exist. */
  | "not-deleted"
  | "unknown";

export interface ChannelFacts {
  readonly events: readonly string[];
  readonly notifyUrl: string | undefined;
  /** Masked unless the user asked to see it; undefined when the channel has none. */
  readonly token: string | undefined;
  readonly related: boolean | undefined;
  readonly values: boolean | undefined;
  readonly conditions: readonly unknown[];
}

/** A channel that exists as long as the receiver that it posts to. */
export interface RunningChannel {
  readonly product: string;
  readonly id: string;
  readonly events: readonly string[];
  readonly expiresAt: Date | undefined;
  readonly timeLeftMs: number | undefined;
}

/** The record that a notification names, fetched from the API. It is not part of the delivery. */
export interface RecordReport {
  readonly type: "record";
  /** The event's number. */
  readonly n: number;
  readonly product: string;
  readonly module: string;
  readonly id: string;
  /** Undefined where there is none. Numbers that a double cannot hold are text. */
  readonly record: unknown;
  /** Why there is no record. */
  readonly error: string | undefined;
  readonly hint: string | undefined;
}
