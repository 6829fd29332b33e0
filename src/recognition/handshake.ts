import type { Format, OfferedSecret, Product, Reply } from "../contract/product.ts";
import { type Delivery, headerValue } from "../delivery/delivery.ts";
import type { Payload } from "../delivery/payload.ts";
import { type Secrets, sameText, secret } from "../delivery/secrets.ts";
import { jsonAt } from "../util/json.ts";

/** Whether a body is a challenge and nothing else: then it is no event, even where any body counts as one. */
export function isBareChallenge({ data }: Payload): boolean {
  return hasChallenge(data) && Object.keys(data).length === 1;
}

function hasChallenge(data: unknown): data is { readonly challenge: unknown } {
  return typeof data === "object" && data !== null && Object.hasOwn(data, "challenge");
}

/**
 * The guide's verification challenge: a body with `challenge` gets the same value back as JSON.
 * A body that is an event as well is not a challenge, whatever fields its user has added.
 */
export function echoChallenge(payload: Payload): Reply | undefined {
  if (!hasChallenge(payload.data)) return undefined;
  const { challenge } = payload.data;
  if (challenge === undefined || challenge === null || challenge === "" || challenge === false) return undefined;
  // The text as received: a number may have more digits than a JavaScript number holds.
  const text = payload.text === undefined ? undefined : jsonAt(payload.text, ["challenge"]);
  const body = `{"challenge":${text ?? JSON.stringify(challenge)}}`;
  return { status: 200, contentType: "application/json; charset=utf-8", body };
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
      const offered = format.offeredSecret?.(delivery);
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
    offering = products.flatMap(({ formats }) => formats.filter((format) => format.offeredSecret !== undefined));
    offeringOf.set(products, offering);
  }
  return offering.some((format) => format.offeredSecret?.(delivery) !== undefined);
}
