import type { Delivery, HeaderPair } from "../core/delivery.ts";
import type { Verdict } from "../core/product.ts";
import type { SchemaIssue } from "../core/schema-check.ts";
import type { SqlRow } from "./engine.ts";
import type { Attempt, Forward, ForwardState } from "./forward.ts";
import type { DeliveryState, LogRecord } from "./log.ts";
import { bytesOf, listOf, maybeNumber, maybeText, numberOf, textOf } from "./row.ts";
import { STATE } from "./schema.ts";

/** The columns that `readRecord` reads, from the table `deliveries`. */
export const RECORD_COLUMNS = `deliveries.n, received_at, method, url, remote, product, format, event, known, accepted,
  status, refusal, identity, duplicate_of, records, verdicts, issues, ${STATE} AS outcome`;

const STATES: readonly DeliveryState[] = ["received", "waiting", "processed", "failed", "duplicate", "rejected"];
/** By number. A log that has not been brought up to date yet has 1 for what an older version had claimed. */
const FORWARD_STATES: readonly ForwardState[] = ["waiting", "waiting", "delivered", "failed"];

export function readRecord(row: SqlRow): LogRecord {
  return {
    n: numberOf(row, "n"),
    receivedAt: new Date(numberOf(row, "received_at")),
    method: textOf(row, "method"),
    url: textOf(row, "url"),
    remote: maybeText(row, "remote"),
    product: maybeText(row, "product"),
    format: maybeText(row, "format"),
    event: maybeText(row, "event"),
    known: row.known === 1,
    records: listOf<string>(row, "records"),
    verdicts: listOf<Verdict>(row, "verdicts"),
    issues: listOf<SchemaIssue>(row, "issues"),
    schemaChecked: row.issues !== null,
    identity: maybeText(row, "identity"),
    duplicateOf: maybeNumber(row, "duplicate_of"),
    accepted: row.accepted === 1,
    status: maybeNumber(row, "status"),
    refusal: maybeText(row, "refusal"),
    state: readState(row),
  };
}

export function readState(row: SqlRow): DeliveryState {
  const word = textOf(row, "outcome");
  return STATES.find((state) => state === word) ?? "received";
}

/** The exact request, from the columns `method`, `url`, `headers` and `body`. */
export function readDelivery(row: SqlRow): Delivery {
  return {
    method: textOf(row, "method"),
    url: textOf(row, "url"),
    headers: listOf<HeaderPair>(row, "headers"),
    body: bytesOf(row, "body"),
  };
}

export function readAttempt(row: SqlRow): Attempt {
  return {
    attempt: numberOf(row, "attempt"),
    target: textOf(row, "target"),
    at: new Date(numberOf(row, "at")),
    status: maybeNumber(row, "status"),
    latencyMs: numberOf(row, "latency_ms"),
    error: maybeText(row, "error"),
    reply: maybeText(row, "reply"),
  };
}

export function readForward(row: SqlRow): Forward {
  const state = FORWARD_STATES[numberOf(row, "state")] ?? "waiting";
  const dueAt = state === "waiting" ? new Date(numberOf(row, "due_at")) : undefined;
  return { target: textOf(row, "target"), state, attempts: numberOf(row, "attempts"), dueAt };
}
