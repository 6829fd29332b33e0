import { z } from "zod";
import type { RecordLine } from "../channels/lines.ts";
import type { ZohoSession } from "../channels/session.ts";
import { findWatchProduct, isWatchProduct } from "../channels/watch-products.ts";
import { idsAt, textAt, valueAt } from "../delivery/payload.ts";
import type { ReceivedEvent } from "../receiver/event-report.ts";
import { errorText, UserError } from "../util/errors.ts";
import { untilAborted, withTimeout } from "../util/timing.ts";
import type { ZohoApi } from "../zoho-api/api.ts";
import { replyError } from "../zoho-api/errors.ts";
import type { ListenContext } from "./lines.ts";

interface RecordRequest {
  readonly n: number;
  readonly product: string;
  readonly module: string;
  readonly id: string;
}

/** Each record costs the user an API credit, and Zoho limits concurrent calls. */
const MAX_CONCURRENT = 3;
const MAX_QUEUED = 200;
const TIMEOUT_MS = 10_000;
const CLOSE_GRACE_MS = 3_000;

/** A record, or why there is none. */
type Outcome = Pick<RecordLine, "record" | "error" | "hint">;

/** Fetches and reports the records that notifications name, without delaying deliveries. */
export function createRecordReader(context: ListenContext, session: ZohoSession) {
  const life = new AbortController();
  const apis = new Map<string, ZohoApi>([[session.product.id, session.api]]);
  const queue: RecordRequest[] = [];
  const running = new Set<Promise<void>>();

  const report = (request: RecordRequest, { record, error, hint }: Outcome): void =>
    context.report({
      type: "record",
      ...request,
      record,
      error,
      hint: error === undefined ? undefined : (hint ?? null),
    });

  const apiOf = (id: string): ZohoApi => {
    const api = apis.get(id) ?? session.apiOf(findWatchProduct(id));
    apis.set(id, api);
    return api;
  };

  const fetchOne = async (request: RecordRequest): Promise<void> => {
    try {
      const record = await withTimeout(TIMEOUT_MS, [life.signal], (signal) =>
        untilAborted(fetchRecord(apiOf(request.product), request, signal), signal),
      );
      report(request, record === undefined ? { error: "Zoho no longer has a record with this id" } : { record });
    } catch (error) {
      if (life.signal.aborted) report(request, { error: "listen ended before Zoho answered" });
      else if (error instanceof DOMException && error.name === "TimeoutError")
        report(request, { error: `no answer within ${TIMEOUT_MS / 1000} s` });
      else report(request, { error: errorText(error), hint: error instanceof UserError ? error.hint : undefined });
    }
  };
  const pump = (): void => {
    while (running.size < MAX_CONCURRENT) {
      const next = queue.shift();
      if (next === undefined) return;
      const work = fetchOne(next).finally(() => {
        running.delete(work);
        pump();
      });
      running.add(work);
    }
  };

  return {
    read(event: ReceivedEvent): void {
      for (const request of recordsOf(event)) {
        if (isDeleted(event)) report(request, { error: "it was deleted" });
        else if (queue.length < MAX_QUEUED) queue.push(request);
        else {
          const error = `not fetched: ${MAX_QUEUED} others are already queued`;
          report(request, { error, hint: "send fewer events at once, or leave --expand out" });
        }
      }
      pump();
    },
    /** Waits a little for requests under way. */
    async close(): Promise<void> {
      const limit = setTimeout(() => life.abort(), CLOSE_GRACE_MS);
      while (running.size > 0) await Promise.all(running);
      clearTimeout(limit);
    },
  };
}

/** The record of a notification, which holds only its id; undefined if it no longer exists. */
async function fetchRecord(
  api: ZohoApi,
  { product: productId, module, id }: RecordRequest,
  signal: AbortSignal,
): Promise<unknown> {
  const product = findWatchProduct(productId);
  const path = `${product.apiRoot}/${encodeURIComponent(module)}/${encodeURIComponent(id)}`;
  const action = `read record ${id} of ${module}`;
  const reply = await api.call({ method: "GET", path, repeatable: true, action, scope: product.recordScope, signal });
  if (reply.status === 204) return undefined;
  const parsed = z.looseObject({ data: z.array(z.unknown()) }).safeParse(reply.body);
  if (reply.status !== 200 || !parsed.success) throw replyError(reply, reply.call);
  return parsed.data.data[0];
}

/** The records of a genuine notification. A forged one, or a body that only borrows its fields, must cost no API call. */
function recordsOf(event: ReceivedEvent): readonly RecordRequest[] {
  const { n, receipt, refusal, duplicateOf } = event;
  const data = receipt.payload?.data;
  const module = textAt(data, ["module"]);
  const { product } = receipt;
  if (module === undefined || product === undefined || !isWatchProduct(product) || duplicateOf !== undefined) return [];
  // A body in the guide's format includes its record.
  if (valueAt(data, ["data"]) !== undefined) return [];
  const isNotification = receipt.known && receipt.event?.startsWith(`${module}.`) === true;
  const isGenuine = refusal === undefined && receipt.verdicts.every(({ verdict }) => verdict !== "failed");
  if (!isNotification || !isGenuine) return [];
  return [...new Set(idsAt(data, ["ids"]))].map((id) => ({ n, product, module, id }));
}

function isDeleted({ receipt }: ReceivedEvent): boolean {
  return textAt(receipt.payload?.data, ["operation"]) === "delete";
}
