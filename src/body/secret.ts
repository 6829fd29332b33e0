import { timingSafeEqual } from "node:crypto";

/**
 * A configured secret. The value sits behind a function so that no report, error or `JSON.stringify`
 * can print it by accident; `origin` says where it came from (`ZOHO_WEBHOOK_SECRET`, a file's name) and may be shown.
 */
export interface Secret {
  readonly origin: string;
  /** It counts where it is the right one; a delivery that does not carry it fails nothing by that. */
  readonly optional?: boolean;
  /** Whether a body says of itself that it must carry this one, optional or not: it names the channel of the token. */
  readonly requiredBy?: (data: unknown) => boolean;
  reveal(): string;
}

export function secret(value: string, origin: string): Secret {
  return { origin, reveal: () => value };
}

/** Which of the configured secrets a proof may use for a product, and every other one, to explain a failure. */
export interface Secrets {
  for(credential: Credential, product: string): readonly Secret[];
  all(): readonly Secret[];
}

/** What a proof needs to be checked or made. Each has its environment variable and its flag. */
export type Credential = "secret" | "token" | "auth" | "hookSecret" | "publicKey" | "privateKey" | "jwks";

export const noSecrets: Secrets = { for: () => [], all: () => [] };

/** Compares in constant time. Different lengths are simply unequal: they say nothing worth hiding and never throw. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

export function sameText(a: string, b: string): boolean {
  return sameBytes(Buffer.from(a, "utf8"), Buffer.from(b, "utf8"));
}
