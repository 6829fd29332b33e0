import { usageError } from "../util/errors.ts";
/** With the name in its original case. A repeated header is several pairs. */
export type HeaderPair = readonly [name: string, value: string];

/** RFC 9110, section 5.6.2. */
export const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** One HTTP request, received or to be sent: the exact body bytes, never re-serialised, and the headers in order. */
export interface Delivery {
  readonly method: string;
  /** The request target with its query (`/webhooks/zoho/crm?x=1`), or an absolute URL of a request to be sent. */
  readonly url: string;
  readonly headers: readonly HeaderPair[];
  readonly body: Buffer;
}

/** The maximum size of a body, unless the user sets another: 1 MiB. */
export const MAX_BODY_BYTES = 1_048_576;

/** For the bodies of all requests in flight together, and so the most that a user may set for one. */
export const MAX_IN_FLIGHT_BYTES = 64 * 1024 * 1024;

/** How long a delivery of the same identity counts as a duplicate: twenty-four hours, as in the guide. */
export const DUPLICATE_WINDOW_MS = 86_400_000;

/** Marks a forwarded delivery that `reconcile` made. One that is sent to `listen` is not passed on. */
export const RECONSTRUCTED_HEADER = "x-zoho-hooks-reconstructed";

/** The first value of a header, by its name in any case. */
export function headerValue({ headers }: Pick<Delivery, "headers">, name: string): string | undefined {
  // Called many times for each event: most names already differ in length.
  for (const [key, value] of headers) {
    if (key.length === name.length && (key === name || key.toLowerCase() === name.toLowerCase())) return value;
  }
  return undefined;
}

/** A copy with the header replaced in its place, or appended. */
export function withHeader(delivery: Delivery, name: string, value: string): Delivery {
  const wanted = name.toLowerCase();
  const at = delivery.headers.findIndex(([key]) => key.toLowerCase() === wanted);
  const others = delivery.headers.filter(([key], i) => i === at || key.toLowerCase() !== wanted);
  const pair: HeaderPair = [name, value];
  return { ...delivery, headers: at === -1 ? [...others, pair] : others.map((old, i) => (i === at ? pair : old)) };
}

/** The media type without its parameters, in lower case: `application/json`. Empty when the header is missing. */
export function mediaType(delivery: Delivery): string {
  const value = headerValue(delivery, "content-type") ?? "";
  const end = value.indexOf(";");
  return (end === -1 ? value : value.slice(0, end)).trim().toLowerCase();
}

const MEDIA_PARAMETERS = {
  charset: /;\s*charset\s*=\s*(?:"([^"]*)"|([^;\s]*))/i,
  boundary: /;\s*boundary\s*=\s*(?:"([^"]*)"|([^;\s]*))/i,
} as const;

export function mediaParameter(delivery: Delivery, name: keyof typeof MEDIA_PARAMETERS): string | undefined {
  const value = headerValue(delivery, "content-type");
  return value?.includes(";") ? parameterOf(value, name) : undefined;
}

export function parameterOf(contentType: string, name: keyof typeof MEDIA_PARAMETERS): string | undefined {
  const match = MEDIA_PARAMETERS[name].exec(contentType);
  return match?.[1] ?? match?.[2];
}

/** Path and query of a URL, absolute or not. Never throws for a malformed one. */
export function splitUrl(url: string): { path: string; query: string } {
  const target = url.startsWith("/") ? url : url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, "");
  const hash = target.indexOf("#");
  const beforeHash = hash === -1 ? target : target.slice(0, hash);
  const at = beforeHash.indexOf("?");
  return at === -1
    ? { path: beforeHash || "/", query: "" }
    : { path: beforeHash.slice(0, at) || "/", query: beforeHash.slice(at + 1) };
}

/** The request target of an absolute URL, with the query as it is written: `URL` would normalise it. */
export function requestTarget(url: string): string {
  const { pathname, search } = new URL(url);
  const { query } = splitUrl(url);
  return /^[\x21-\x7e\x80-\xff]+$/.test(query) ? `${pathname}?${query}` : pathname + search;
}

export function isSuccess(status: number | undefined): boolean {
  return status !== undefined && status >= 200 && status < 300;
}

/** `-H "name: value"`, repeatable. */
export function parseHeader(text: string): HeaderPair {
  const at = text.indexOf(":");
  const name = text.slice(0, at).trim();
  if (at === -1 || !HEADER_NAME.test(name)) {
    throw usageError(`-H ${JSON.stringify(text)} is not a header`, 'write it as -H "name: value"');
  }
  const value = text.slice(at + 1).trim();
  if (/[\r\n\0]/.test(value)) throw usageError(`-H ${name}: a header's value cannot contain a line break`);
  return [name, value];
}
