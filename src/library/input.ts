import { type Delivery, type HeaderPair, headerValue } from "../delivery/delivery.ts";
import { configureProducts } from "../model/configure.ts";
import {
  type EventMatch,
  eventNames,
  familyExample,
  findEvent,
  findFormat,
  findProduct,
  formatFor,
  nearest,
} from "../model/event-names.ts";
import type { FormatSettings } from "../model/format-settings.ts";
import type { Format, Product } from "../model/product.ts";
import { products } from "../products/index.ts";

/** Headers as Node's `request.headers`, a fetch `Headers`, a `Map` or pairs, with names in any case. */
export type HeadersLike =
  | Iterable<readonly [name: string, value: string]>
  | Readonly<Record<string, string | readonly string[] | undefined>>;

/** The body's exact bytes, before any parser; a string is encoded as UTF-8. It may be missing where the request has no body. */
export type RawBody = string | Uint8Array | ArrayBuffer;

/** A request before any body parser, from any framework. */
export interface RequestLike {
  readonly headers: HeadersLike;
  readonly body: RawBody;
  /** With its query, which may be a part of the delivery. Default: `/`. */
  readonly url?: string | undefined;
  /** In any case. Default: `POST`. */
  readonly method?: string | undefined;
}

export function deliveryOf(request: RequestLike): Delivery {
  // JavaScript may pass anything.
  if (typeof request !== "object" || request === null)
    throw new TypeError("the request is missing: pass { headers, body }");
  const { headers, body, url, method } = request;
  if (typeof headers !== "object" || headers === null) {
    throw new TypeError("the headers are missing: pass those of the request as they are, such as request.headers");
  }
  const pairs = [...headerPairs(headers)];
  // For a request without a body, parsers leave undefined or an empty object.
  const isAbsent = "body" in request && isEmptyBody(body) && !announcesBody({ headers: pairs });
  const bytes = isAbsent ? Buffer.alloc(0) : rawBody(body);
  // Some frameworks have the method in lower case.
  return { method: (method ?? "POST").toUpperCase(), url: url ?? "/", headers: pairs, body: bytes };
}

function isEmptyBody(body: unknown): boolean {
  if (body === undefined || body === null) return true;
  return Object.getPrototypeOf(body) === Object.prototype && Object.keys(body).length === 0;
}

/** HTTP/2 needs neither length nor coding, but a body has a content type. */
function announcesBody(request: Pick<Delivery, "headers">): boolean {
  const length = headerValue(request, "content-length");
  if (length !== undefined) return Number(length) > 0;
  return ["transfer-encoding", "content-type"].some((name) => headerValue(request, name) !== undefined);
}

/** Throws a TypeError for a parsed body, of which the signed bytes are lost. */
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
  const kind = body === undefined || body === null ? String(body) : "a parsed object";
  throw new TypeError(
    `the body is ${kind}: pass the raw body as text or bytes, as you get it from express.raw({ type: () => true }) or await request.text()`,
  );
}

/** A web or Node stream, or a `request.text()` without `await`. */
export function isUnread(body: unknown): boolean {
  if (body instanceof ReadableStream || body instanceof Promise || body instanceof Blob) return true;
  return typeof body === "object" && body !== null && Symbol.asyncIterator in body;
}

function* headerPairs(headers: HeadersLike): Generator<HeaderPair> {
  if (isIterable(headers)) {
    for (const pair of headers) {
      // Node's `rawHeaders`.
      if (typeof pair === "string")
        throw new TypeError("the headers are a list of strings: pass pairs of name and value, or request.headers");
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

/** Throws a TypeError with the nearest product for an unknown id. */
export function productOf(id: string): Product {
  if (typeof id !== "string") throw new TypeError('the product is missing: name it by its id, such as "crm"');
  const product = findProduct(products, id);
  if (product !== undefined) return product;
  throw new TypeError(`there is no product ${JSON.stringify(id)}: ${suggestion(id, products)}`);
}

/** The format with that id; else `wire`, or for an event that only others have one of those. Throws a TypeError for an unknown id. */
export function formatOf(product: Product, id: string | undefined, event?: string): Format {
  // JavaScript may pass anything, which `requireOneEvent` explains.
  const name = typeof event === "string" ? event : undefined;
  const format = id === undefined ? formatFor(product, name) : findFormat(product, id);
  if (format !== undefined) return format;
  throw new TypeError(`${product.id} has no format ${JSON.stringify(id)}: ${suggestion(id ?? "", product.formats)}`);
}

function suggestion(word: string, known: readonly { readonly id: string }[]): string {
  const ids = known.map(({ id }) => id);
  const [near] = nearest(word, ids, 1);
  return near === undefined ? `there are ${ids.join(", ")}` : `did you mean ${near}?`;
}

/** The single event of that name, not a family. Throws a TypeError with the nearest name, or the format that has the event. */
export function requireOneEvent(product: Product, format: Format, name: string): EventMatch {
  if (typeof name !== "string") throw new TypeError(`the event is missing: name it, such as ${eventNames(format)[0]}`);
  const match = findEvent(format, name);
  const example = match === undefined ? undefined : familyExample(match);
  if (example !== undefined) throw new TypeError(`${name} stands for many events: name one, such as ${example}`);
  if (match !== undefined) return match;
  const other = product.formats.find((each) => findEvent(each, name) !== undefined);
  const near = nearest(name, [...new Set([format, ...product.formats].flatMap(eventNames))]);
  const hint =
    other === undefined
      ? near.length > 0
        ? `: did you mean ${near.join(" or ")}?`
        : ""
      : ` in its format ${format.id}: add { format: ${JSON.stringify(other.id)} }`;
  throw new TypeError(`${product.id} has no event ${JSON.stringify(name)}${hint}`);
}

/** Applies each setting to the products whose formats support it. Throws a TypeError for one that no product supports. */
export function withSettings(chosen: readonly Product[], settings: FormatSettings): readonly Product[] {
  const given = Object.entries(settings);
  if (given.length === 0) return chosen;
  const supported = chosen.map((product) => {
    const names = product.formats.flatMap((format): readonly string[] => format.setup?.settings ?? []);
    return [product.id, Object.fromEntries(given.filter(([name]) => names.includes(name)))] as const;
  });
  for (const [name] of given) {
    if (supported.some(([, own]) => Object.hasOwn(own, name))) continue;
    throw new TypeError(`${name} does not apply to ${chosen.map(({ id }) => id).join(", ")}`);
  }
  return configureProducts(chosen, Object.fromEntries(supported));
}

/** The declared name of an event: that of the family for a member. */
export function declaredName(productId: string, formatId: string, name: string): string | undefined {
  const format = findProduct(products, productId)?.formats.find((each) => each.id === formatId);
  return format === undefined ? undefined : findEvent(format, name)?.event.name;
}

/** Throws a TypeError for an unknown option, which would be ignored silently. */
export function requireOptions(options: object, known: readonly string[]): void {
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw new TypeError(`there is no option named ${JSON.stringify(unknown)}, only ${known.join(", ")}`);
}
