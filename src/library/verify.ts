import { receive } from "../core/receive.ts";
import { products } from "../products/index.ts";
import type { ProductId } from "./event-types.ts";
import { type Keys, readKeys, requireUse } from "./keys.ts";
import { productOf, withSettings } from "./product-of.ts";
import { deliveryOf, type RequestLike } from "./request.ts";
import { resultOf, type VerifyResult } from "./verify-result.ts";

/**
 * Is this delivery genuine, known and in shape? `ok` is true only when all three hold: no proof failed, at least one passed,
 * and the payload is what its event's schema says. Signatures are compared in constant time, over the exact bytes.
 * A key that was given makes its proof required of every product that carries it.
 *
 * @param product The product that the request's URL names; undefined to let the body tell.
 * @param request `{ headers, body }` of the request, the body raw: text or bytes, before any parser.
 * @param keys `{ secret }`, `{ token }` or any other of `Keys`; several where a product's formats take different ones.
 * @throws TypeError for a mistake in the call: no key, an empty or unfit one, a parsed body, an unknown product.
 * Never for what a delivery holds.
 */
export function verify<P extends ProductId = ProductId>(
  product: P | undefined,
  request: RequestLike,
  keys: Keys,
): VerifyResult<P> {
  const { secrets, settings } = readKeys(keys);
  const candidates = withSettings(product === undefined ? products : [productOf(product)], settings);
  requireUse(secrets, candidates, "verify");
  const receipt = receive({
    products: candidates,
    product: product === undefined ? undefined : candidates[0],
    delivery: deliveryOf(request),
    secrets,
    now: new Date(),
  });
  return resultOf<P>(receipt);
}
