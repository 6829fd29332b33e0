import type { Time } from "../util/json-line.ts";

/** A sign-in to Zoho. @printedBy login, logout, whoami */
export interface SignInLine {
  readonly type: "sign_in";
  readonly state: "signed_in" | "current" | "signed_out";
  readonly profile: string;
  readonly data_centre: string;
  readonly environment: string;
  readonly accounts_url: string;
  readonly api_url: string | null;
  readonly client_id: string | null;
  readonly scopes: readonly string[];
  /** In words: the keyring, a file or the environment. */
  readonly secrets_in: string;
  readonly token_expires_at: Time | null;
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
