import { createHmac, randomBytes } from "node:crypto";

/** The request header that carries a nonce, and the answer header that proves who has seen it. */
export const PROBE_HEADER = "x-zoho-hooks-probe";
export const PROBE_ANSWER_HEADER = "x-zoho-hooks-probe-answer";

/** What one receiver can answer and no other: a stranger that says 200, or echoes, is not taken for it. */
export interface ProbeKey {
  /** The answer to a nonce; undefined for a text that is none of ours. */
  answer(nonce: string): string | undefined;
}

export function createProbeKey(): ProbeKey {
  const key = randomBytes(32);
  return {
    answer: (nonce) =>
      /^[0-9a-f]{32}$/.test(nonce) ? createHmac("sha256", key).update(nonce).digest("hex") : undefined,
  };
}

export function createNonce(): string {
  return randomBytes(16).toString("hex");
}
