import { type Delivery, headerValue, splitUrl } from "./delivery.ts";
import { formFields } from "./payload.ts";
import type { Encoded } from "./product.ts";

/** Where beside its body a delivery says which event it is. */
export type EventMark = { readonly header: string } | { readonly query: string };

export function markedEvent(place: EventMark, delivery: Delivery): string | undefined {
  if ("header" in place) return headerValue(delivery, place.header)?.trim() || undefined;
  const { query } = splitUrl(delivery.url);
  return query === "" ? undefined : formFields(query).find(([name]) => name === place.query)?.[1] || undefined;
}

/** What a sample carries there. */
export function markOf(place: EventMark, name: string): Pick<Encoded, "query" | "headers"> {
  if ("header" in place) return { headers: [[place.header, name]] };
  return { query: new URLSearchParams([[place.query, name]]).toString() };
}
