import type { Explanation } from "../model/product.ts";
import type { Receipt } from "../model/receipt.ts";
import type { TextPosition } from "../util/json.ts";
import type { VerifyOutcome } from "./verify-payload.ts";

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
  /** What `listen` answered; undefined if the delivery is not from the log. */
  readonly answered: LoggedAnswer | undefined;
}

interface LoggedAnswer {
  readonly at: Date;
  /** Undefined if the sender got no answer. */
  readonly status: number | undefined;
  /** The day, if it is not today. */
  readonly day: string | undefined;
}

/** Counts several payloads by their outcome. */
export interface VerifySummaryReport {
  readonly type: "verify-summary";
  readonly count: number;
  readonly outcomes: Readonly<Record<VerifyOutcome, number>>;
}
