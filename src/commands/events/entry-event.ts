import type { Delivery } from "../../core/delivery.ts";
import { findProduct } from "../../core/event-name.ts";
import type { KeptFacts } from "../../core/log-report.ts";
import { chosenNames, maskDelivery, maskHeaders, maskText, maskUrl } from "../../core/mask.ts";
import { readPayload } from "../../core/payload.ts";
import type { Product } from "../../core/product.ts";
import { type Receipt, receive } from "../../core/receive.ts";
import type { EventReport } from "../../core/report.ts";
import { noSecrets } from "../../core/secret.ts";
import { formatDay } from "../../core/units.ts";
import type { LogEntry } from "../../store/log.ts";

export type KeptEvent = EventReport & { readonly kept: KeptFacts };

/** A delivery of the log as `listen` told of it, its secrets masked unless they are asked for. */
export function entryEvent(
  products: readonly Product[],
  entry: LogEntry,
  showSecrets: boolean | undefined,
  { heading, fresh = false }: { readonly heading?: string | undefined; readonly fresh?: boolean } = {},
): KeptEvent {
  const chosen = chosenNames(entry.verdicts);
  const { delivery } = entry;
  const shown = once(() => (showSecrets === true ? delivery : maskDelivery(delivery, chosen)));
  const mask = (text: string): string => (showSecrets === true ? text : maskText(text, chosen));
  return {
    type: "event",
    n: entry.n,
    at: entry.receivedAt,
    method: entry.method,
    path: showSecrets === true ? delivery.url : maskUrl(delivery.url, chosen),
    headers: showSecrets === true ? delivery.headers : maskHeaders(delivery.headers, chosen),
    // A line of a list has nothing of it, and to mask and read the megabytes of one takes seconds.
    get body() {
      return shown().body;
    },
    receipt: receiptOf(products, entry, shown),
    duplicateOf: entry.duplicateOf,
    status: entry.status,
    refusal: entry.refusal,
    shown: true,
    kept: {
      state: entry.state,
      remote: entry.remote,
      bytes: delivery.body.length,
      get masked() {
        return !sameDelivery(shown(), delivery);
      },
      attempts: entry.attempts.map((each) => ({
        ...each,
        target: showSecrets === true ? each.target : maskUrl(each.target, chosen),
        reply: each.reply === undefined ? undefined : mask(each.reply),
      })),
      forwards: entry.forwards.map((each) => ({
        ...each,
        target: showSecrets === true ? each.target : maskUrl(each.target, chosen),
      })),
      fresh,
      heading,
    },
  };
}

/** The verdicts are those of its arrival. What the log does not hold is read from the delivery once more. */
function receiptOf(products: readonly Product[], entry: LogEntry, shown: () => Delivery): Receipt {
  const product = entry.product === undefined ? undefined : findProduct(products, entry.product);
  const read = once(() => readPayload(shown()));
  const found = entry.known
    ? undefined
    : receive({
        products,
        product,
        delivery: entry.delivery,
        secrets: noSecrets,
        now: entry.receivedAt,
        schemas: false,
      });
  return {
    product: entry.product,
    format: entry.format,
    event: entry.event,
    known: entry.known,
    suggestions: entry.event === undefined ? [] : (found?.suggestions ?? []),
    get payload() {
      const found = read();
      return found.ok ? found.payload : undefined;
    },
    problem: found?.problem,
    handshake: entry.accepted ? found?.handshake : undefined,
    verdicts: entry.verdicts,
    schema: entry.schemaChecked ? { ok: entry.issues.length === 0, issues: entry.issues } : undefined,
    records: entry.records,
    batch: false,
    identity: entry.identity,
    hint: undefined,
  };
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

function sameDelivery(a: Delivery, b: Delivery): boolean {
  return a.url === b.url && a.body.equals(b.body) && JSON.stringify(a.headers) === JSON.stringify(b.headers);
}

/** Names the day above a line whenever it is another than that of the line before; today's, first, goes without. */
export function dayHeadings(now: Date): (at: Date) => string | undefined {
  let last = formatDay(now);
  return (at) => {
    const day = formatDay(at);
    if (day === last) return undefined;
    last = day;
    return day;
  };
}

/** What an entry is about, for a person: `crm Leads.create`. */
export function entryName({ product, event, method, url, verdicts }: LogEntry): string {
  return event === undefined ? `${method} ${maskUrl(url, chosenNames(verdicts))}` : `${product ?? "?"} ${event}`;
}
