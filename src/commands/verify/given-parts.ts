import type { Delivery, HeaderPair } from "../../core/delivery.ts";
import type { InputPayload } from "../../core/verify-input.ts";

/** The payload as it was sent to a URL that is given. */
export function withUrl(payload: InputPayload, url: string | undefined): InputPayload {
  return url === undefined ? payload : { ...payload, delivery: { ...payload.delivery, url } };
}

/** The payload with the headers that were given: each replaces those of its name. */
export function withHeaders(
  payload: InputPayload,
  given: readonly HeaderPair[],
  contentType: string | undefined,
): InputPayload {
  const headers: readonly HeaderPair[] = [
    ...(contentType === undefined ? [] : ([["content-type", contentType]] as const)),
    ...given.filter(([name]) => name.toLowerCase() !== "content-type"),
  ];
  const names = new Set(headers.map(([name]) => name.toLowerCase()));
  const kept = payload.delivery.headers.filter(([name]) => !names.has(name.toLowerCase()));
  const delivery: Delivery = { ...payload.delivery, headers: [...kept, ...headers] };
  return { ...payload, delivery, complete: payload.complete || given.length > 0 };
}
