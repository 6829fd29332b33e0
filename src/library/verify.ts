import { evaluateSecretOffer, type SecretOffer } from "../core/handshake.ts";
import type { OfferedSecret, Product, Reply, Verdict } from "../core/product.ts";
import { type Receipt, receive } from "../core/receive.ts";
import { plainReply } from "../core/reply.ts";
import { products } from "../products/index.ts";
import type { FormatId, ProductId, ZohoEvent } from "./event-types.ts";
import { deliveryOf, formatOf, productOf, type RequestLike, requireOptions, withSettings } from "./input.ts";
import { type Keys, readKeys, requireUsableKey } from "./keys.ts";
import { eventOf, failureOf, type InvalidFailure, type UnreadableFailure } from "./parse.ts";

export interface VerifyOptions<P extends ProductId = ProductId> {
  /** Accept only this format of the product. Default: any of its formats. */
  readonly format?: FormatId<P> | undefined;
  /** When the delivery was received, if it has waited in a queue or was recorded. Default: now. */
  readonly now?: Date | undefined;
  /**
   * The maximum age of a signature with a timestamp (Payments), and how far it may be ahead of this clock. Default: 5 minutes.
   * Desk's tokens contain their expiry; a tolerance of more than 10 minutes extends it, for recorded deliveries.
   */
  readonly toleranceMs?: number | undefined;
}

/**
 * Is this delivery genuine, known and valid? `ok` is true only when no proof failed, at least one passed, and the payload matches
 * the schema of its event. Signatures are compared in constant time, over the exact bytes. A key makes its proof required for
 * every product that has one.
 *
 * @param product The product in the URL of the request; undefined to recognise it by the body.
 * @param request `{ headers, body }` of the request, the body raw: text or bytes, before any parser.
 * @param keys `{ secret }`, `{ token }` or any other of `Keys`; several where the formats of a product need different ones. `{}`
 * only for a product that makes its own secret (Mail), until its first call has offered that.
 * @param options `{ now }` for a recorded delivery, `{ format }` to accept one format only.
 * @throws TypeError for a mistake in the call: a missing, empty or invalid key, a parsed body, an unknown product or format.
 * Never for the content of a delivery.
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
  requireUsableKey(secrets, candidates, "verify");
  const delivery = deliveryOf(request);
  const receipt = receive({
    // All products, to recognise a delivery that was posted to the wrong URL.
    products: product === undefined ? candidates : products,
    product: product === undefined ? undefined : candidates[0],
    delivery,
    secrets,
    now,
    limits: { toleranceMs, setting: "toleranceMs", openReadings: false },
  });
  const offer =
    receipt.payload === undefined
      ? undefined
      : evaluateSecretOffer({ products: candidates, delivery, payload: receipt.payload, secrets, now });
  return resultOf<P>(receipt, offer);
}

/** With an invalid time every signature would be recent. */
function checkOptions<P extends ProductId>(options: VerifyOptions<P>): VerifyOptions<P> {
  const { now, toleranceMs } = options;
  requireOptions(options, ["format", "now", "toleranceMs"]);
  if (now !== undefined && !(now instanceof Date && Number.isFinite(now.getTime())))
    throw new TypeError("now is not a valid Date: pass the time of receipt, such as new Date(job.receivedAt)");
  if (toleranceMs !== undefined && !(typeof toleranceMs === "number" && toleranceMs >= 0))
    throw new TypeError("toleranceMs is not a number of milliseconds, 0 or more");
  return options;
}

function chosenProducts(id: string | undefined, format: string | undefined): readonly Product[] {
  if (id !== undefined) {
    const product = productOf(id);
    return [format === undefined ? product : { ...product, formats: [formatOf(product, format)] }];
  }
  if (format === undefined) return products;
  throw new TypeError(`the format ${JSON.stringify(format)} needs a product: pass the product that it belongs to`);
}

/** A genuine delivery of an unknown event, or one that does not match its schema. */
interface Invalid extends InvalidFailure {
  readonly genuine: true;
  readonly proofs: readonly Verdict[];
  /** Undefined, and no `records`, where no format was recognised. */
  readonly identity: string | undefined;
  readonly records: readonly string[];
  readonly reply: undefined;
}

/** Answer 400. No proof was checked. */
interface Unreadable extends UnreadableFailure {
  readonly genuine: false;
  readonly proofs: readonly Verdict[];
  readonly identity: undefined;
  readonly records: readonly [];
  readonly reply: undefined;
}

interface Unproven extends Omit<Unreadable, "code" | "format"> {
  /** `unproven`: a proof failed or was missing, answer 401. The payload is withheld. */
  readonly code: "unproven";
  readonly format: string | undefined;
}

interface Challenge extends Omit<Unreadable, "code" | "reply"> {
  /** `challenge`: the sender expects `reply` before it sends events. */
  readonly code: "challenge";
  readonly reply: Reply;
  /**
   * The secret of all later deliveries, from a sender that makes its own (Mail): store `value` as the key that `credential`
   * names before you answer, and do not log it. Anybody can send such a call, so it is present only when no such key was given;
   * an offer of another secret than the given one is `unproven`.
   */
  readonly offered: OfferedSecret | undefined;
}

/** Why a delivery is not an event to act on, by `code`. `genuine` is true when every required proof passed. */
export type VerifyFailure = Invalid | Unreadable | Unproven | Challenge;

/** A genuine, known and valid event. */
export type VerifiedEvent<P extends ProductId = ProductId> = ZohoEvent<P> & {
  readonly ok: true;
  /** Every required proof passed. Also true for failures where only the event is unknown or does not match its schema. */
  readonly genuine: true;
  /** The verdict of each proof of the format. */
  readonly proofs: readonly Verdict[];
  /**
   * The same for each delivery of one event, and different for every other event: the key to act on an event only once.
   * Consists of product, event, records and a hash of what repeated deliveries have in common, by default the whole body.
   */
  readonly identity: string;
  /** The ids of its records, as text. */
  readonly records: readonly string[];
  /** For failures only. */
  readonly code?: undefined;
};

/** An event with `ok: true`, or why there is none. */
export type VerifyResult<P extends ProductId = ProductId> = VerifiedEvent<P> | VerifyFailure;

function resultOf<P extends ProductId>(receipt: Receipt, secretOffer: SecretOffer | undefined): VerifyResult<P> {
  const genuine = isGenuine(receipt);
  // A genuine delivery is an event, whatever headers it has.
  const offer = genuine ? undefined : secretOffer;
  const { product, format, event: name, verdicts: proofs, identity, records } = receipt;
  const failure = failureOf(receipt);
  const nothing = { genuine: false, proofs, payload: undefined, identity: undefined, records: [] } as const;
  const withheld = { ok: false, product, name, issues: failure?.issues ?? [], ...nothing } as const;
  if (offer?.action === "refuse") {
    return { ...withheld, code: "unproven", reason: offer.reason, format, reply: undefined };
  }
  const reply = receipt.handshake ?? (offer === undefined ? undefined : plainReply(200, "OK"));
  if (reply !== undefined) {
    const kind = offer === undefined ? "a challenge" : "an offer of the webhook's secret";
    const reason = `this is ${kind}, not an event: answer it with \`reply\``;
    return { ...withheld, code: "challenge", reason, format: undefined, reply, offered: offer?.offered };
  }
  if (failure?.code === "unreadable") return { ...failure, ...nothing, reply: undefined };
  if (!genuine) return { ...withheld, code: "unproven", reason: whyUnproven(receipt), format, reply: undefined };
  if (failure !== undefined) return { ...failure, genuine: true, proofs, identity, records, reply: undefined };
  // Without an identity no format was recognised, which is a failure.
  return { ok: true, genuine: true, proofs, identity: identity ?? "", records, ...eventOf<P>(receipt) };
}

/** No proof failed, and one passed. */
export function isGenuine({ verdicts }: Receipt): boolean {
  const words = verdicts.map(({ verdict }) => verdict);
  return !words.includes("failed") && words.includes("passed");
}

function whyUnproven({ verdicts }: Receipt): string {
  const failed = verdicts.filter(({ verdict }) => verdict === "failed");
  const reasons = (failed.length > 0 ? failed : verdicts).map(({ id, reason }) => `${id}: ${reason}`);
  return reasons.length === 0 ? "the body is not a known event, so there was no proof to check" : reasons.join("; ");
}
