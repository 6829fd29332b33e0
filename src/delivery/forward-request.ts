import { type Delivery, type HeaderPair, headerValue } from "../core/delivery.ts";
import { withQueryOf } from "../core/target-url.ts";

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
