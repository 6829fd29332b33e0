import { prepare } from "../core/prepare.ts";
import type { ProductId } from "./event-types.ts";
import { type Keys, requireUse, secretsFrom } from "./keys.ts";
import { productOf } from "./product-of.ts";
import { rawBody } from "./request.ts";

export interface Signed {
  /** Names in lower case: `content-type`, and the header that carries the signature. */
  readonly headers: Readonly<Record<string, string>>;
  /** The exact bytes that were signed: post these. */
  readonly body: Buffer;
}

/**
 * A delivery as the product would send it: with the token in the body and the signature over the bytes.
 *
 * @param payload An object is written as compact JSON; bytes or text are signed as they are.
 * @param keys `{ secret }`, `{ token }` or both, as for `verify`.
 * @throws TypeError for no key, an empty or unfit one, an unknown product, or a token with a payload that is not an
 * object: it would have to be written into the bytes.
 */
export function sign(product: ProductId, payload: object | string, keys: Keys): Signed {
  const secrets = secretsFrom(keys);
  const found = productOf(product);
  requireUse(secrets, [found]);
  const [format] = found.formats;
  if (format === undefined) throw new TypeError(`${product} has no format to sign for`);
  const isRaw = typeof payload === "string" || payload instanceof Uint8Array || payload instanceof ArrayBuffer;
  const takesToken = format.proofs.some(({ credential }) => credential === "token");
  if (isRaw && takesToken && secrets.for("token", found.id).length > 0)
    throw new TypeError("a token is written into the payload: pass the payload as an object, or leave the token out");
  const { delivery } = prepare({
    product: found.id,
    format,
    url: "/",
    body: isRaw ? rawBody(payload) : payload,
    headers: [],
    secrets,
    now: new Date(),
  });
  return { headers: Object.fromEntries(delivery.headers), body: delivery.body };
}
