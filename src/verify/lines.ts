import type { Receipt } from "../model/receipt.ts";
import type { ReceiptMembers } from "../receiver/event-line.ts";
import type { TextPosition } from "../util/json.ts";
import type { Time } from "../util/json-line.ts";

/** What of a payload is right and what is wrong. @printedBy verify */
export interface VerifiedLine extends ReceiptMembers {
  readonly type: "verified";
  /** As you wrote it; `-` for standard input. */
  readonly file: string;
  /** Where the payload begins in a file of several. */
  readonly line: number | null;
  /** `custom`: a body without a schema; `no_key`: not verified, for want of a key or a signature; `masked`: its secrets are masked. */
  readonly outcome: "valid" | "custom" | "invalid" | "wrong_signature" | "missing_signature" | "no_key" | "masked";
  /** When it arrived. With `--logged`. */
  readonly at?: Time;
  /** What the sender was answered. With `--logged`. */
  readonly status?: number | null;
  /** Where an unreadable body stops being JSON. */
  readonly problem_at?: TextPosition | null;
  readonly notes: readonly string[];
  /** The exact bytes, except masked secrets. */
  readonly body_b64: string;
  /** Parsed, long ids as text; null if it could not be read. */
  readonly body: unknown;
  /** With `--explain`. */
  readonly explanations?: readonly Explanation[];
}

export interface VerifiedReport extends VerifiedLine {
  readonly person: {
    readonly receipt: Receipt;
    /** Length of the body as it came, before secrets were masked. */
    readonly bytes: number;
    /** What each of `explanations` says in one line, where `canonical` is the signed string itself. */
    readonly summaries: readonly (string | undefined)[];
    /** The day on which it arrived, if it is not today. */
    readonly day: string | undefined;
  };
}

export interface Explanation {
  /** Id of the signature or token. */
  readonly id: string;
  /** The signed string, or a description of it. */
  readonly canonical: string;
  /** What was tried. */
  readonly findings: readonly Finding[];
  /** The likely cause if no finding matches. */
  readonly likely: LikelyCause | null;
  /** The value that came. With `--show-expected`. */
  readonly received?: string | null;
  /** The value that would have been right. With `--show-expected`. */
  readonly expected?: string | null;
}

interface LikelyCause {
  readonly meaning: string;
  readonly remedy?: string;
}

interface Finding {
  readonly id: string;
  readonly matches: boolean;
  readonly meaning: string;
  readonly remedy?: string;
}

/** Counts several payloads by their `outcome`. @printedBy verify */
export interface VerifySummaryLine {
  readonly type: "verify_summary";
  readonly count: number;
  readonly valid: number;
  readonly custom: number;
  readonly invalid: number;
  readonly wrong_signature: number;
  readonly missing_signature: number;
  readonly no_key: number;
  readonly masked: number;
}
