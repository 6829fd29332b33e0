import { isSuccess } from "../delivery/delivery.ts";
import type { Percentiles } from "../log/lines.ts";
import type { HeaderPair } from "../util/json-line.ts";

/** A request and its answer; with `--dry-run` the request that was not sent. @printedBy send, replay */
export interface SentLine {
  readonly type: "sent";
  /** Its number in the log. Of `replay`. */
  readonly n?: number;
  readonly product: string | null;
  readonly event: string | null;
  readonly format: string | null;
  readonly url: string;
  /** Null if no answer came. Of a queue (`bullmq://`), 200 once Redis has the job; the terminal shows `queued`. */
  readonly status: number | null;
  readonly latency_ms: number | null;
  readonly error: string | null;
  /** Without `--dry-run`. */
  readonly hint?: string | null;
  /** The start of the answer. Without `--dry-run`. */
  readonly reply?: string | null;
  /** How it was signed or broken: `signed with ZOHO_WEBHOOK_SECRET`. Without `--dry-run`. */
  readonly notes?: readonly string[];
  /** With `--dry-run`. */
  readonly request?: PreparedRequest;
}

interface PreparedRequest {
  readonly method: string;
  readonly url: string;
  /** Pairs of a name and a value. */
  readonly headers: readonly HeaderPair[];
  /** The exact bytes. */
  readonly body_b64: string;
  readonly body: string;
  /** As a curl command, with `--curl`. */
  readonly curl?: string;
}

/** An answered request, or one that failed. */
export interface SentReport extends SentLine {
  readonly latency_ms: number;
  readonly hint: string | null;
  readonly reply: string;
  readonly notes: readonly string[];
  readonly request?: undefined;
  readonly person: {
    readonly bytes: number;
    /** The format is neither documented nor seen. */
    readonly isModelled?: boolean;
    /** Whether it is a status that the user asked for, or the refusal of a fault; undefined where any 2xx is a success. */
    readonly isExpected?: boolean;
    /** One of many: notes and the answer of a success are left out. */
    readonly brief?: boolean;
    /** One of many: the length of their longest event name. */
    readonly nameWidth?: number;
  };
}

/** Whether the answer was the one that the user wanted. */
export function hasSucceeded({ error, status, person }: SentReport): boolean {
  return error === null && (person.isExpected ?? isSuccess(status ?? undefined));
}

/** A request that was prepared and not sent. */
export interface RequestReport extends SentLine {
  readonly request: PreparedRequest;
  readonly person: {
    /** For a request that is there to be used. */
    readonly showSecrets: boolean;
  };
}

/** Counts several requests. @printedBy send */
export interface SendSummaryLine {
  readonly type: "send_summary";
  readonly count: number;
  readonly ok: number;
  readonly failed: number;
  readonly seconds: number;
  /** How many had each status, or without an answer each code of an error. */
  readonly statuses: { readonly [name: string]: number };
  /** How long the target took to answer. */
  readonly latency_ms: Percentiles;
}

export type SendReport = RequestReport | SendSummaryLine | SentReport;

/** The sample of an event. @printedBy fixtures */
export interface FixtureLine {
  readonly type: "fixture";
  readonly product: string;
  readonly format: string;
  readonly event: string;
  /** Null if there is none. */
  readonly path: string | null;
  readonly origin: "project" | "built-in" | null;
  /** It is the template of a family, filled in for the event. */
  readonly template: boolean;
  /** Of `fixtures show`. */
  readonly text?: string;
}
