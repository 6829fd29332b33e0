import { type Delivery, isSuccess } from "../delivery/delivery.ts";

/** The event that a request is about. */
export interface RequestEvent {
  /** Its number in the log, when it is replayed. */
  readonly n?: number;
  readonly product: string | undefined;
  readonly event: string | undefined;
  readonly format: string | undefined;
}

export interface SentReport extends RequestEvent {
  readonly type: "sent";
  /** The format is neither documented nor seen. */
  readonly isModelled?: boolean;
  readonly url: string;
  readonly status: number | undefined;
  /** Whether it is a status that the user asked for, or the refusal of a fault; undefined where any 2xx is a success. */
  readonly isExpected?: boolean;
  readonly latencyMs: number;
  readonly error: string | undefined;
  /** How to fix a failure. */
  readonly hint?: string;
  /** One of many: notes and the answer of a success are left out for a person. */
  readonly brief?: boolean;
  /** One of many: the length of their longest event name. */
  readonly nameWidth?: number;
  /** The start of the target's answer. */
  readonly replyPreview: string | undefined;
  /** How it was signed or broken: "signed with ZOHO_WEBHOOK_SECRET". */
  readonly notes: readonly string[];
  readonly bytes: number;
}

/** Whether the answer was the one that the user wanted. */
export function hasSucceeded({ error, isExpected, status }: SentReport): boolean {
  return error === undefined && (isExpected ?? isSuccess(status));
}

export interface SendSummaryReport {
  readonly type: "send-summary";
  readonly count: number;
  readonly ok: number;
  readonly failed: number;
  readonly seconds: number;
  readonly latency: { readonly p50: number; readonly p95: number; readonly p99: number; readonly max: number };
  readonly statuses: Readonly<Record<string, number>>;
}

/** A request that was prepared and not sent. */
export interface RequestReport extends RequestEvent, Delivery {
  readonly type: "request";
  /** As a curl command, with `--curl`. */
  readonly curl: string | undefined;
  /** For a request that is there to be used. */
  readonly showSecrets?: boolean;
}

export type SendReport = RequestReport | SendSummaryReport | SentReport;
