import type { Context } from "../../context.ts";
import { errorText, UserError } from "../../core/errors.ts";
import { idsAt, textAt } from "../../core/field.ts";
import type { EventReport } from "../../core/report.ts";
import { valueAt } from "../../core/schema-check.ts";
import { withTimeLimit } from "../../core/time-limit.ts";
import { fetchRecord } from "../../zoho/record.ts";
import { untilAborted } from "../../zoho/until-aborted.ts";
import type { ZohoSession } from "../zoho-session.ts";

/** Reads the records that notifications tell of, beside the deliveries and never in their way. */
export interface RecordReader {
  /** Returns at once; what comes of each record is reported. */
  read(event: EventReport): void;
  /** Waits a little for what is under way. */
  close(): Promise<void>;
}

interface Wanted {
  readonly n: number;
  readonly module: string;
  readonly id: string;
}

/** Each record is a request of the user's daily credits, and Zoho counts how many are under way at once. */
const AT_ONCE = 3;
const MOST_WAITING = 200;
const TIMEOUT_MS = 10_000;
const CLOSE_GRACE_MS = 3_000;

export function createRecordReader(context: Context, session: ZohoSession): RecordReader {
  const { product, api } = session;
  const life = new AbortController();
  const waiting: Wanted[] = [];
  const running = new Set<Promise<void>>();

  const report = (wanted: Wanted, record: unknown, error?: string, hint?: string): void =>
    context.report({ type: "record", product: product.id, ...wanted, record, error, hint });

  const fetchOne = async (wanted: Wanted): Promise<void> => {
    try {
      const record = await withTimeLimit(TIMEOUT_MS, [life.signal], (signal) =>
        untilAborted(fetchRecord(api, product, wanted.module, wanted.id, signal), signal),
      );
      if (record === undefined) report(wanted, undefined, "Zoho has no record with this id any more");
      else report(wanted, record);
    } catch (error) {
      if (life.signal.aborted) report(wanted, undefined, "listen ended before Zoho answered");
      else if (error instanceof DOMException && error.name === "TimeoutError")
        report(wanted, undefined, `no answer within ${TIMEOUT_MS / 1000} s`);
      else report(wanted, undefined, errorText(error), error instanceof UserError ? error.hint : undefined);
    }
  };
  const pump = (): void => {
    while (running.size < AT_ONCE) {
      const next = waiting.shift();
      if (next === undefined) return;
      const work = fetchOne(next).finally(() => {
        running.delete(work);
        pump();
      });
      running.add(work);
    }
  };

  return {
    read(event) {
      for (const wanted of wantedBy(event, product.id)) {
        if (isDeleted(event)) report(wanted, undefined, "it was deleted");
        else if (waiting.length < MOST_WAITING) waiting.push(wanted);
        else
          report(
            wanted,
            undefined,
            `${MOST_WAITING} others are already waiting`,
            "send fewer events at once, or leave --expand out",
          );
      }
      pump();
    },
    async close() {
      const limit = setTimeout(() => life.abort(), CLOSE_GRACE_MS);
      while (running.size > 0) await Promise.all(running);
      clearTimeout(limit);
    },
  };
}

/**
 * The records of a genuine notification. One whose proof has failed is a stranger's, and must cost the user nothing; so
 * must a body that only borrows the fields of one.
 */
function wantedBy(event: EventReport, product: string): readonly Wanted[] {
  const { n, receipt, refusal, duplicateOf } = event;
  const data = receipt.payload?.data;
  const module = textAt(data, ["module"]);
  if (module === undefined || receipt.product !== product || duplicateOf !== undefined) return [];
  // A body of the guide's brings its record along.
  if (valueAt(data, ["data"]) !== undefined) return [];
  const isNotification = receipt.known && receipt.event?.startsWith(`${module}.`) === true;
  const isGenuine = refusal === undefined && receipt.verdicts.every(({ verdict }) => verdict !== "failed");
  if (!isNotification || !isGenuine) return [];
  return [...new Set(idsAt(data, ["ids"]))].map((id) => ({ n, module, id }));
}

function isDeleted({ receipt }: EventReport): boolean {
  return textAt(receipt.payload?.data, ["operation"]) === "delete";
}
