import { findEvent } from "../core/event-names.ts";
import { prepare } from "../core/prepare.ts";
import type { FormatId, ProductId } from "./event-types.ts";
import { formatOf, isUnread, productOf, rawBody, requireOneEvent, requireOptions, withSettings } from "./input.ts";
import { type Keys, readKeys, requireUse } from "./keys.ts";

/** A delivery to post as it is. */
export interface Signed {
  readonly method: string;
  /** The one given, with what the format adds to its query: the finance products sign that, too. */
  readonly url: string;
  /** Names in lower case: `content-type`, and the header that carries the signature. */
  readonly headers: Readonly<Record<string, string>>;
  /** The exact bytes that were signed: post these. */
  readonly body: Buffer<ArrayBuffer>;
}

/** What the payload alone does not say. */
export interface SignOptions<P extends ProductId> {
  /** `"wire"` for what Zoho's servers really post. Default: the product's first format. */
  readonly format?: FormatId<P> | undefined;
  /** The event's name, for formats in which it stands outside of the body. */
  readonly event?: string | undefined;
  /** Where it will be posted, with its query. Default: `/`. */
  readonly url?: string | undefined;
}

/**
 * A delivery as the product would send it: with the token in the body and the signature over the bytes.
 *
 * @param payload An object is written as compact JSON; bytes or text are signed as they are.
 * @param keys As for `verify`; where a format is checked with a public key or a key set, its `privateKey`.
 * @throws TypeError for no key, an empty or unfit one, an unknown product, format, event or option, no payload, or a token with
 * a payload that is not an object: it would have to be written into the bytes.
 */
export function sign<P extends ProductId>(
  product: P,
  payload: object | string,
  keys: Keys,
  options: SignOptions<P> = {},
): Signed {
  requireOptions(options, ["format", "event", "url"]);
  const { secrets, settings } = readKeys(keys);
  const found = productOf(product);
  const chosen = { ...found, formats: [formatOf(found, options.format)] };
  const [
    {
      formats: [format],
    } = chosen,
  ] = withSettings([chosen], settings);
  if (format === undefined) throw new TypeError(`zoho-hooks knows no format in which ${product} signs`);
  // A format of users' own designs takes any event.
  if (options.event !== undefined && (format.catchAll === undefined || findEvent(format, options.event) !== undefined))
    requireOneEvent(found, format, options.event);
  requireUse(secrets, [{ ...found, formats: [format] }], "sign");
  // JavaScript calls it with anything.
  if (typeof payload !== "string" && (typeof payload !== "object" || payload === null || isUnread(payload)))
    throw new TypeError(
      `the payload is ${String(payload)}: pass an object, or text or bytes to sign exactly as they are`,
    );
  const isRaw = typeof payload === "string" || payload instanceof Uint8Array || payload instanceof ArrayBuffer;
  const takesToken = format.proofs.some(({ credential }) => credential === "token");
  if (isRaw && takesToken && secrets.for("token", found.id).length > 0)
    throw new TypeError("the token goes into the payload: pass the payload as an object, or leave the token out");
  const { delivery } = prepare({
    product: found.id,
    format,
    event: options.event,
    url: options.url ?? "/",
    body: isRaw ? rawBody(payload) : payload,
    headers: [],
    secrets,
    now: new Date(),
  });
  const { method, url, headers, body } = delivery;
  const named = headers.map(([name, value]) => [name.toLowerCase(), value]);
  // Copied, so that its type is that of bytes which fetch takes.
  return { method, url, headers: Object.fromEntries(named), body: Buffer.from(body) };
}
