import { type Delivery, type HeaderPair, headerValue, RECONSTRUCTED_HEADER } from "../delivery/delivery.ts";
import { targetFor } from "../delivery/target.ts";

export interface ForwardSource {
  readonly n: number;
  readonly delivery: Delivery;
  readonly product: string | undefined;
  readonly format: string | undefined;
  /** The address that the delivery came from. */
  readonly remote: string | undefined;
  readonly receivedAt: Date;
  readonly duplicateOf?: number;
  /** Made by `reconcile`. */
  readonly reconstructed?: boolean;
}

/**
 * The request that forwards a received delivery to the developer's app: the same bytes and headers, in order and with
 * repeats, followed by headers about its origin. The query is the sender's, the path is the target's (see `targetFor`). The poster
 * removes hop-by-hop headers.
 */
export function forwardRequest(
  {
    n,
    delivery,
    remote,
    duplicateOf,
    reconstructed,
  }: Pick<ForwardSource, "n" | "delivery" | "remote" | "duplicateOf" | "reconstructed">,
  target: string,
): Delivery {
  const { method, url, body } = delivery;
  // Sent by anyone else they would pass for ours.
  const headers: HeaderPair[] = delivery.headers.filter(([name]) => !OURS.test(name));
  headers.push(["x-zoho-hooks-event", String(n)]);
  if (duplicateOf !== undefined) headers.push(["x-zoho-hooks-duplicate-of", String(duplicateOf)]);
  if (reconstructed) headers.push([RECONSTRUCTED_HEADER, "1"]);
  addIfMissing(headers, "x-forwarded-for", remote);
  addIfMissing(headers, "x-forwarded-host", headerValue(delivery, "host"));
  addIfMissing(headers, "x-forwarded-proto", "http");
  return { method, url: targetFor(url, target), headers, body };
}

function addIfMissing(headers: HeaderPair[], name: string, value: string | undefined): void {
  if (value !== undefined && headerValue({ headers }, name) === undefined) headers.push([name, value]);
}

const OURS = /^x-zoho-hooks-/i;

const HOP_BY_HOP = new Set([
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

/** Whether the connection sets a header itself, so that nobody else can. */
export function isHopByHop(name: string): boolean {
  return HOP_BY_HOP.has(name.toLowerCase());
}

/** Removes the headers that belong to one connection (RFC 9110, section 7.6.1). */
export function endToEnd(headers: readonly HeaderPair[]): readonly HeaderPair[] {
  const ends = headers.filter(([name]) => !isHopByHop(name));
  if (headerValue({ headers }, "connection") === undefined) return ends;
  const named = headers
    .filter(([name]) => name.toLowerCase() === "connection")
    .flatMap(([, value]) => value.split(",").map((each) => each.trim().toLowerCase()));
  return ends.filter(([name]) => !named.includes(name.toLowerCase()));
}

/** The event of a delivery, as far as a job needs it. */
export interface QueuedEvent {
  /** Undefined for one that is to become a new job, whatever jobs the queue has already. */
  readonly n: number | undefined;
  readonly product: string | undefined;
  readonly receivedAt: Date;
  readonly duplicateOf?: number;
  readonly reconstructed?: boolean;
}
