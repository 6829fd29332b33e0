import type { Explanation } from "../contract/product.ts";
import type { Receipt } from "../recognition/receive.ts";
import type { VerifyOutcome } from "../recognition/verify-payload.ts";
import type { TextPosition } from "../util/json.ts";

export interface VerifiedReport {
  readonly type: "verified";
  /** As the user wrote it; `-` for standard input. */
  readonly file: string;
  /** Line at which the payload begins in a file of several. */
  readonly line: number | undefined;
  readonly outcome: VerifyOutcome;
  readonly receipt: Receipt;
  readonly body: Buffer;
  /** Length of the body as it came, before secrets were masked. */
  readonly bytes: number;
  /** The place in the file of each schema issue, in the order of the issues. */
  readonly positions: readonly (TextPosition | undefined)[];
  /** Position at which the file stops being valid JSON. */
  readonly problemPosition: TextPosition | undefined;
  readonly explanations: readonly { readonly id: string; readonly explanation: Explanation }[];
  readonly showExpected: boolean;
  readonly notes: readonly string[];
}

/** Follows several payloads. */
export interface VerifySummaryReport {
  readonly type: "verify-summary";
  readonly count: number;
  readonly valid: number;
  /** Custom bodies, which have no schema. */
  readonly custom: number;
  readonly notVerified: number;
  /** Cannot be verified, since their secrets are masked. */
  readonly masked: number;
  /** Not an event of a known product, or does not match its schema. */
  readonly invalid: number;
}
