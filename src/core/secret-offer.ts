import { type Delivery, headerValue } from "./delivery.ts";
import type { Payload } from "./payload.ts";
import type { Format, OfferedSecret, Product } from "./product.ts";
import { type Secrets, sameText, secret } from "./secret.ts";

/** What becomes of a secret that a delivery hands over: it is kept, or the delivery is refused. */
export type SecretOffer =
  | { readonly action: "keep"; readonly product: string; readonly offered: OfferedSecret }
  | { readonly action: "refuse"; readonly reason: string };

/**
 * Judges the secret that a sender hands over when a webhook is set up. Anyone can send such a request: a secret that is
 * known already is never replaced, and a signature beside the offer has to be made with it. Undefined where nothing is
 * offered, or nothing new.
 */
export function judgeOffer(
  products: readonly Product[],
  delivery: Delivery,
  payload: Payload,
  secrets: Secrets,
  now: Date,
): SecretOffer | undefined {
  for (const product of products) {
    for (const format of product.formats) {
      const offered = format.offeredSecret?.(delivery);
      if (offered === undefined) continue;
      const known = secrets.for(offered.credential, product.id);
      if (known.some((each) => sameText(each.reveal(), offered.value))) return undefined;
      const signed = format.proofs.filter(
        ({ credential, header }) =>
          credential === offered.credential && header !== undefined && headerValue(delivery, header) !== undefined,
      );
      const passes = (keys: typeof known): boolean =>
        signed.some((proof) => proof.verify(delivery, payload, keys, now).verdict === "passed");
      if (known.length === 0) {
        return signed.length === 0 || passes([secret(offered.value, "the secret offered")])
          ? { action: "keep", product: product.id, offered }
          : { action: "refuse", reason: "its signature was not made with the secret that it hands over" };
      }
      if (passes(known)) return undefined;
      const from = known.map(({ origin }) => origin).join(", ");
      return {
        action: "refuse",
        reason: `it hands over a different secret than the one known from ${from}; to accept a new one, remove that`,
      };
    }
  }
  return undefined;
}

const offeringOf = new WeakMap<readonly Product[], readonly Format[]>();

/** Whether a delivery has a secret in its headers that must not be shown. */
export function holdsOffer(products: readonly Product[], delivery: Delivery): boolean {
  let offering = offeringOf.get(products);
  if (offering === undefined) {
    offering = products.flatMap(({ formats }) => formats.filter((format) => format.offeredSecret !== undefined));
    offeringOf.set(products, offering);
  }
  return offering.some((format) => format.offeredSecret?.(delivery) !== undefined);
}
