import { type Delivery, type HeaderPair, headerValue, splitUrl } from "../core/delivery.ts";

export interface ForwardSource {
  readonly n: number;
  readonly delivery: Delivery;
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
  const added: HeaderPair[] = [["x-zoho-hooks-event", String(n)]];
  if (duplicateOf !== undefined) added.push(["x-zoho-hooks-duplicate-of", String(duplicateOf)]);
  const addUnlessThere = (name: string, value: string | undefined): void => {
    if (value !== undefined && headerValue(delivery, name) === undefined) added.push([name, value]);
  };
  addUnlessThere("x-forwarded-for", remote);
  addUnlessThere("x-forwarded-host", headerValue(delivery, "host"));
  addUnlessThere("x-forwarded-proto", "http");
  return {
    ...delivery,
    url: withQuery(target, splitUrl(delivery.url).query),
    // A sender's own would be taken for ours.
    headers: [...delivery.headers.filter(([name]) => !OURS.test(name)), ...added],
  };
}

const OURS = /^x-zoho-hooks-/i;

function withQuery(target: string, query: string): string {
  if (query === "") return target;
  return `${target}${target.includes("?") ? "&" : "?"}${query}`;
}
