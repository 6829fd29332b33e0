/** Names in the case that they came in; a header that is repeated is a pair for each time. */
export type HeaderPair = readonly [name: string, value: string];

/** What a header may be called (RFC 9110, section 5.6.2). */
export const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/**
 * One HTTP request as it came or as it will go: the exact body bytes, and the headers in order with repeats.
 * Nothing between a socket and another ever replaces the body by a re-serialised one.
 */
export interface Delivery {
  readonly method: string;
  /** The request target with its query (`/webhooks/zoho/crm?x=1`), or an absolute URL on its way out. */
  readonly url: string;
  readonly headers: readonly HeaderPair[];
  readonly body: Buffer;
}

/** For how long a delivery of the same identity counts as a repeat: twenty-four hours, as the guide has it. */
export const DUPLICATE_WINDOW_MS = 86_400_000;

/** The first value of a header, whatever the case of its name. */
export function headerValue({ headers }: Pick<Delivery, "headers">, name: string): string | undefined {
  // Asked many times for each event: most names differ in length already.
  for (const [key, value] of headers) {
    if (key.length === name.length && (key === name || key.toLowerCase() === name.toLowerCase())) return value;
  }
  return undefined;
}

/** A copy with the header set: in its old place where it stood, at the end where it did not. */
export function withHeader(delivery: Delivery, name: string, value: string): Delivery {
  const wanted = name.toLowerCase();
  const at = delivery.headers.findIndex(([key]) => key.toLowerCase() === wanted);
  const others = delivery.headers.filter(([key], i) => i === at || key.toLowerCase() !== wanted);
  const pair: HeaderPair = [name, value];
  return { ...delivery, headers: at === -1 ? [...others, pair] : others.map((old, i) => (i === at ? pair : old)) };
}

export function withBody(delivery: Delivery, body: Buffer): Delivery {
  return { ...delivery, body };
}

/** The media type without its parameters, lower case: `application/json`. Empty when the header is missing. */
export function mediaType(delivery: Delivery): string {
  const value = headerValue(delivery, "content-type") ?? "";
  const end = value.indexOf(";");
  return (end === -1 ? value : value.slice(0, end)).trim().toLowerCase();
}

const MEDIA_PARAMETERS = {
  charset: /;\s*charset\s*=\s*(?:"([^"]*)"|([^;\s]*))/i,
  boundary: /;\s*boundary\s*=\s*(?:"([^"]*)"|([^;\s]*))/i,
} as const;

/** A parameter of the content type. */
export function mediaParameter(delivery: Delivery, name: keyof typeof MEDIA_PARAMETERS): string | undefined {
  const value = headerValue(delivery, "content-type");
  return value?.includes(";") ? parameterOf(value, name) : undefined;
}

/** The same of a content type that is given as text. */
export function parameterOf(contentType: string, name: keyof typeof MEDIA_PARAMETERS): string | undefined {
  const match = MEDIA_PARAMETERS[name].exec(contentType);
  return match?.[1] ?? match?.[2];
}

/** Path and query of a request target, absolute or not, without throwing on a malformed one. */
export function splitUrl(url: string): { path: string; query: string } {
  const target = url.startsWith("/") ? url : url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, "");
  const hash = target.indexOf("#");
  const beforeHash = hash === -1 ? target : target.slice(0, hash);
  const at = beforeHash.indexOf("?");
  return at === -1
    ? { path: beforeHash || "/", query: "" }
    : { path: beforeHash.slice(0, at) || "/", query: beforeHash.slice(at + 1) };
}

/** What a request to an absolute URL asks for: the query as it is written, which a URL would write in its own way. */
export function requestTarget(url: string): string {
  const { pathname, search } = new URL(url);
  const { query } = splitUrl(url);
  return /^[\x21-\x7e\x80-\xff]+$/.test(query) ? `${pathname}?${query}` : pathname + search;
}

/** 2xx: a yes by HTTP's own rules (RFC 9110, section 15.3). */
export function isSuccess(status: number | undefined): boolean {
  return status !== undefined && status >= 200 && status < 300;
}
