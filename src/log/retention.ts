import { headerValue } from "../delivery/delivery.ts";
import type { LogEntry, NewEntry } from "./log.ts";
import { DELIVERED, STATE } from "./states.ts";

/** Few enough that a transaction hardly delays a receiver. */
export const BATCH_ROWS = 500;
/** A full log is reduced this far below its limit, so that it is not pruned again at once. */
export const TARGET_SHARE = 0.9;
/** Rejected deliveries get no more of the limit than this: anybody can send them. */
export const REJECTED_SHARE = 0.1;
/** The size of a delivery without body and headers: verdicts, indexes, an attempt. */
export const ROW_BYTES = 1000;

/** SQL for the size of a row of `deliveries` with its content; reads neither body nor headers. */
export const BYTES = `${ROW_BYTES} + octet_length(url) + coalesce(octet_length(records), 0)
  + coalesce((SELECT octet_length(headers) + octet_length(body) FROM contents WHERE contents.n = deliveries.n), 0)`;

/** SQL for rejected deliveries, by the partial index `deliveries_refused`. */
export const REJECTED = "status >= 300 AND accepted = 0";

/** SQL for deliveries that may be removed. */
export const NOT_WAITING = `NOT EXISTS (SELECT 1 FROM forwards WHERE forwards.n = deliveries.n AND state < ${DELIVERED})`;

/** Which deliveries make room, in this order, the oldest of each first. `among` uses an index, `chosen` looks at each row. */
export const PRUNING_ORDER = [
  { among: REJECTED, chosen: NOT_WAITING },
  { among: "TRUE", chosen: `${NOT_WAITING} AND ${STATE} <> 'failed'` },
  { among: "TRUE", chosen: NOT_WAITING },
] as const;

/** Bytes that are kept of the body of a rejected delivery. */
const MAX_REJECTED_BODY = 4096;
/** A character of UTF-8 has up to four bytes. */
const MAX_CUT_CHARACTER = 3;

/** The body as the log keeps it: of a rejected delivery that no proof has verified, only the start. */
export function keptBody({ accepted, delivery: { body }, receipt: { verdicts } }: BodyOwner): Buffer {
  if (accepted || body.length <= MAX_REJECTED_BODY) return body;
  if (verdicts.some(({ verdict }) => verdict === "passed") && verdicts.every(({ verdict }) => verdict !== "failed"))
    return body;
  let end = MAX_REJECTED_BODY;
  while (end > MAX_REJECTED_BODY - MAX_CUT_CHARACTER && ((body[end] ?? 0) & 0xc0) === 0x80) end--;
  return body.subarray(0, end);
}

interface BodyOwner {
  readonly accepted: boolean;
  readonly delivery: Pick<NewEntry["delivery"], "body">;
  readonly receipt: Pick<NewEntry["receipt"], "verdicts">;
}

/** Whether the log has only the start of a body, or nothing of one that was too large to be read. */
export function isBodyCut({ accepted, delivery }: Pick<LogEntry, "accepted" | "delivery">): boolean {
  if (accepted) return false;
  const { length } = delivery.body;
  const announced = headerValue(delivery, "content-length");
  if (announced !== undefined) return Number(announced) > length;
  // Chunked: nothing else tells a cut body from one that happened to be as long.
  return length >= MAX_REJECTED_BODY - MAX_CUT_CHARACTER && length <= MAX_REJECTED_BODY;
}
