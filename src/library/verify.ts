import { type Delivery, headerValue, RECONSTRUCTED_HEADER } from "../delivery/delivery.ts";
import { problemText, UNREAD } from "../delivery/payload.ts";
import {
  type OfferedSecret,
  type Product,
  type Proof,
  plainReply,
  type Reply,
  type Signature,
  type Verdict,
} from "../model/product.ts";
import type { Receipt } from "../model/receipt.ts";
import { has, senderResult, signatureOf } from "../model/verdict.ts";
import { products } from "../products/index.ts";
import { verifyProof } from "../recognition/authenticate.ts";
import { evaluateSecretOffer, type SecretOffer } from "../recognition/handshake.ts";
import { identityOf } from "../recognition/identity.ts";
import { receive } from "../recognition/receive.ts";
import { acceptsUnsigned } from "../recognition/unsigned.ts";
import type { FormatId, ProductId } from "./event-types.ts";
import { deliveryOf, formatOf, productOf, type RequestLike, requireOptions, withSettings } from "./input.ts";
import { type Keys, readKeys, requireUsableKey } from "./keys.ts";
import { eventOf, type ParsedEvent } from "./parse.ts";

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
 * Is this delivery genuine, and if so, which event is it? With `genuine: true` its signature or token was verified, or it is of
 * a product that Zoho never signs and no key was given. An event that is unknown or invalid is genuine, too: see `ok` and
 * `issues`. Signatures are compared in constant time, over the exact bytes. A key that is given is required.
 *
 * @param product The product in the URL of the request; undefined to recognise it by the body.
 * @param request `{ headers, body }` of the request, the body raw: text or bytes, before any parser.
 * @param keys `{ secret }`, `{ token }` or any other of `Keys`; several where the formats of a product need different ones. `{}`
 * only for a product that Zoho never signs, and for one that makes its own secret (Mail), until its first call has offered that.
 * @param options `{ now }` for a recorded delivery, `{ format }` to accept one format only.
 * @throws Error for a missing key, TypeError for any other mistake in the call: an invalid key, a parsed body, an unknown product
 * or format. Never for the content of a delivery.
 */
export function verify<P extends ProductId = ProductId>(
  product: P | undefined,
  request: RequestLike,
  keys: Keys,
  options: VerifyOptions<P> = {},
): VerifyResult<P> {
  const { now = new Date(), toleranceMs, format } = checkOptions(options);
  const chosen = chosenProducts(product, format);
  const { secrets, settings } = readKeys(keys, "verify", chosen);
  const candidates = withSettings(chosen, settings);
  requireUsableKey(secrets, candidates, "verify");
  const named = product === undefined ? undefined : candidates[0];
  const delivery = deliveryOf(request);
  const input = { delivery, secrets, now, limits: { toleranceMs, setting: "toleranceMs", openReadings: false } };
  // All products, to recognise a delivery that was posted to the wrong URL.
  const receipt = receive({ ...input, products: named === undefined ? candidates : products, product: named });
  const verdicts = receipt.problem === undefined ? receipt.verdicts : unreadVerdicts(named, input);
  const offer =
    receipt.payload === undefined
      ? undefined
      : evaluateSecretOffer({ products: candidates, delivery, payload: receipt.payload, secrets, now });
  const genuine = isGenuine(verdicts, named !== undefined && acceptsUnsigned(named, secrets));
  return verifyResult<P>({ receipt: { ...receipt, verdicts }, delivery, offer, genuine });
}

/** A signature over the bytes of a body that cannot be read can still match: the verdicts of the format whose proof passes. */
function unreadVerdicts(
  product: Product | undefined,
  input: Omit<Parameters<typeof verifyProof>[2], "payload">,
): readonly Verdict[] {
  if (product === undefined) return [];
  const verify = (proof: Proof): Verdict => verifyProof(proof, product, { ...input, payload: UNREAD });
  const tried = product.formats.map(({ proofs }) => proofs.map(verify));
  return tried.find((each) => has("passed", each)) ?? tried.find((each) => has("failed", each)) ?? [];
}

/** No proof failed, and one passed unless the delivery can be unsigned. */
export function isGenuine(verdicts: readonly Verdict[], canBeUnsigned: boolean): boolean {
  return !has("failed", verdicts) && (has("passed", verdicts) || canBeUnsigned);
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

/** Facts about a delivery beside its event. */
export interface Verification {
  /** The result for each signature and token of the format. */
  readonly signatures: readonly Signature[];
  /**
   * Identifies the event: the same for each of its deliveries, different for every other event. Use it to act on an event once.
   * Consists of product, event, records and a hash of what repeated deliveries have in common, by default the whole body.
   */
  readonly identity: string;
  /** The ids of its records, as text. */
  readonly records: readonly string[];
  /**
   * `zoho-hooks reconcile` made it for a change that Zoho did not notify of, and `listen` forwarded it. It has the ids of records,
   * and not which fields have changed. Only `listen` keeps senders from claiming this.
   */
  readonly reconstructed: boolean;
}

/**
 * An event whose signature or token was verified, or that is unsigned because Zoho never signs it. `ok` is false for one that is
 * unknown or invalid.
 */
export type GenuineEvent<P extends ProductId = ProductId> = ParsedEvent<P> &
  Verification & {
    readonly genuine: true;
    /** For failures only, as `reply`. */
    readonly code?: undefined;
    readonly reply?: undefined;
  };

interface Failure {
  readonly ok: false;
  readonly genuine: false;
  /** For a log; never values of the body. */
  readonly reason: string;
  readonly product: string | null;
  /** The name that the delivery gives itself. */
  readonly name: string | null;
  readonly signatures: readonly Signature[];
  readonly reply?: undefined;
}

/** A delivery that is not genuine. Nothing of its body is given. */
export interface UnverifiedFailure extends Failure {
  /**
   * `wrong-signature`: the signature or token is wrong. `missing-signature`: there is none. `no-key`: `keys` has none to verify it
   * with. Answer each with 401. `unreadable`: it is not genuine, and the body is neither JSON nor a form, answer 400.
   */
  readonly code: "wrong-signature" | "missing-signature" | "no-key" | "unreadable";
}

interface Challenge extends Omit<Failure, "reply"> {
  /** `challenge`: the sender expects `reply` before it sends events. */
  readonly code: "challenge";
  readonly reply: Reply;
  /**
   * The secret of all later deliveries, from a sender that makes its own (Mail): store `value` as the key that `credential`
   * names before you answer, and do not log it. Anybody can send such a call, so it is present only when no such key was given;
   * an offer of another secret than the given one is a `wrong-signature`.
   */
  readonly offered: OfferedSecret | undefined;
}

/** Why a delivery is not a genuine event, by `code`. */
export type VerifyFailure = UnverifiedFailure | Challenge;

/** A genuine event, or with `genuine: false` why it is none. */
export type VerifyResult<P extends ProductId = ProductId> = GenuineEvent<P> | VerifyFailure;

interface ResultInput {
  readonly receipt: Receipt;
  readonly delivery: Delivery;
  readonly offer: SecretOffer | undefined;
  readonly genuine: boolean;
}

function verifyResult<P extends ProductId>({ receipt, delivery, offer, genuine }: ResultInput): VerifyResult<P> {
  const { product = null, event: name = null, verdicts, problem, handshake } = receipt;
  const signatures = verdicts.map(signatureOf);
  const failure = { ok: false, genuine: false, product, name, signatures } as const;
  // A genuine delivery is an event, whatever headers it has.
  const secretOffer = genuine ? undefined : offer;
  if (secretOffer?.action === "refuse") return { ...failure, code: "wrong-signature", reason: secretOffer.reason };
  const reply = handshake ?? (secretOffer === undefined ? undefined : plainReply(200, "OK"));
  if (reply !== undefined) {
    const kind = secretOffer === undefined ? "a challenge" : "an offer of the webhook's secret";
    const reason = `this is ${kind}, not an event: answer it with \`reply\``;
    return { ...failure, code: "challenge", reason, reply, offered: secretOffer?.offered };
  }
  if (genuine) {
    const event = { ...eventOf<P>(receipt, delivery.body), genuine, ...verificationOf(receipt, delivery) };
    // The compiler does not see that spreading keeps the type of the event.
    return event as GenuineEvent<P>;
  }
  if (problem !== undefined) return { ...failure, code: "unreadable", reason: problemText(problem) };
  return { ...failure, code: unverifiedCode(verdicts), reason: unverifiedReason(verdicts) };
}

export function verificationOf(receipt: Receipt, delivery: Delivery): Verification {
  const { product = "", verdicts, identity = identityOf([product], delivery), records } = receipt;
  const reconstructed = headerValue(delivery, RECONSTRUCTED_HEADER) !== undefined;
  return { signatures: verdicts.map(signatureOf), identity, records, reconstructed };
}

function unverifiedCode(verdicts: readonly Verdict[]): Exclude<UnverifiedFailure["code"], "unreadable"> {
  const result = senderResult(verdicts);
  if (result === "wrong_signature") return "wrong-signature";
  return result === "no_key" ? "no-key" : "missing-signature";
}

function unverifiedReason(verdicts: readonly Verdict[]): string {
  const failed = verdicts.filter(({ verdict }) => verdict === "failed");
  const reasons = (failed.length > 0 ? failed : verdicts).map(({ id, reason }) => `${id}: ${reason}`);
  return reasons.length === 0
    ? "the body is not a known event, so there was no signature or token to verify"
    : reasons.join("; ");
}
