/** A profile's sign-in to Zoho. */
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
  /** Place of its secrets: the keyring, a file or the environment. */
  readonly secretsIn: string;
  readonly tokenExpiresAt: Date | undefined;
}

/** A request to Zoho with its secrets masked: sent (`--verbose`) or not (`--dry-run`). */
export interface ApiRequestReport {
  readonly type: "api-request";
  readonly sent: boolean;
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly status?: number | undefined;
  readonly error?: string | undefined;
  readonly latencyMs?: number;
}
