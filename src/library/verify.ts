import type { Product } from "../core/product.ts";
import { receive } from "../core/receive.ts";
import { judgeOffer } from "../core/secret-offer.ts";
import { products } from "../products/index.ts";
import type { FormatId, ProductId } from "./event-types.ts";
import { type Keys, readKeys, requireUse } from "./keys.ts";
import { requireOptions } from "./options.ts";
import { formatOf, productOf, withSettings } from "./product-of.ts";
import { deliveryOf, type RequestLike } from "./request.ts";
import { resultOf, type VerifyResult } from "./verify-result.ts";

/** How the check is made. */
export interface VerifyOptions<P extends ProductId = ProductId> {
  /** Take this one format of the product, and no other. Default: any that it has. */
  readonly format?: FormatId<P> | undefined;
  /** When it came: a delivery that has waited in a queue or was recorded. Default: now. */
  readonly now?: Date | undefined;
  /**
   * How old a signature with a time in it may be, and how far ahead its clock: that of Payments, 5 minutes unless it is given.
   * A token of Desk's says itself when it expires; more than 10 minutes let one that was kept pass for so much longer.
   */
  readonly toleranceMs?: number | undefined;
}

/**
 * Is this delivery genuine, known and in shape? `ok` is true only when all three hold: no proof failed, at least one passed,
 * and the payload is what its event's schema says. Signatures are compared in constant time, over the exact bytes.
 * A key that was given makes its proof required of every product that carries it.
 *
 * @param product The product that the request's URL names; undefined to let the body tell.
 * @param request `{ headers, body }` of the request, the body raw: text or bytes, before any parser.
 * @param keys `{ secret }`, `{ token }` or any other of `Keys`; several where a product's formats take different ones. None,
 * `{}`, only of a product that makes its secret up itself (Mail), until its first call has handed that over.
 * @param options `{ now }` for a delivery that was kept, `{ format }` to take one format only.
 * @throws TypeError for a mistake in the call: no key, an empty or unfit one, a parsed body, an unknown product or format.
 * Never for what a delivery holds.
 */
export function verify<P extends ProductId = ProductId>(
  product: P | undefined,
  request: RequestLike,
  keys: Keys,
  options: VerifyOptions<P> = {},
): VerifyResult<P> {
  const { now = new Date(), toleranceMs, format } = checkOptions(options);
  const { secrets, settings } = readKeys(keys);
  const candidates = withSettings(chosenProducts(product, format), settings);
  requireUse(secrets, candidates, "verify");
  const delivery = deliveryOf(request);
  const receipt = receive({
    // What is none of the named product's may be told for another's.
    products: product === undefined ? candidates : products,
    product: product === undefined ? undefined : candidates[0],
    delivery,
    secrets,
    now,
    limits: { toleranceMs, setting: "toleranceMs" },
  });
  const offer =
    receipt.payload === undefined ? undefined : judgeOffer(candidates, delivery, receipt.payload, secrets, now);
  return resultOf<P>(receipt, offer);
}

/** A time that is none would let every signature pass for new. */
function checkOptions<P extends ProductId>(options: VerifyOptions<P>): VerifyOptions<P> {
  const { now, toleranceMs } = options;
  requireOptions(options, ["format", "now", "toleranceMs"]);
  if (now !== undefined && !(now instanceof Date && Number.isFinite(now.getTime())))
    throw new TypeError("now is no valid Date: pass when the delivery came, such as new Date(job.receivedAt)");
  if (toleranceMs !== undefined && !(typeof toleranceMs === "number" && toleranceMs >= 0))
    throw new TypeError("toleranceMs is no number of milliseconds, 0 or more");
  return options;
}

function chosenProducts(id: string | undefined, format: string | undefined): readonly Product[] {
  if (id !== undefined) {
    const product = productOf(id);
    return [format === undefined ? product : { ...product, formats: [formatOf(product, format)] }];
  }
  if (format === undefined) return products;
  throw new TypeError(`a format belongs to a product: name the one whose ${JSON.stringify(format)} is meant`);
}
