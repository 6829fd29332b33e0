import { timingSafeEqual } from "node:crypto";

/** Replaces a secret where text is shown. */
export const MASK = "[masked]";

/** A configured secret. The value is behind a function, so that no report, error or `JSON.stringify` prints it by accident. */
export interface Secret {
  /** The variable or file that it was read from, which may be shown. */
  readonly origin: string;
  /** A delivery without it does not fail. */
  readonly optional?: boolean;
  /** Set for every product that signs with such a secret, not for one of them. */
  readonly shared?: boolean;
  /** Whether this body must carry it all the same: it names the channel of the token. */
  readonly requiredBy?: (data: unknown) => boolean;
  reveal(): string;
}

export function secret(value: string, origin: string): Secret {
  return { origin, reveal: () => value };
}

export interface Secrets {
  /** The secrets that a proof may use for a product. */
  for(credential: Credential, product: string): readonly Secret[];
  /** Every configured secret, to explain a failure. */
  all(): readonly Secret[];
}

/** The kinds of secrets, each with an environment variable. */
export type Credential = "secret" | "token" | "auth" | "hookSecret" | "publicKey" | "privateKey" | "jwks";

/** The environment variable of each credential; with `_CRM` appended, that of one product. */
export const CREDENTIAL_VARIABLES: Readonly<Record<Credential, string>> = {
  secret: "ZOHO_WEBHOOK_SECRET",
  token: "ZOHO_WEBHOOK_TOKEN",
  auth: "ZOHO_WEBHOOK_AUTH",
  hookSecret: "ZOHO_WEBHOOK_HOOK_SECRET",
  publicKey: "ZOHO_WEBHOOK_PUBLIC_KEY",
  privateKey: "ZOHO_WEBHOOK_PRIVATE_KEY",
  jwks: "ZOHO_WEBHOOK_JWKS",
};

export const noSecrets: Secrets = { for: () => [], all: () => [] };

/** Compares in constant time; different lengths are unequal rather than an error. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

export function sameText(a: string, b: string): boolean {
  return sameBytes(Buffer.from(a, "utf8"), Buffer.from(b, "utf8"));
}
