import { randomUUID } from "node:crypto";
import { maskUrl } from "../../delivery/mask.ts";
import type { Answer, Appended, NewEntry } from "../log.ts";
import { timeoutError } from "../readiness.ts";
import { keptBody } from "../retention.ts";
import { deliveryRow, maybeNumber, numberOf, type SqlRow, textOf } from "../rows.ts";
import { APPEND_TIMEOUT_MS, type Database } from "./connect.ts";
import { Flush } from "./flush.ts";
import type { Leases } from "./leases.ts";
import { identityKey } from "./schema.ts";

interface AppendOptions {
  now(): Date;
  readonly leases: Leases;
  /** The receiver that has registered itself. */
  receiver(): string | undefined;
}

/** Limit of all bodies in one flush. A larger one goes alone. */
const MAX_FLUSH_BYTES = 4_194_304;
/** PostgreSQL limits an index entry to 2,704 bytes; longer names are not indexed. */
const MAX_INDEXED = 500;
/** PostgreSQL limits a notification to 8,000 bytes; for a longer target it names none. */
const MAX_PAYLOAD = 2000;

/** Records deliveries, many in one call. */
export function createAppender(database: Database, options: AppendOptions): Flush<NewEntry, Appended> {
  const { now, leases } = options;

  async function write(entries: readonly NewEntry[], endsAt: number): Promise<readonly Appended[]> {
    const receiver = options.receiver() ?? null;
    const sentAtMs = performance.now();
    const lease = entries.some(({ forward }) => forward?.claim?.length) ? randomUUID() : undefined;
    const first = firstOffers(entries);
    const bodies = entries.map(keptBody);
    let bytes = 0;
    const deliveries = entries.map((entry, i) => {
      const { length } = bodies[i] ?? "";
      const row = deliveryRow(entry);
      const given = {
        i,
        ...row,
        event: row.event?.slice(0, MAX_INDEXED) ?? null,
        receiver: entry.status === undefined ? receiver : null,
        headers: JSON.stringify(entry.delivery.headers),
        body_start: bytes + 1,
        body_length: length,
        first: first(entry),
      };
      bytes += length;
      return given;
    });
    const forwards = forwardsOf(entries, lease);
    const awaited = new Set(forwards.filter(({ claim }) => claim === null).map(({ target }) => payloadFor(target)));
    const values = [
      toJson(deliveries),
      toJson(forwards),
      Buffer.concat(bodies),
      now().getTime(),
      leases.ms,
      [...awaited],
    ];
    const rows = await database.queryBefore(endsAt, "SELECT * FROM append(?, ?, ?, ?, ?, ?)", values);
    return resultsOf(rows, entries, { lease, sentAtMs });
  }

  function resultsOf(
    rows: readonly SqlRow[],
    entries: readonly NewEntry[],
    { lease, sentAtMs }: { readonly lease: string | undefined; readonly sentAtMs: number },
  ): readonly Appended[] {
    const results = entries.map(() => ({
      n: 0,
      duplicateOf: undefined as number | undefined,
      forwards: [] as Appended["forwards"][number][],
    }));
    for (const row of rows) {
      const i = numberOf(row, "i");
      const [result, entry] = [results[i], entries[i]];
      if (result === undefined || entry === undefined) continue;
      const [n, id] = [numberOf(row, "n"), maybeNumber(row, "forward")];
      if (id === undefined) {
        result.n = n;
        result.duplicateOf = maybeNumber(row, "duplicate_of");
        continue;
      }
      const claim =
        row.claimed === 1
          ? leases.hold({ id, n, lease }, { sentAtMs, dueAtMs: entry.receivedAt.getTime() })
          : undefined;
      result.forwards.push({ target: textOf(row, "target"), claim });
    }
    return results;
  }

  return new Flush({
    write,
    maxBytes: MAX_FLUSH_BYTES,
    sizeOf: (entry) => keptBody(entry).length,
    limit: { ms: APPEND_TIMEOUT_MS, timeoutError: () => timeoutError(database.path, APPEND_TIMEOUT_MS) },
  });
}

/** Records the answer to a sender. One that failed is no original: its sender repeats it. */
export async function setAnswer(database: Database, n: number, { status, refusal }: Answer): Promise<void> {
  await database.query(
    "durable",
    `WITH answered AS (UPDATE deliveries SET status = ?::integer, refusal = ? WHERE n = ? RETURNING n, identity, status)
     DELETE FROM identities USING answered
     WHERE answered.status >= 300 AND identities.identity = ${identityKey("answered.identity")} AND identities.n = answered.n`,
    [status, refusal === undefined ? null : cleanText(refusal), n],
  );
}

/** For each delivery, the first of the flush that may be the original of those with its identity. */
function firstOffers(entries: readonly NewEntry[]): (entry: NewEntry) => number | null {
  const first = new Map<string, number>();
  for (const [i, { receipt, accepted, status = 0 }] of entries.entries()) {
    const { identity } = receipt;
    if (identity !== undefined && accepted && status < 300 && !first.has(identity)) first.set(identity, i);
  }
  return ({ receipt: { identity } }) => (identity === undefined ? null : (first.get(identity) ?? null));
}

function forwardsOf(entries: readonly NewEntry[], lease: string | undefined) {
  return entries.flatMap(({ receivedAt, forward }, i) => {
    const { targets = [], claim = [] } = forward ?? {};
    return targets.map((target) => ({
      i,
      target,
      received_at: receivedAt.getTime(),
      claim: (claim.includes(target) && lease) || null,
    }));
  });
}

/** The text that `onWork` listeners get; an empty one stands for any target. Every user of the database may listen, so it has no secrets. */
function payloadFor(target: string): string {
  return target.length > MAX_PAYLOAD || maskUrl(target) !== target ? "" : target;
}

/** A zero character, or half of a surrogate pair, which PostgreSQL's text cannot have. */
const ESCAPED = /\\u(?:0000|d[89a-f])/;

/** The rows of a parameter. */
export function toJson(rows: readonly object[]): string {
  const text = JSON.stringify(rows);
  if (!ESCAPED.test(text)) return text;
  return JSON.stringify(rows, (_, value: unknown) => (typeof value === "string" ? cleanText(value) : value));
}

function cleanText(text: string): string {
  return Buffer.from(text.replaceAll("\0", "\u2400")).toString();
}
