import { type Delivery, type HeaderPair, headerValue } from "../body/delivery.ts";
import { configureProducts } from "../core/configure.ts";
import {
  type EventMatch,
  eventNames,
  familyExample,
  findEvent,
  findFormat,
  findProduct,
  nearest,
} from "../core/event-names.ts";
import type { FormatSettings } from "../core/format-settings.ts";
import type { Format, Product } from "../core/product.ts";
import { products } from "../products/index.ts";

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

/** Throws a TypeError that names the nearest product for an id that is none. */
export function productOf(id: string): Product {
  if (typeof id !== "string") throw new TypeError('the product is missing: name it by its id, such as "crm"');
  const product = findProduct(products, id);
  if (product !== undefined) return product;
  throw new TypeError(
    `there is no product ${JSON.stringify(id)}: ${nearestText(
      id,
      products.map((each) => each.id),
    )}`,
  );
}

/** The format of that id, the first where none is named. Throws a TypeError for one that the product has not. */
export function formatOf(product: Product, id: string | undefined): Format {
  const format = id === undefined ? product.formats[0] : findFormat(product, id);
  if (format !== undefined) return format;
  const ids = product.formats.map((each) => each.id);
  throw new TypeError(`${product.id} has no format ${JSON.stringify(id)}: ${nearestText(id ?? "", ids)}`);
}

/** The event of that name, and no family's. Throws a TypeError that names the nearest, or another format. */
export function requireOneEvent(product: Product, format: Format, name: string): EventMatch {
  if (typeof name !== "string") throw new TypeError(`the event is missing: name it, such as ${eventNames(format)[0]}`);
  const match = findEvent(format, name);
  const example = match === undefined ? undefined : familyExample(match);
  if (example !== undefined) throw new TypeError(`${name} stands for many events: name one, such as ${example}`);
  if (match !== undefined) return match;
  const other = product.formats.find((each) => findEvent(each, name) !== undefined);
  const near = nearest(name, eventNames(format));
  const hint =
    other === undefined
      ? near.length > 0
        ? `: did you mean ${near.join(" or ")}?`
        : ""
      : ` in its format ${format.id}: add { format: ${JSON.stringify(other.id)} }`;
  throw new TypeError(`${product.id} has no event ${JSON.stringify(name)}${hint}`);
}

/** The products with what some of them take: each the settings that one of its formats has a use for. */
export function withSettings(chosen: readonly Product[], settings: FormatSettings): readonly Product[] {
  const given = Object.entries(settings);
  if (given.length === 0) return chosen;
  const taken = chosen.map((product) => {
    const known = product.formats.flatMap((format): readonly string[] => format.settings ?? []);
    return [product.id, Object.fromEntries(given.filter(([name]) => known.includes(name)))] as const;
  });
  for (const [name] of given) {
    if (taken.some(([, own]) => Object.hasOwn(own, name))) continue;
    throw new TypeError(`${name} has no meaning for ${chosen.map(({ id }) => id).join(", ")}`);
  }
  return configureProducts(chosen, Object.fromEntries(taken));
}

/** The event's declared name: a family's for one of its members. */
export function declaredName(productId: string, formatId: string, name: string): string | undefined {
  const format = findProduct(products, productId)?.formats.find((each) => each.id === formatId);
  return format === undefined ? undefined : findEvent(format, name)?.event.name;
}

function nearestText(word: string, ids: readonly string[]): string {
  const [near] = nearest(word, ids, 1);
  return near === undefined ? `there are ${ids.join(", ")}` : `did you mean ${near}?`;
}

/** Throws a TypeError for an option of another name: it would be no option, and what it asks for would not be done. */
export function requireOptions(options: object, known: readonly string[]): void {
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw new TypeError(`there is no option named ${JSON.stringify(unknown)}, only ${known.join(", ")}`);
}
