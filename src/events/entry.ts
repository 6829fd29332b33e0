import { findProduct, isDesigned } from "../contract/event-names.ts";
import type { Product } from "../contract/product.ts";
import { type Delivery, headerValue } from "../delivery/delivery.ts";
import type { KnownSecrets } from "../delivery/known-secrets.ts";
import { chosenNames, maskDelivery, maskText, maskUrl } from "../delivery/mask.ts";
import { readPayload } from "../delivery/payload.ts";
import { noSecrets } from "../delivery/secret.ts";
import type { LogEntry } from "../log/log.ts";
import { isBodyCut } from "../log/retention.ts";
import type { Context } from "../project/context.ts";
import type { EventReport, LoggedFacts } from "../receiver/event-report.ts";
import { type Receipt, receive } from "../recognition/receive.ts";
import { ExitCode } from "../util/errors.ts";
import { formatDay } from "../util/units.ts";

export type LoggedEvent = EventReport & { readonly logged: LoggedFacts };

/** The secrets to mask in what a command shows; undefined where the user wants to see them. */
export function hiddenSecrets(
  { knownSecrets }: Context,
  { showSecrets }: { readonly showSecrets?: boolean | undefined },
): KnownSecrets | undefined {
  return showSecrets === true ? undefined : knownSecrets;
}

/** A delivery of the log as `listen` reported it. With `hidden` secrets also those are masked that their names show. */
export function entryEvent(
  products: readonly Product[],
  entry: LogEntry,
  hidden: KnownSecrets | undefined,
  { heading, fresh = false }: { readonly heading?: string | undefined; readonly fresh?: boolean } = {},
): LoggedEvent {
  const chosen = chosenNames(entry.verdicts);
  const { delivery } = entry;
  // Values first: names mask a part of a text, which may end within a value.
  const shown = hidden === undefined ? delivery : maskDelivery(hidden.maskDelivery(delivery), chosen);
  const target = (url: string): string => (hidden === undefined ? url : maskUrl(hidden.mask(url), chosen));
  const mask = (text: string): string => (hidden === undefined ? text : maskText(hidden.maskCut(text), chosen));
  const { length } = delivery.body;
  const isCut = isBodyCut(entry);
  return {
    type: "event",
    n: entry.n,
    at: entry.receivedAt,
    method: entry.method,
    path: shown.url,
    headers: shown.headers,
    get body() {
      return shown.body;
    },
    receipt: receiptOf(products, entry, isCut ? undefined : shown),
    duplicateOf: entry.duplicateOf,
    status: entry.status,
    refusal: entry.refusal,
    shown: true,
    logged: {
      state: entry.state,
      remote: entry.remote,
      bytes: isCut ? Math.max(length, Number(headerValue(delivery, "content-length") ?? 0)) : length,
      cutTo: isCut ? length : undefined,
      get masked() {
        return !sameDelivery(shown, delivery);
      },
      attempts: entry.attempts.map((each) => ({
        ...each,
        target: target(each.target),
        reply: each.reply === undefined ? undefined : mask(each.reply),
      })),
      forwards: entry.forwards.map((each) => ({
        ...each,
        target: target(each.target),
      })),
      fresh,
      heading,
    },
  };
}

/**
 * Verdicts and issues as they were on arrival; what the log does not have is read from the delivery again, unless its body
 * was cut: then `shown` is undefined.
 */
function receiptOf(products: readonly Product[], entry: LogEntry, shown: Delivery | undefined): Receipt {
  const product = entry.product === undefined ? undefined : findProduct(products, entry.product);
  const read = once(() => shown && readPayload(shown));
  const found =
    entry.known || shown === undefined
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
    designed: entry.known && !entry.schemaChecked && isDesigned(products, entry),
    couldBe: [],
    nearest: found?.nearest,
    get payload() {
      const found = read();
      return found?.ok === true ? found.payload : undefined;
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
  return a.url === b.url && a.headers.every(([, value], i) => value === b.headers[i]?.[1]) && a.body.equals(b.body);
}

/** The day to print above a line: only where it changes, and not for today at the start. */
export function dayHeadings(now: Date): (at: Date) => string | undefined {
  let last = formatDay(now);
  return (at) => {
    const day = formatDay(at);
    if (day === last) return undefined;
    last = day;
    return day;
  };
}

/** `crm Leads.create`, or the request line of what is no event. */
export function entryName({ product, event, method, url, verdicts }: LogEntry): string {
  return event === undefined ? `${method} ${maskUrl(url, chosenNames(verdicts))}` : `${product ?? "?"} ${event}`;
}

/** Half a log may be damaged. */
const MAX_NAMED = 10;

/** Collects the deliveries that cannot be read, so that the others are shown and these reported. */
export class DamageReport {
  readonly #context: Context;
  #spans: { first: number; last: number; reason: string }[] = [];
  #hasReported = false;

  constructor(context: Context) {
    this.#context = context;
  }

  readonly onDamaged = (n: number, reason: string): void => {
    const span = this.#spans.at(-1);
    if (span?.last === n - 1 && span.reason === reason) span.last = n;
    else if (span?.first === n + 1 && span.reason === reason) span.first = n;
    else this.#spans.push({ first: n, last: n, reason });
  };

  /** Reports those since the last call, if any. */
  report(): void {
    const [found] = this.#spans;
    if (found === undefined) return;
    const named = this.#spans
      .slice(0, MAX_NAMED)
      .map(({ first, last }) => (first === last ? `#${first}` : `#${first} to #${last}`));
    const rest = this.#spans.slice(MAX_NAMED).reduce((sum, { first, last }) => sum + last - first + 1, 0);
    const are = this.#spans.length === 1 && found.first === found.last ? "is" : "are";
    this.#context.report({
      type: "warning",
      message: `skipped: ${named.join(", ")}${rest === 0 ? "" : ` and ${rest} more`}, which ${are} damaged in the event log (${found.reason})`,
      hint: "a disk or another program has changed the file: save the others with zoho-hooks events export, then move the file away; the next listen starts a new one",
    });
    this.#hasReported = true;
    this.#spans = [];
  }

  /** Not 0 once damage was reported. */
  get exitCode(): ExitCode {
    return this.#hasReported ? ExitCode.usage : ExitCode.ok;
  }
}
