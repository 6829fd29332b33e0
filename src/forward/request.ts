import { type Delivery, type HeaderPair, headerValue } from "../body/delivery.ts";
import { withQueryOf } from "../body/target-url.ts";

export interface ForwardSource {
  readonly n: number;
  readonly delivery: Delivery;
  readonly product: string | undefined;
  readonly format: string | undefined;
  /** The address that the delivery came from. */
  readonly remote: string | undefined;
  readonly duplicateOf?: number | undefined;
}

/**
 * A received delivery as it goes on to the developer's app: the same bytes and headers, in order and with repeats, with
 * what tells where it came from behind them. The poster leaves out what belongs to one connection.
 * The query goes along; the path is the target's.
 */
export function forwardRequest({ n, delivery, remote, duplicateOf }: ForwardSource, target: string): Delivery {
  const { method, url, body } = delivery;
  // A sender's own would be taken for ours.
  const headers: HeaderPair[] = delivery.headers.filter(([name]) => !OURS.test(name));
  headers.push(["x-zoho-hooks-event", String(n)]);
  if (duplicateOf !== undefined) headers.push(["x-zoho-hooks-duplicate-of", String(duplicateOf)]);
  addUnlessThere(headers, "x-forwarded-for", remote);
  addUnlessThere(headers, "x-forwarded-host", headerValue(delivery, "host"));
  addUnlessThere(headers, "x-forwarded-proto", "http");
  return { method, url: withQueryOf(url, target), headers, body };
}

function addUnlessThere(headers: HeaderPair[], name: string, value: string | undefined): void {
  if (value !== undefined && headerValue({ headers }, name) === undefined) headers.push([name, value]);
}

const OURS = /^x-zoho-hooks-/i;

const OF_THE_CONNECTION = new Set([
  "connection",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** A header that the connection sets for itself, so that nobody else can. */
export function isOfTheConnection(name: string): boolean {
  return OF_THE_CONNECTION.has(name.toLowerCase());
}

/** The headers that are the sender's and not the connection's. */
export function endToEnd(headers: readonly HeaderPair[]): readonly HeaderPair[] {
  const ends = headers.filter(([name]) => !isOfTheConnection(name));
  if (headerValue({ headers }, "connection") === undefined) return ends;
  const named = headers
    .filter(([name]) => name.toLowerCase() === "connection")
    .flatMap(([, value]) => value.split(",").map((each) => each.trim().toLowerCase()));
  return ends.filter(([name]) => !named.includes(name.toLowerCase()));
}
