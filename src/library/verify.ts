import type { Reply, Verdict } from "../core/product.ts";
import { type Receipt, receive } from "../core/receive.ts";
import { products } from "../products/index.ts";
import type { ProductId, ZohoEvent } from "./event-types.ts";
import { type Keys, readKeys, requireUse } from "./keys.ts";
import { eventOf, failureOf, type ParseFailure } from "./parse.ts";
import { productOf, withSettings } from "./product-of.ts";
import { deliveryOf, type RequestLike } from "./request.ts";

/**
 * Why a delivery is not to be acted on. Beside the codes of `ParseFailure`: `unproven`: a proof failed or none was there,
 * answer 401; `challenge`: it asks for an echo before events are sent, answer with `reply`.
 */
export type VerifyFailure = Refused &
  (
    | { readonly code: ParseFailure["code"] | "unproven"; readonly reply: undefined }
    /** `reply` is what to answer. */
    | { readonly code: "challenge"; readonly reply: Reply }
  );

interface Refused extends Omit<ParseFailure, "code"> {
  /** True when every proof that was asked for passed: an unknown event or a wrong shape, and yet from the right sender. */
  readonly genuine: boolean;
  readonly proofs: readonly Verdict[];
}

/** An event that is genuine, known and in shape, with `ok: true`; or why it is not to be acted on. */
export type VerifyResult<P extends ProductId = ProductId> =
  | (ZohoEvent<P> & {
      readonly ok: true;
      readonly genuine: true;
      readonly proofs: readonly Verdict[];
      /** Of a failure only. */
      readonly code?: undefined;
    })
  | VerifyFailure;

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
  const genuine = isGenuine(receipt);
  const proofs = receipt.verdicts;
  const failure = failureOf(receipt);
  const { product: found, event: name } = receipt;
  const refused = { ok: false, product: found, name, issues: failure?.issues ?? [], genuine, proofs } as const;
  if (receipt.handshake !== undefined) {
    const reason = "a challenge, no event: answer it with `reply`";
    return { ...refused, code: "challenge", reason, reply: receipt.handshake };
  }
  if (failure?.code === "unreadable") return { ...failure, genuine, proofs, reply: undefined };
  if (!genuine) return { ...refused, code: "unproven", reason: whyUnproven(receipt), reply: undefined };
  if (failure !== undefined) return { ...failure, genuine, proofs, reply: undefined };
  return { ok: true, genuine: true, proofs, ...eventOf<P>(receipt) };
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
