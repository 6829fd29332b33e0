/** Something that is so or has become so of a notification channel. */
export interface ChannelReport {
  readonly type: "channel";
  readonly state: ChannelState;
  readonly product: string;
  readonly id: string;
  /** What is known of the channel itself; undefined where the report is only of a change. */
  readonly channel?: ChannelFacts | undefined;
  readonly expiresAt: Date | undefined;
  /** When it ended before a renewal. */
  readonly previousExpiresAt?: Date | undefined;
  /** Milliseconds; undefined when the end is not known. */
  readonly timeLeftMs: number | undefined;
  /** Why it is not well. */
  readonly reason?: string | undefined;
  readonly hint?: string | undefined;
}

export type ChannelState =
  | "listed"
  | "created"
  | "renewed"
  | "updated"
  /** A renewal failed, and the channel still lives. */
  | "expiring"
  | "lost"
  | "deleted"
  /** It was to be deleted and is still there, or was not there at all. */
  | "not-deleted"
  | "unknown";

export interface ChannelFacts {
  readonly events: readonly string[];
  readonly notifyUrl: string | undefined;
  /** Masked, unless the user asked to see it; undefined when the channel has none. */
  readonly token: string | undefined;
  readonly related: boolean | undefined;
  readonly values: boolean | undefined;
  readonly conditions: readonly unknown[];
}

/** A channel that lives as long as the receiver that it posts to. */
export interface RunningChannel {
  readonly product: string;
  readonly id: string;
  readonly events: readonly string[];
  readonly expiresAt: Date | undefined;
  /** Milliseconds. */
  readonly timeLeftMs: number | undefined;
}

/** A record that a notification told of, as the API gives it: it is no part of the delivery. */
export interface RecordReport {
  readonly type: "record";
  /** Of the event. */
  readonly n: number;
  readonly product: string;
  readonly module: string;
  readonly id: string;
  /** Numbers that a double cannot hold are text; undefined where there is none. */
  readonly record: unknown;
  /** Why there is none. */
  readonly error: string | undefined;
  readonly hint: string | undefined;
}

/** Who is signed in to Zoho, and for how long without a new token. */
export interface SignInReport {
  readonly type: "sign-in";
  readonly state: "signed-in" | "current" | "signed-out";
  readonly profile: string;
  readonly dataCentre: string;
  readonly environment: string;
  readonly accountsUrl: string;
  readonly apiUrl: string | undefined;
  readonly clientId: string | undefined;
  readonly scopes: readonly string[];
  /** "the keyring", a file's path, "environment": where its secrets are. */
  readonly secretsIn: string;
  readonly tokenExpiresAt: Date | undefined;
}

/** A request to Zoho with its secrets masked: one that was made, with `--verbose`, or one that was not, with `--dry-run`. */
export interface ApiRequestReport {
  readonly type: "api-request";
  readonly sent: boolean;
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly status: number | undefined;
  readonly error: string | undefined;
  readonly latencyMs: number | undefined;
}
