import { createHmac, randomBytes, scryptSync } from "node:crypto";

/** The request header with a nonce, and the response header that proves which receiver answered. */
export const PROBE_HEADER = "x-zoho-hooks-probe";
export const PROBE_ANSWER_HEADER = "x-zoho-hooks-probe-answer";

/** The response header with the address that the receiver takes for the sender's. */
export const PROBE_ADDRESS_HEADER = "x-zoho-hooks-probe-address";

/** Lets one receiver prove itself: a stranger that answers 200, or echoes, is not taken for it. */
export interface ProbeKey {
  /** Undefined for a text that is not a nonce of ours. */
  answer(nonce: string): string | undefined;
}

/** `seed`: what the receivers of one public URL have in common, each of which may answer for another. */
export function createProbeKey(seed?: string): ProbeKey {
  // Anyone who gets an answer can guess at the seed, which may be no more than the password of a database.
  const key = seed === undefined ? randomBytes(32) : scryptSync(seed, "zoho-hooks probe", 32);
  return {
    answer: (nonce) =>
      /^[0-9a-f]{32}$/.test(nonce) ? createHmac("sha256", key).update(nonce).digest("hex") : undefined,
  };
}

export function createNonce(): string {
  return randomBytes(16).toString("hex");
}
