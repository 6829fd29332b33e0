import { findEvent, findFormat } from "../model/event-names.ts";
import type { Product } from "../model/product.ts";
import { type Prepared, prepare } from "../samples/prepare.ts";
import type { FormatId, ProductId } from "./event-types.ts";
import { formatOf, isUnread, productOf, rawBody, requireOneEvent, requireOptions, withSettings } from "./input.ts";
import { type Keys, readKeys, requireUsableKey } from "./keys.ts";
import { parse } from "./parse.ts";

/** A delivery to post as it is. */
export interface Signed {
  readonly method: string;
  /** The given URL, with the parameters that the format adds to its query: the finance products sign them, too. */
  readonly url: string;
  /** With names in lower case: `content-type`, and the header that carries the signature. */
  readonly headers: Readonly<Record<string, string>>;
  /** The exact bytes that were signed: post these. */
  readonly body: Buffer<ArrayBuffer>;
}

export interface SignOptions<P extends ProductId> {
  /** Default: the one recognised in the payload, or that alone has the `event`; else `"wire"`, what Zoho's servers post. */
  readonly format?: FormatId<P> | undefined;
  /** The event's name, for formats in which the body does not contain it. */
  readonly event?: string | undefined;
  /** The URL that it will be posted to, with its query. Default: `/`. */
  readonly url?: string | undefined;
}

/**
 * A delivery as the product would send it: with the token in the body and the signature over the bytes.
 *
 * @param payload An object is written as compact JSON; bytes or text are signed as they are.
 * @param keys As for `verify`; `privateKey` where a format is verified with a public key or a key set.
 * @throws Error for a missing key, TypeError for an invalid one, an unknown product, format, event or option, a missing payload, or
 * a token with a payload that is not an object, as it would have to be written into the bytes.
 */
export function sign<P extends ProductId>(
  product: P,
  payload: object | string,
  keys: Keys,
  options: SignOptions<P> = {},
): Signed {
  requireOptions(options, ["format", "event", "url"]);
  const found = productOf(product);
  // JavaScript may pass anything.
  if (typeof payload !== "string" && (typeof payload !== "object" || payload === null || isUnread(payload)))
    throw new TypeError(
      `the payload is ${String(payload)}: pass an object, or text or bytes to sign exactly as they are`,
    );
  const id = options.format ?? (options.event === undefined ? formatSeen(found, payload) : undefined);
  const signable = { ...found, formats: [formatOf(found, id, options.event)] };
  const { secrets, settings } = readKeys(keys, "sign", [signable]);
  const [chosen] = withSettings([signable], settings);
  const format = chosen?.formats[0];
  if (format === undefined) throw new TypeError(`zoho-hooks knows no format in which ${product} signs`);
  // A format of custom bodies takes any event.
  if (
    options.event !== undefined &&
    (format.body.customEvent === undefined || findEvent(format, options.event) !== undefined)
  )
    requireOneEvent(found, format, options.event);
  requireUsableKey(secrets, [{ ...found, formats: [format] }], "sign");
  const isRaw = typeof payload === "string" || payload instanceof Uint8Array || payload instanceof ArrayBuffer;
  const takesToken = format.proofs.some(({ credential }) => credential === "token");
  if (isRaw && takesToken && secrets.for("token", found.id).length > 0)
    throw new TypeError("the token goes into the payload: pass the payload as an object, or leave the token out");
  return posted(
    prepare({
      product: found.id,
      format,
      event: options.event,
      url: options.url ?? "/",
      body: isRaw ? rawBody(payload) : payload,
      headers: [],
      secrets,
      now: new Date(),
    }),
  );
}

/** The format of a sample of the guide, or of a workflow rule's. What fits any body says nothing. */
function formatSeen(product: Product, payload: object | string): string | undefined {
  const { format } = parse(product.id as ProductId, payload);
  const seen = format === null ? undefined : findFormat(product, format);
  return seen?.body.customEvent === undefined ? seen?.id : undefined;
}

export function posted({ delivery: { method, url, headers, body } }: Prepared): Signed {
  const named = headers.map(([name, value]) => [name.toLowerCase(), value]);
  // Copied, so that its type is one that fetch accepts.
  return { method, url, headers: Object.fromEntries(named), body: Buffer.from(body) };
}
