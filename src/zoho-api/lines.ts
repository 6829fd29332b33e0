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

/** A request to Zoho, its secrets masked. @printedBy any command with `--dry-run` or `--verbose` */
export interface ApiRequestLine {
  readonly type: "api_request";
  /** False with `--dry-run`. */
  readonly sent: boolean;
  readonly method: string;
  readonly url: string;
  readonly headers: { readonly [name: string]: string };
  readonly body: string | null;
  readonly status: number | null;
  readonly error: string | null;
  readonly latency_ms: number | null;
}

/** A profile. @printedBy whoami */
export interface ProfileLine {
  readonly type: "profile";
  readonly name: string;
  /** It is the one in use. */
  readonly used: boolean;
  readonly data_centre: string;
  readonly environment: string;
  readonly scopes: readonly string[];
  readonly secrets_in: "keyring" | "file";
}
