import type { HeaderPair } from "./delivery.ts";

export interface SentReport {
  readonly type: "sent";
  /** Its number in the log, of a delivery that is sent again. */
  readonly n?: number;
  readonly product: string | undefined;
  readonly event: string | undefined;
  readonly format: string | undefined;
  readonly url: string;
  readonly status: number | undefined;
  readonly latencyMs: number;
  readonly error: string | undefined;
  /** What is likely wrong and what to do, where the delivery failed. */
  readonly hint?: string | undefined;
  /** One of many: for a person notes and answer are left out where all is well. */
  readonly brief?: boolean;
  /** One of many: the length of the longest event's name among them. */
  readonly nameWidth?: number;
  /** The start of the target's answer. */
  readonly replyPreview: string | undefined;
  /** What was sent along with it, for a person: "signed with ZOHO_WEBHOOK_SECRET". */
  readonly notes: readonly string[];
  readonly bytes: number;
}

export interface SendSummaryReport {
  readonly type: "send-summary";
  readonly count: number;
  readonly ok: number;
  readonly failed: number;
  readonly seconds: number;
  /** Milliseconds. */
  readonly latency: { readonly p50: number; readonly p95: number; readonly p99: number; readonly max: number };
  readonly statuses: Readonly<Record<string, number>>;
}

/** A request that was prepared and not sent. */
export interface RequestReport {
  readonly type: "request";
  /** Its number in the log, of a delivery that would be sent again. */
  readonly n?: number;
  readonly product: string | undefined;
  readonly event: string | undefined;
  readonly format: string | undefined;
  readonly method: string;
  readonly url: string;
  readonly headers: readonly HeaderPair[];
  readonly body: Buffer;
  /** The same as a curl command, when that was asked for. */
  readonly curl: string | undefined;
}
