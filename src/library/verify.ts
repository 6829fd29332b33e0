import { evaluateSecretOffer, type SecretOffer } from "../core/handshake.ts";
import type { OfferedSecret, Product, Reply, Verdict } from "../core/product.ts";
import { type Receipt, receive } from "../core/receive.ts";
import { plainReply } from "../core/reply.ts";
import { products } from "../products/index.ts";
import type { FormatId, ProductId, ZohoEvent } from "./event-types.ts";
import { deliveryOf, formatOf, productOf, type RequestLike, requireOptions, withSettings } from "./input.ts";
import { type Keys, readKeys, requireUse } from "./keys.ts";
import { eventOf, failureOf, type UnfitFailure, type UnreadableFailure } from "./parse.ts";

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
    receipt.payload === undefined
      ? undefined
      : evaluateSecretOffer({ products: candidates, delivery, payload: receipt.payload, secrets, now });
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

/** From the right sender, and yet an unknown event or a wrong shape: `payload` is what was read. */
interface Unfit extends UnfitFailure {
  readonly genuine: true;
  readonly proofs: readonly Verdict[];
  /** Undefined, and no `records`, where the body is no envelope that is known. */
  readonly identity: string | undefined;
  readonly records: readonly string[];
  readonly reply: undefined;
}

/** Answer 400. Of a body that cannot be read no proof is checked. */
interface Unreadable extends UnreadableFailure {
  readonly genuine: false;
  readonly proofs: readonly Verdict[];
  readonly identity: undefined;
  readonly records: readonly [];
  readonly reply: undefined;
}

interface Unproven extends Omit<Unreadable, "code" | "format"> {
  /** `unproven`: a proof failed or none was there, answer 401. What nobody has proven is not handed over. */
  readonly code: "unproven";
  readonly format: string | undefined;
}

interface Challenge extends Omit<Unreadable, "code" | "reply"> {
  /** `challenge`: it asks for an answer before events are sent, `reply`. */
  readonly code: "challenge";
  /** What to answer a challenge with. */
  readonly reply: Reply;
  /**
   * The secret of all later deliveries, of a sender that makes it up itself (Mail): before you answer, keep the `value` as
   * the key that `credential` names. Not for a log. Anybody can send such a call: it is there only where no such key was given,
   * and a delivery that offers another than was given is `unproven`.
   */
  readonly offered: OfferedSecret | undefined;
}

/**
 * Why a delivery is not to be acted on as an event, by `code`. `genuine` is true when every proof that was asked for passed.
 */
export type VerifyFailure = Unfit | Unreadable | Unproven | Challenge;

/** An event that is genuine, known and in shape, with `ok: true`; or why it is not to be acted on. */
export type VerifyResult<P extends ProductId = ProductId> =
  | (ZohoEvent<P> & {
      readonly ok: true;
      /** Every proof that was asked for passed. True of a failure as well where only event or shape are not known here. */
      readonly genuine: true;
      /** What each proof of the format says of it. */
      readonly proofs: readonly Verdict[];
      /**
       * The same each time that one event is delivered, and another for each other event: the key to act on it only once.
       * Product, event and records, and a hash of what repeats have in common, which is the whole body where the format
       * does not say.
       */
      readonly identity: string;
      /** The ids of the records that it is about, as text. */
      readonly records: readonly string[];
      /** Of a failure only. */
      readonly code?: undefined;
    })
  | VerifyFailure;

function resultOf<P extends ProductId>(receipt: Receipt, judged: SecretOffer | undefined): VerifyResult<P> {
  const genuine = isGenuine(receipt);
  // What is proven is an event, whatever headers it has.
  const offer = genuine ? undefined : judged;
  const { product, format, event: name, verdicts: proofs, identity, records } = receipt;
  const failure = failureOf(receipt);
  const nothing = { genuine: false, proofs, payload: undefined, identity: undefined, records: [] } as const;
  const withheld = { ok: false, product, name, issues: failure?.issues ?? [], ...nothing } as const;
  if (offer?.action === "refuse") {
    return { ...withheld, code: "unproven", reason: offer.reason, format, reply: undefined };
  }
  const reply = receipt.handshake ?? (offer === undefined ? undefined : plainReply(200, "OK"));
  if (reply !== undefined) {
    const what = offer === undefined ? "a challenge" : "it hands over its secret, to be kept";
    const reason = `${what}, no event: answer it with \`reply\``;
    return { ...withheld, code: "challenge", reason, format: undefined, reply, offered: offer?.offered };
  }
  if (failure?.code === "unreadable") return { ...failure, ...nothing, reply: undefined };
  if (!genuine) return { ...withheld, code: "unproven", reason: whyUnproven(receipt), format, reply: undefined };
  if (failure !== undefined) return { ...failure, genuine: true, proofs, identity, records, reply: undefined };
  // Only a body of no known envelope has no identity, and that is no event.
  return { ok: true, genuine: true, proofs, identity: identity ?? "", records, ...eventOf<P>(receipt) };
}

function isGenuine({ verdicts }: Receipt): boolean {
  const words = verdicts.map(({ verdict }) => verdict);
  return !words.includes("failed") && words.includes("passed");
}

function whyUnproven({ verdicts }: Receipt): string {
  const failed = verdicts.filter(({ verdict }) => verdict === "failed");
  const told = (failed.length > 0 ? failed : verdicts).map(({ id, reason }) => `${id}: ${reason}`);
  return told.length === 0 ? "the body is no known event, so there was no proof to check" : told.join("; ");
}
