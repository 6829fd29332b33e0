/**
 * The API between the inspector's page and its server. Names are those of `--json`, where there are any. Long numbers
 * never travel as numbers: bodies are text, made by the server.
 *
 * | request                            | answer                       |
 * | ---------------------------------- | ---------------------------- |
 * | `GET /api/state`                   | `State`                      |
 * | `GET /api/events?before=…&…`       | `EventPage` (`EventQuery`)   |
 * | `GET /api/events/42`               | `EventDetails`               |
 * | `GET /api/events/42/body`          | the body as a download; masked unless `show_secrets` |
 * | `GET /api/activity?span=1d`        | `Activity`                   |
 * | `GET /api/stream`                  | server-sent events, `StreamMessage` |
 * | `GET /api/products`                | `ProductEntry[]`             |
 * | `POST /api/{explain,show,diff,…}`  | input of an operation that reads → `Outcome` |
 * | `POST /api/replay`                 | `ReplayRequest` → `Outcome`  |
 * | `POST /api/send`                   | `SendRequest` → `Outcome`    |
 *
 * A call that fails gets 4xx or 5xx and a `Failure`. Without the token, `GET /proof/<nonce>` has bytes that only who knows it can
 * make, and `GET /open/<code>` leads once to the page with its token.
 */
export type { Outcome } from "../operations/outcome.ts";

/** A line of the list. */
export interface EventRow {
  readonly n: number;
  /** ISO 8601. */
  readonly at: string;
  readonly method: string;
  readonly path: string;
  readonly product: string | null;
  readonly format: string | null;
  readonly event: string | null;
  readonly records: readonly string[];
  /** The result of its signatures and tokens together: `verified` if one is right and none wrong or missing. */
  readonly sender: "wrong_signature" | "missing_signature" | "no_key" | "verified" | "unsigned";
  /** Null where there was no schema to check. */
  readonly schema_ok: boolean | null;
  /** Has no schema: the user designs the body. */
  readonly custom: boolean;
  readonly status: number | null;
  readonly duplicate_of: number | null;
  /** Made by `reconcile`: nobody has sent it. */
  readonly reconstructed: boolean;
  readonly state: "received" | "waiting" | "delivered" | "failed" | "duplicate" | "rejected";
  readonly bytes: number;
  /** The app's last answer; null where none came. */
  readonly app_status: number | null;
  /** Null before the first attempt. */
  readonly app_latency_ms: number | null;
}

/** The periods that a span of time is shown in: as many bars, of so many milliseconds. */
export const SPANS = {
  "1h": { count: 60, periodMs: 60_000 },
  "1d": { count: 96, periodMs: 900_000 },
  "7d": { count: 168, periodMs: 3_600_000 },
} as const;
export type Span = keyof typeof SPANS;

/** The deliveries of a period by outcome; `other` are duplicates, and those that were not forwarded. */
export interface Period {
  readonly at: string;
  readonly delivered: number;
  readonly waiting: number;
  readonly failed: number;
  readonly rejected: number;
  readonly other: number;
}

/** A span of deliveries: it ends now, or if nothing came in it, with the newest delivery. */
export interface Activity {
  readonly span: Span;
  /** ISO 8601, as in a period. */
  readonly since: string;
  /** Those with deliveries, oldest first. */
  readonly periods: readonly Period[];
  /** How long the app took to answer, in milliseconds; null when it did not. */
  readonly latency: { readonly p50: number; readonly p99: number } | null;
}

export interface EventPage {
  readonly events: readonly EventRow[];
  /** There are older ones. */
  readonly more: boolean;
}

export interface EventDetails extends EventRow {
  /** In order, with repeats, masked. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** The body as text, masked; null where it is not text. */
  readonly raw: string | null;
  /** JSON, indented, with all digits; null for what is not JSON. */
  readonly pretty: string | null;
  /** The fields of a form or of multipart. */
  readonly fields: readonly { readonly name: string; readonly value: string }[] | null;
  /** Secrets are masked in what is shown. */
  readonly masked: boolean;
  /** The log has only the start of the body, so it cannot be sent again. */
  readonly cut: boolean;
  readonly remote: string | null;
  readonly refusal: string | null;
  /** Why the body could not be read. */
  readonly problem: string | null;
  readonly signatures: readonly Signature[];
  readonly issues: readonly Issue[];
  /** Remarks on how it was recognised, in sentences. */
  readonly notes: readonly string[];
  readonly attempts: readonly AttemptRow[];
  readonly forwards: readonly {
    readonly target: string;
    readonly state: string;
    readonly attempts: number;
    readonly due_at: string | null;
  }[];
}

interface Signature {
  readonly id: string;
  readonly result: EventRow["sender"];
  /** The result in words. */
  readonly text: string;
}

interface Issue {
  /** `data.0.Email`. */
  readonly path: string;
  /** In words. */
  readonly text: string;
  /** From 1, in `pretty`; null where the place is not in it. */
  readonly line: number | null;
}

export interface AttemptRow {
  readonly attempt: number;
  readonly target: string;
  readonly at: string;
  readonly status: number | null;
  readonly latency_ms: number;
  readonly error: string | null;
  /** The start of the app's answer. */
  readonly reply: string | null;
  /** Null for an attempt of `listen`. */
  readonly replay: "same" | "edited" | null;
}

export interface State {
  /** The folder of the project. */
  readonly project: string;
  /** The running receiver; null when none runs. */
  readonly receiver: { readonly url: string; readonly public_url: string | null } | null;
  /** Where replays may go, besides loopback. */
  readonly targets: readonly string[];
  /** The apps on this machine, by origin, and whether they accept connections. */
  readonly apps: readonly { readonly origin: string; readonly up: boolean }[];
  /** Deliveries that wait for an app. */
  readonly waiting: number;
  /** Deliveries that an app did not accept; at most 100 are counted. */
  readonly failed: number;
  /** Those of this project. */
  readonly channels: readonly {
    readonly id: string;
    readonly events: readonly string[];
    /** ISO 8601; null where it is not known. */
    readonly expires_at: string | null;
    readonly orphaned: boolean;
  }[];
  readonly show_secrets: boolean;
  /** How a person calls the program: `npx zoho-hooks`. */
  readonly invocation: string;
}

/**
 * A message of the stream; its name is the `event:` line. Only `events` has an id: the number of its newest event. The page sends
 * the last number that it has as `Last-Event-ID`, also the first time; without one it gets what comes from then on.
 */
export type StreamMessage =
  | { readonly name: "events"; readonly data: readonly EventRow[] }
  /** Events whose state may have changed; after a reconnection the latest 500 before `Last-Event-ID`. */
  | { readonly name: "changed"; readonly data: readonly EventRow[] }
  /** Events below this number have been pruned, except those that wait. */
  | { readonly name: "pruned"; readonly data: { readonly oldest: number } }
  /** The log was replaced, or events were removed from it: read the list anew. */
  | { readonly name: "reset"; readonly data: Readonly<Record<string, never>> }
  | { readonly name: "state"; readonly data: State };

export interface ProductEntry {
  readonly id: string;
  readonly name: string;
  /** The path of its webhook at the receiver. */
  readonly path: string;
  /** The variables whose secrets verify its deliveries. */
  readonly secrets: readonly { readonly name: string; readonly set: boolean }[];
  readonly formats: readonly {
    readonly id: string;
    /** Where it is specified, or what it is modelled on. */
    readonly source: string;
    /** What proves a sample of it, in words: `note` is with which variable, or why it is not signed. */
    readonly signing: readonly { readonly title: string; readonly note: string; readonly signs: boolean }[];
    /** What `send` can get wrong on purpose; null where it has nothing to verify. */
    readonly fault: Fault | null;
    readonly events: readonly string[];
  }[];
}

export type Fault = "badSignature" | "badToken";

export interface ReplayRequest {
  readonly n: number;
  /** Default: where it went before, else the configured targets. */
  readonly to?: string;
  /** The edited body; it is signed again with the secret that is configured. */
  readonly body?: string;
  /** Without `to`: only to the targets that have not accepted it, if there are any. */
  readonly failed?: boolean;
}

export interface SendRequest {
  readonly product: string;
  readonly event: string;
  readonly format?: string;
  readonly fault?: Fault;
  /** Shows the request and sends nothing. */
  readonly preview: boolean;
}

export interface Failure {
  readonly error: string;
  readonly hint: string | null;
}
