import type { Delivery, HeaderPair } from "../delivery/delivery.ts";
import { secretFieldNames } from "../delivery/mask.ts";
import type { Verdict, VerdictWord } from "../model/product.ts";
import { isInvalid } from "../model/receipt.ts";
import type { SchemaIssue } from "../model/schema.ts";
import { DamagedValue } from "./damage.ts";
import type {
  Attempt,
  Claim,
  ClaimRef,
  DeliveryState,
  FollowedAttempt,
  Forward,
  ForwardState,
  LogRecord,
  LogRow,
  NewEntry,
  WaitingCount,
} from "./log.ts";
import { STATE } from "./states.ts";

export type SqlValue = null | number | string | Uint8Array;
export type SqlRow = Readonly<Record<string, SqlValue>>;

/** The columns that `readRecord` reads, from the table `deliveries`. */
export const RECORD_COLUMNS = `deliveries.n, received_at, method, url, remote, product, format, event, known, accepted,
  status, refusal, identity, duplicate_of, records, verdicts, issues, reconstructed, ${STATE} AS outcome`;

const STATES: readonly DeliveryState[] = ["received", "waiting", "delivered", "failed", "duplicate", "rejected"];
const SENDERS = ["wrong_signature", "missing_signature", "no_key", "verified"] as const;
const REPLAYS = ["same", "edited"] as const;
/** Forward states, indexed by their number in the log, of which 1 is no longer used. */
const FORWARD_STATES: readonly ForwardState[] = ["waiting", "waiting", "delivered", "failed"];

export function readRecord(row: SqlRow): LogRecord {
  return {
    n: numberOf(row, "n"),
    receivedAt: dateOf(row, "received_at"),
    method: textOf(row, "method"),
    url: textOf(row, "url"),
    remote: maybeText(row, "remote"),
    product: maybeText(row, "product"),
    format: maybeText(row, "format"),
    event: maybeText(row, "event"),
    known: row.known === 1,
    records: listOf<string>(row, "records", isText),
    verdicts: listOf<Verdict>(row, "verdicts", isVerdict),
    issues: listOf<SchemaIssue>(row, "issues", isIssue),
    schemaChecked: row.issues !== null,
    identity: maybeText(row, "identity"),
    duplicateOf: maybeNumber(row, "duplicate_of"),
    accepted: row.accepted === 1,
    status: maybeNumber(row, "status"),
    refusal: maybeText(row, "refusal"),
    reconstructed: row.reconstructed === 1,
    state: readState(row),
  };
}

/**
 * The columns that `readRow` reads. Verdicts are not parsed: within a JSON text quotes are escaped, so these patterns match
 * nothing else. `sender` is the result of `senderVerdict`.
 */
export const ROW_COLUMNS = `deliveries.n, received_at, method, url, product, format, event, status, refusal, duplicate_of,
  reconstructed, records, issues IS NOT NULL AS checked, issues <> '[]' AS flawed,
  CASE WHEN instr(replace(verdicts, '"verdict":"failed","missing":true', ''), '"verdict":"failed"') > 0 THEN 'wrong_signature'
    WHEN instr(verdicts, '"verdict":"failed"') > 0 THEN 'missing_signature'
    WHEN instr(replace(verdicts, '"proves":"nothing","verdict":"passed"', ''), '"verdict":"passed"') > 0 THEN 'verified'
    WHEN instr(verdicts, '"verdict":"unconfigured"') > 0 THEN 'no_key' ELSE 'unsigned' END AS sender,
  CASE WHEN instr(verdicts, '"secretIn":') > 0 THEN verdicts END AS secret_fields,
  (SELECT length(body) FROM contents WHERE contents.n = deliveries.n) AS bytes,
  ${lastAttempt("status")} AS app_status, ${lastAttempt("latency_ms")} AS app_latency_ms, ${STATE} AS outcome`;

/** Without replays that do not decide the `STATE`: edited ones, and those to another target than the delivery has. */
function lastAttempt(column: string): string {
  const forwards = "SELECT target FROM forwards WHERE forwards.n = deliveries.n";
  return `(SELECT ${column} FROM attempts WHERE attempts.n = deliveries.n
    AND (replay IS NULL OR replay = 'same'
      AND (deliveries.status >= 300 OR attempts.target IN (${forwards}) OR NOT EXISTS (${forwards})))
    ORDER BY id DESC LIMIT 1)`;
}

export function readRow(row: SqlRow): LogRow {
  const latencyMs = maybeNumber(row, "app_latency_ms");
  return {
    n: numberOf(row, "n"),
    receivedAt: dateOf(row, "received_at"),
    method: textOf(row, "method"),
    url: textOf(row, "url"),
    product: maybeText(row, "product"),
    format: maybeText(row, "format"),
    event: maybeText(row, "event"),
    records: listOf<string>(row, "records", isText),
    duplicateOf: maybeNumber(row, "duplicate_of"),
    status: maybeNumber(row, "status"),
    refusal: maybeText(row, "refusal"),
    reconstructed: row.reconstructed === 1,
    state: readState(row),
    sender: SENDERS.find((sender) => sender === row.sender) ?? "unsigned",
    schemaOk: row.checked === 1 ? row.flawed !== 1 : undefined,
    bytes: maybeNumber(row, "bytes") ?? 0,
    lastAttempt: latencyMs === undefined ? undefined : { status: maybeNumber(row, "app_status"), latencyMs },
    secretFields: row.secret_fields === null ? [] : secretFieldNames(listOf<Verdict>(row, "secret_fields", isVerdict)),
  };
}

export function readState(row: SqlRow): DeliveryState {
  const outcome = textOf(row, "outcome");
  return STATES.find((state) => state === outcome) ?? "received";
}

/** The exact request, from the columns `method`, `url`, `headers` and `body`. */
export function readDelivery(row: SqlRow): Delivery {
  return {
    method: textOf(row, "method"),
    url: textOf(row, "url"),
    headers: listOf<HeaderPair>(row, "headers", isPair),
    body: bytesOf(row, "body"),
  };
}

export function readAttempt(row: SqlRow): Attempt {
  return {
    attempt: numberOf(row, "attempt"),
    target: textOf(row, "target"),
    at: dateOf(row, "at"),
    status: maybeNumber(row, "status"),
    latencyMs: numberOf(row, "latency_ms"),
    error: maybeText(row, "error"),
    reply: maybeText(row, "reply"),
    replay: REPLAYS.find((replay) => replay === row.replay),
  };
}

export function readForward(row: SqlRow): Forward {
  const state = FORWARD_STATES[numberOf(row, "state")] ?? "waiting";
  const dueAt = state === "waiting" ? dateOf(row, "due_at") : undefined;
  return { target: textOf(row, "target"), state, attempts: numberOf(row, "attempts"), dueAt };
}

export function readFollowed(row: SqlRow): FollowedAttempt {
  return { ...readAttempt(row), id: numberOf(row, "id"), n: numberOf(row, "n") };
}

/** Rows of `attempts` or `forwards`, by the numbers of their deliveries. */
export function groupByDelivery(rows: readonly SqlRow[]): ReadonlyMap<number, readonly SqlRow[]> {
  const found = new Map<number, SqlRow[]>();
  for (const row of rows) {
    const n = numberOf(row, "n");
    const before = found.get(n);
    if (before === undefined) found.set(n, [row]);
    else before.push(row);
  }
  return found;
}

/** From a row of `forwards` with those of the delivery and its content. */
export function readClaim(row: SqlRow, ref: ClaimRef): Claim {
  return {
    ...ref,
    target: textOf(row, "target"),
    attempts: maybeNumber(row, "attempts") ?? 0,
    receivedAt: dateOf(row, "received_at"),
    remote: maybeText(row, "remote"),
    duplicateOf: maybeNumber(row, "duplicate_of"),
    product: maybeText(row, "product"),
    format: maybeText(row, "format"),
    event: maybeText(row, "event"),
    reconstructed: row.reconstructed === 1,
    delivery: readDelivery(row),
  };
}

/** The number of deliveries that `reconcile` made, as `count`. */
export const COUNT_RECONSTRUCTED = "SELECT count(*) AS count FROM deliveries WHERE reconstructed = 1";

export function readWaiting(row: SqlRow): WaitingCount {
  const oldest = maybeNumber(row, "oldest");
  return {
    target: textOf(row, "target"),
    waiting: numberOf(row, "count"),
    nextAt: new Date(numberOf(row, "next")),
    oldestAt: oldest === undefined ? undefined : new Date(oldest),
  };
}

/** The columns of `deliveries` for a new one, without `n` and `duplicate_of`. */
export function deliveryRow({ receivedAt, delivery, receipt, ...entry }: NewEntry) {
  return {
    received_at: receivedAt.getTime(),
    method: delivery.method,
    url: delivery.url,
    remote: entry.remote ?? null,
    product: receipt.product ?? null,
    format: receipt.format ?? null,
    event: receipt.event ?? null,
    known: receipt.known ? 1 : 0,
    accepted: entry.accepted ? 1 : 0,
    invalid: isInvalid(receipt) ? 1 : 0,
    status: entry.status ?? null,
    refusal: entry.refusal ?? null,
    identity: receipt.identity ?? null,
    records: listText(receipt.records),
    verdicts: listText(receipt.verdicts),
    // Null means "not checked", so that no view claims a schema check that never happened.
    issues: receipt.schema === undefined ? null : JSON.stringify(receipt.schema.issues),
    reconstructed: entry.reconstructed ? 1 : 0,
  };
}

export function dateOf(row: SqlRow, column: string): Date {
  const date = new Date(numberOf(row, column));
  if (Number.isNaN(date.getTime())) throw new DamagedValue(`the column ${column} of the event log holds no date`);
  return date;
}

/** Throws for a value of another type, which is a damaged row or a bug. */
export function numberOf(row: SqlRow, column: string): number {
  const value = row[column];
  if (typeof value !== "number") throw wrongType(column, value, "a number");
  return value;
}

export function textOf(row: SqlRow, column: string): string {
  const value = row[column];
  if (typeof value !== "string") throw wrongType(column, value, "text");
  return value;
}

/** node:sqlite returns a plain Uint8Array; the bytes are shared, not copied. */
function bytesOf(row: SqlRow, column: string): Buffer {
  const value = row[column];
  if (!(value instanceof Uint8Array)) throw wrongType(column, value, "bytes");
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}

export function maybeNumber(row: SqlRow, column: string): number | undefined {
  return row[column] === null ? undefined : numberOf(row, column);
}

export function maybeText(row: SqlRow, column: string): string | undefined {
  return row[column] === null ? undefined : textOf(row, column);
}

/** Reads a JSON column; null is an empty list. */
function listOf<T>(row: SqlRow, column: string, isItem: (value: unknown) => boolean): readonly T[] {
  const text = maybeText(row, column);
  if (text === undefined) return [];
  const value: unknown = JSON.parse(text);
  if (!Array.isArray(value) || !value.every(isItem)) throw wrongType(column, text, "a JSON list of its kind");
  return value;
}

function isText(value: unknown): boolean {
  return typeof value === "string";
}

function isPair(value: unknown): boolean {
  return Array.isArray(value) && value.length === 2 && value.every(isText);
}

function isVerdict(value: unknown): boolean {
  const words: readonly VerdictWord[] = ["passed", "failed", "absent", "unconfigured"];
  if (!hasTexts("id", "proves", "verdict", "reason")(value)) return false;
  const { id, verdict } = value as Verdict;
  return /^[\w-]+$/.test(id) && words.includes(verdict);
}

function isIssue(value: unknown): boolean {
  return hasTexts("at", "expected", "received")(value) && Array.isArray((value as SchemaIssue).path);
}

function hasTexts(...names: readonly string[]) {
  return (value: unknown): boolean =>
    typeof value === "object" && value !== null && names.every((name) => isText(Reflect.get(value, name)));
}

/** An empty list is stored as null: most deliveries have no issues. */
function listText(list: readonly unknown[]): string | null {
  return list.length === 0 ? null : JSON.stringify(list);
}

function wrongType(column: string, value: SqlValue | undefined, wanted: string): Error {
  return new DamagedValue(`the column ${column} of the event log should hold ${wanted} and holds ${typeof value}`);
}
