import { type Delivery, headerValue } from "../delivery/delivery.ts";
import { isEmpty, type Payload } from "../delivery/payload.ts";
import { type Secrets, sameText, secret } from "../delivery/secrets.ts";
import { acceptsMethod, type Format, type OfferedSecret, type Product, type Reply } from "../model/product.ts";

/** The response that a request of a set-up needs, if it is one. */
export function findHandshake(products: readonly Product[], payload: Payload, delivery: Delivery): Reply | undefined {
  for (const product of products) {
    for (const format of product.formats) {
      if (!acceptsMethod(format, delivery.method)) continue;
      const isNamed = products.length === 1 || offeredSecret(format, delivery) !== undefined;
      if (!isNamed && isAmbiguous(payload, delivery)) continue;
      const reply = format.setup?.handshake?.(payload, delivery);
      if (reply !== undefined) return reply;
    }
  }
  return undefined;
}

/** Without a product named, parameters may be some product's event, and an empty POST points to no product. */
function isAmbiguous(payload: Payload, { method }: Delivery): boolean {
  return payload.kind === "query" || (method === "POST" && isEmpty(payload));
}

/** The secret that a delivery brings for all later ones, in the header of a probe. */
function offeredSecret({ setup }: Format, delivery: Delivery): OfferedSecret | undefined {
  for (const { handsOver } of setup?.probes ?? []) {
    const value = handsOver === undefined ? undefined : headerValue(delivery, handsOver.header)?.trim();
    if (handsOver !== undefined && value !== undefined && value !== "")
      return { credential: handsOver.credential, value };
  }
  return undefined;
}

/** Whether the sender generates the secret, so that there is none before a webhook is set up. */
export function handsOverSecret({ setup }: Format): boolean {
  return setup?.probes?.some(({ handsOver }) => handsOver !== undefined) === true;
}

/** The decision on a secret in a delivery: it is saved, or the delivery is rejected. */
export type SecretOffer =
  | { readonly action: "keep"; readonly product: string; readonly offered: OfferedSecret }
  | { readonly action: "refuse"; readonly reason: string };

interface OfferInput {
  readonly products: readonly Product[];
  readonly delivery: Delivery;
  readonly payload: Payload;
  readonly secrets: Secrets;
  readonly now: Date;
}

/**
 * Decides on the secret that a sender sends when a webhook is set up. Anyone can send such a request: a known secret is
 * never replaced, and a signature beside the offer has to be made with it. Undefined where no new secret is offered.
 */
export function evaluateSecretOffer({
  products,
  delivery,
  payload,
  secrets,
  now,
}: OfferInput): SecretOffer | undefined {
  for (const product of products) {
    for (const format of product.formats) {
      const offered = offeredSecret(format, delivery);
      if (offered === undefined) continue;
      const known = secrets.for(offered.credential, product.id);
      if (known.some((each) => sameText(each.reveal(), offered.value))) return undefined;
      const signed = format.proofs.filter(
        ({ credential, header }) =>
          credential === offered.credential && header !== undefined && headerValue(delivery, header) !== undefined,
      );
      const passes = (keys: typeof known): boolean =>
        signed.some((proof) => proof.verify({ delivery, payload, secrets: keys, now }).verdict === "passed");
      if (known.length === 0) {
        return signed.length === 0 || passes([secret(offered.value, "the secret offered")])
          ? { action: "keep", product: product.id, offered }
          : { action: "refuse", reason: "its signature does not match the secret that it offers" };
      }
      if (passes(known)) return undefined;
      const from = known.map(({ origin }) => origin).join(", ");
      return {
        action: "refuse",
        reason: `it offers a different secret than ${from}; to accept the new one, remove ${from}`,
      };
    }
  }
  return undefined;
}

const offeringOf = new WeakMap<readonly Product[], readonly Format[]>();

/** Whether a delivery has a secret in its headers, which must not be shown. */
export function offersSecret(products: readonly Product[], delivery: Delivery): boolean {
  let offering = offeringOf.get(products);
  if (offering === undefined) {
    offering = products.flatMap(({ formats }) => formats.filter(handsOverSecret));
    offeringOf.set(products, offering);
  }
  return offering.some((format) => offeredSecret(format, delivery) !== undefined);
}
