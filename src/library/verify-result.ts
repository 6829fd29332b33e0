import type { OfferedSecret, Reply, Verdict } from "../core/product.ts";
import type { Receipt } from "../core/receive.ts";
import { plainReply } from "../core/reply.ts";
import type { SecretOffer } from "../core/secret-offer.ts";
import type { ProductId, ZohoEvent } from "./event-types.ts";
import { eventOf, failureOf, type UnfitFailure, type UnreadableFailure } from "./parse.ts";

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

export function resultOf<P extends ProductId>(receipt: Receipt, judged: SecretOffer | undefined): VerifyResult<P> {
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
