import type { HeaderPair } from "../delivery/delivery.ts";
import { problemText } from "../delivery/payload.ts";
import type { Attempt, DeliveryState, Forward } from "../log/log.ts";
import type { Receipt } from "../model/receipt.ts";
import { signatureOf } from "../model/verdict.ts";
import type { TextPosition } from "../util/json.ts";
import { rounded, timeOf } from "../util/json-line.ts";
import type { AttemptMembers, EventLine, ForwardMembers, LoggedMembers, ReceiptMembers } from "./event-line.ts";

/** A delivery, received now or read from the log. */
export interface ReceivedEvent {
  /** Counts from 1, in order of arrival; 0 for a delivery that could not be recorded. */
  readonly n: number;
  readonly at: Date;
  readonly method: string;
  readonly path: string;
  readonly headers: readonly HeaderPair[];
  readonly body: Buffer;
  readonly receipt: Receipt;
  readonly duplicateOf: number | undefined;
  /** The answer to the sender; undefined while the developer's app is still to give it (`--respond mirror`). */
  readonly status: number | undefined;
  /** Why the answer was not a plain 200. */
  readonly refusal: string | undefined;
  /** False when a filter hides the line; the event is counted all the same. */
  readonly shown: boolean;
  /** Set when the event is read from the log. */
  readonly logged?: LoggedFacts;
}

/** The only line with its subject beside it: a person sees a verdict's reasons, suggestions and the text of the body. */
export interface EventReport extends EventLine {
  readonly person: EventPerson & { readonly event: ReceivedEvent };
}

interface EventPerson {
  /** The command that explains what is wrong with a signature or token. */
  readonly explainCommand?: string | undefined;
  /** The first of a row of rejections for the same reasons, which are told there. */
  readonly sameAs?: number | undefined;
  /** The app's answer, where it came so soon that one line shows both. */
  readonly answer?: { readonly target: string; readonly status: number | null; readonly latency_ms: number };
  /** Set to show all that is known, with headers and body. */
  readonly details?: LoggedEvent;
  readonly showSecrets?: boolean | undefined;
}

export type LoggedEvent = ReceivedEvent & { readonly logged: LoggedFacts };

/** Facts that only the log has about a delivery. */
export interface LoggedFacts {
  readonly state: DeliveryState;
  readonly remote: string | undefined;
  /** Made by `reconcile`: nobody has sent it. */
  readonly reconstructed: boolean;
  /** Secrets in path, headers or body are masked, so they are not exactly what came. */
  readonly masked: boolean;
  /** Length of the body as it came; where neither the log nor a header has it, that of what was kept. */
  readonly bytes: number;
  /** How many of these bytes were kept, where not all were: it was rejected. */
  readonly cutTo?: number;
  /** Oldest first. */
  readonly attempts: readonly AttemptFacts[];
  readonly forwards: readonly Forward[];
  /** It has just come, so its forwarding is reported in lines below it. */
  readonly fresh: boolean;
  /** The day, when it differs from that of the line before. */
  readonly heading: string | undefined;
}

export interface AttemptFacts extends Attempt {
  readonly reply: string | undefined;
}

/** `verify` takes this line as an input. Its body is encoded only where the line is printed. */
export function eventReport(event: ReceivedEvent, person: EventPerson = {}): EventReport {
  const { receipt, logged } = event;
  return {
    type: "event",
    n: event.n,
    at: event.at.toISOString(),
    ...receiptLine(receipt),
    method: event.method,
    path: event.path,
    headers: event.headers,
    get body_b64() {
      return event.body.toString("base64");
    },
    get body() {
      return receipt.payload?.data ?? null;
    },
    duplicate_of: event.duplicateOf ?? null,
    status: event.status ?? null,
    refusal: event.refusal ?? null,
    ...(logged && loggedLine(logged)),
    person: { ...person, event },
  };
}

/** With the place of each schema issue, where it has one. */
export function receiptLine(receipt: Receipt, places: readonly (TextPosition | undefined)[] = []): ReceiptMembers {
  const { product = null, format = null, event = null, nearest = null, identity = null, hint = null } = receipt;
  const { known, custom, ambiguousWith, records, verdicts, schema, problem } = receipt;
  const issues = (schema?.issues ?? []).map(({ at: path, expected, received }, i) => ({
    path,
    expected,
    received,
    ...places[i],
  }));
  return {
    product,
    format,
    event,
    known,
    custom,
    ambiguous_with: ambiguousWith,
    nearest,
    records,
    signatures: verdicts.map(signatureOf),
    schema: schema === undefined ? null : { ok: schema.ok, issues },
    problem: problem === undefined ? null : problemText(problem),
    identity,
    hint,
  };
}

export function attemptLine(made: AttemptFacts): AttemptMembers {
  return {
    attempt: made.attempt,
    target: made.target,
    at: made.at.toJSON(),
    status: made.status ?? null,
    latency_ms: rounded(made.latencyMs),
    error: made.error ?? null,
    reply: made.reply ?? null,
    replay: made.replay ?? null,
  };
}

export function forwardLine({ target, state, attempts, dueAt }: Forward): ForwardMembers {
  return {
    target,
    state,
    attempts,
    due_at: timeOf(dueAt),
  };
}

function loggedLine(logged: LoggedFacts): LoggedMembers {
  const { state, remote, reconstructed, masked, bytes, cutTo, attempts, forwards } = logged;
  return {
    state,
    remote: remote ?? null,
    reconstructed,
    masked,
    bytes,
    cut: cutTo !== undefined,
    attempts: attempts.map(attemptLine),
    forwards: forwards.map(forwardLine),
  };
}
