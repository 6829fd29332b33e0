import { type Delivery, headerValue } from "../delivery/delivery.ts";
import { maskDelivery, maskText, maskUrl, secretFieldNames } from "../delivery/mask.ts";
import { readPayload } from "../delivery/payload.ts";
import type { KnownSecrets } from "../delivery/secrets.ts";
import { noSecrets } from "../delivery/secrets.ts";
import type { LogEntry } from "../log/log.ts";
import { isBodyCut } from "../log/retention.ts";
import { findProduct, isCustomEvent } from "../model/event-names.ts";
import type { Product, Verdict } from "../model/product.ts";
import { emptyReceipt, type Receipt } from "../model/receipt.ts";
import type { Context, Sink } from "../project/context.ts";
import type { LoggedEvent } from "../receiver/event-report.ts";
import { receive } from "../recognition/receive.ts";
import { ExitCode } from "../util/errors.ts";
import { formatDay } from "../util/units.ts";

export interface MaskOptions {
  readonly showSecrets?: boolean;
}

/** The secrets to mask in what a command shows; undefined where the user wants to see them. */
export function hiddenSecrets(
  { knownSecrets }: Pick<Context, "knownSecrets">,
  { showSecrets }: MaskOptions,
): KnownSecrets | undefined {
  return showSecrets === true ? undefined : knownSecrets;
}

/**
 * Masks what is shown of a delivery: `hidden` values, and what names show to be secret. Values first: names mask a part of a
 * text, which may end within a value.
 */
export function maskerOf(verdicts: readonly Verdict[], hidden: KnownSecrets | undefined) {
  const names = secretFieldNames(verdicts);
  return {
    delivery: (delivery: Delivery) =>
      hidden === undefined ? delivery : maskDelivery(hidden.maskDelivery(delivery), names),
    url: (url: string) => (hidden === undefined ? url : maskUrl(hidden.mask(url), names)),
    /** For a text that may have been cut. */
    text: (text: string) => (hidden === undefined ? text : maskText(hidden.maskCut(text), names)),
  };
}

/** A delivery of the log as `listen` reported it, with `hidden` secrets masked. */
export function entryEvent(
  products: readonly Product[],
  entry: LogEntry,
  hidden: KnownSecrets | undefined,
  { heading, fresh = false }: { readonly heading?: string; readonly fresh?: boolean } = {},
): LoggedEvent {
  const { delivery } = entry;
  const masker = maskerOf(entry.verdicts, hidden);
  const shown = masker.delivery(delivery);
  const { length } = delivery.body;
  const isCut = isBodyCut(entry);
  return {
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
      reconstructed: entry.reconstructed,
      bytes: isCut ? Math.max(length, Number(headerValue(delivery, "content-length") ?? 0)) : length,
      cutTo: isCut ? length : undefined,
      get masked() {
        return !sameDelivery(shown, delivery);
      },
      attempts: entry.attempts.map(({ target, reply, ...rest }) => ({
        ...rest,
        target: masker.url(target),
        reply: reply === undefined ? undefined : masker.text(reply),
      })),
      forwards: entry.forwards.map((each) => ({ ...each, target: masker.url(each.target) })),
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
  let read: ReturnType<typeof readPayload> | undefined;
  const custom = entry.known && !entry.schemaChecked && isCustomEvent(products, entry);
  const found = (entry.known && !custom) || shown === undefined ? undefined : recogniseEntry(products, entry);
  return {
    ...emptyReceipt,
    product: entry.product,
    format: entry.format,
    event: entry.event,
    known: entry.known,
    suggestions: entry.event === undefined ? [] : (found?.suggestions ?? []),
    custom,
    nearest: found?.nearest,
    get payload() {
      read ??= shown && readPayload(shown);
      return read?.ok ? read.payload : undefined;
    },
    problem: found?.problem,
    handshake: entry.accepted ? found?.handshake : undefined,
    verdicts: entry.verdicts,
    schema: entry.schemaChecked ? { ok: entry.issues.length === 0, issues: entry.issues } : undefined,
    records: entry.records,
    identity: entry.identity,
  };
}

/** Recognises a delivery of the log again, for what the log does not have. */
export function recogniseEntry(products: readonly Product[], { product: id, delivery, receivedAt }: LogEntry): Receipt {
  const product = id === undefined ? undefined : findProduct(products, id);
  return receive({ products, product, delivery, secrets: noSecrets, now: receivedAt, schemas: false });
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
  return event === undefined ? `${method} ${maskUrl(url, secretFieldNames(verdicts))}` : `${product ?? "?"} ${event}`;
}

/** Half a log may be damaged. */
const MAX_NAMED = 10;

/** Collects the deliveries that cannot be read, so that the others are shown and these reported. */
export class DamageReport {
  readonly #context: Pick<Sink, "report">;
  #spans: { first: number; last: number; reason: string }[] = [];
  #hasReported = false;

  constructor(context: Pick<Sink, "report">) {
    this.#context = context;
  }

  readonly onDamaged = (n: number, reason: string): void => {
    // A list may have read it before.
    if (this.#spans.some(({ first, last }) => first <= n && n <= last)) return;
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
      hint: "a disk or another program has changed the file: save the others with zoho-hooks events list --all --json --show-secrets > deliveries.ndjson, then move the file away; the next listen starts a new one",
    });
    this.#hasReported = true;
    this.#spans = [];
  }

  /** Not 0 once damage was reported. */
  get exitCode(): ExitCode {
    return this.#hasReported ? ExitCode.usage : ExitCode.ok;
  }
}
