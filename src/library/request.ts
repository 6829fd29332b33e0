import { type Delivery, type HeaderPair, headerValue } from "../core/delivery.ts";

/** Headers as Node's `request.headers`, a fetch `Headers`, a `Map`, or pairs; names in any case. */
export type HeadersLike =
  | Iterable<readonly [name: string, value: string]>
  | Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * The body's exact bytes, before any parser. A string is taken as UTF-8. Nothing at all, as a body parser leaves it, only of
 * a request that has no body.
 */
export type RawBody = string | Uint8Array | ArrayBuffer;

/** A request as a server has it before any body parser, whatever the framework. */
export interface RequestLike {
  readonly headers: HeadersLike;
  readonly body: RawBody;
  /** With its query, where it may carry a part of the delivery. Default: `/`. */
  readonly url?: string | undefined;
  /** In any case. Default: `POST`. */
  readonly method?: string | undefined;
}

export function deliveryOf(request: RequestLike): Delivery {
  // JavaScript calls it with anything.
  if (typeof request !== "object" || request === null)
    throw new TypeError("the request is missing: pass { headers, body } of it");
  const { headers, body, url, method } = request;
  if (typeof headers !== "object" || headers === null) {
    throw new TypeError("the headers are missing: pass those of the request as they are, such as request.headers");
  }
  const pairs = [...headerPairs(headers)];
  // A parser that finds nothing to read leaves nothing behind, or an empty object.
  const isWithout = "body" in request && isNothing(body) && !announcesBody({ headers: pairs });
  const bytes = isWithout ? Buffer.alloc(0) : rawBody(body);
  // Some frameworks write the method small.
  return { method: (method ?? "POST").toUpperCase(), url: url ?? "/", headers: pairs, body: bytes };
}

function isNothing(body: unknown): boolean {
  if (body === undefined || body === null) return true;
  return Object.getPrototypeOf(body) === Object.prototype && Object.keys(body).length === 0;
}

/** In HTTP/2 neither length nor coding need be told, but a body has a type. */
function announcesBody(request: Pick<Delivery, "headers">): boolean {
  const length = headerValue(request, "content-length");
  if (length !== undefined) return Number(length) > 0;
  return ["transfer-encoding", "content-type"].some((name) => headerValue(request, name) !== undefined);
}

/** Throws a TypeError for a body that was parsed already: its bytes are gone, and with them what was signed. */
export function rawBody(body: unknown): Buffer {
  if (Buffer.isBuffer(body)) return body;
  if (typeof body === "string") return Buffer.from(body);
  if (body instanceof Uint8Array) return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (body instanceof ArrayBuffer) return Buffer.from(body);
  if (isUnread(body)) {
    throw new TypeError(
      "the body has not been read yet: pass { method, url, headers, body } of the request, with body: await request.text()",
    );
  }
  const what = body === undefined || body === null ? String(body) : "a parsed object";
  throw new TypeError(
    `the body is ${what}: pass the raw body as text or bytes, as you get it from express.raw({ type: () => true }) or await request.text()`,
  );
}

/** A stream, as a fetch `Request` has it, or one of Node's; or a `request.text()` that nobody awaits. */
export function isUnread(body: unknown): boolean {
  if (body instanceof ReadableStream || body instanceof Promise || body instanceof Blob) return true;
  return typeof body === "object" && body !== null && Symbol.asyncIterator in body;
}

function* headerPairs(headers: HeadersLike): Generator<HeaderPair> {
  if (isIterable(headers)) {
    for (const pair of headers) {
      // As `rawHeaders` of Node has them: taken for pairs, they would be headers of one letter.
      if (typeof pair === "string")
        throw new TypeError("the headers are a list of texts: pass pairs of name and value, or request.headers");
      yield pair;
    }
    return;
  }
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || value === null) continue;
    for (const each of Array.isArray(value) ? value : [value]) yield [name, String(each)];
  }
}

function isIterable(headers: HeadersLike): headers is Iterable<HeaderPair> {
  return Symbol.iterator in headers;
}
