import type { Delivery } from "../delivery/delivery.ts";
import { secretFieldNames } from "../delivery/mask.ts";
import { readPayload } from "../delivery/payload.ts";
import type { Secrets } from "../delivery/secrets.ts";
import { isBareChallenge } from "../model/challenge.ts";
import type { Limits, Product, Verdict } from "../model/product.ts";
import { emptyReceipt, type Receipt } from "../model/receipt.ts";
import { has } from "../model/verdict.ts";
import { authenticate, isCustomBody, proofVerifier } from "./authenticate.ts";
import { findHandshake } from "./handshake.ts";
import { customHint, headerHint, mergeFieldHint, otherEnvelope, otherFormatHint, otherProductHint } from "./hints.ts";
import { identityOf } from "./identity.ts";
import { nearestEvents } from "./nearest.ts";
import { checkReading, hasCustomSchema, type Incoming, type Reading } from "./reading.ts";
import { recognise, recogniseAny, strictest } from "./recognise.ts";

interface ReceiveInput {
  readonly products: readonly Product[];
  /** The product that the URL or a flag names; undefined to recognise it by the body. */
  readonly product?: Product | undefined;
  /** The event that a flag names; undefined to recognise it by the body. */
  readonly event?: string | undefined;
  readonly delivery: Delivery;
  readonly secrets: Secrets;
  readonly now: Date;
  /** Schemas are checked unless this is false. */
  readonly schemas?: boolean;
  /** Whether users' own schemas are checked, which may take long. Default: only where no proof has failed. */
  readonly customSchemas?: boolean | undefined;
  readonly limits?: Limits | undefined;
}

/** Recognises a delivery, verifies its proofs and checks its schema. Pure: the same input gives the same receipt. */
export function receive(input: ReceiveInput): Receipt {
  const { products, product: named, event: namedEvent, delivery } = input;
  const read = readPayload(delivery);
  if (!read.ok) return { ...emptyReceipt, product: named?.id, problem: read.problem };
  const { payload } = read;
  const verdictsOf = proofVerifier(input, payload);
  const incoming: Incoming = { products, product: named, event: namedEvent, delivery, payload, verdictsOf };
  const candidates = named === undefined ? products : [named];
  const { found, ambiguousWith, nearest } = recognise(incoming);
  // A known event is never taken for a challenge, whatever fields it has: it would be lost, and its proofs not checked.
  if (found?.match === undefined || isBareChallenge(payload)) {
    const handshake = findHandshake(candidates, payload, delivery);
    if (handshake !== undefined) return { ...emptyReceipt, product: named?.id, payload, handshake };
  }
  if (found === undefined) {
    const receipt = named === undefined ? { ...emptyReceipt, payload } : unrecognised(incoming, named);
    return { ...receipt, nearest };
  }
  const { product, format, name: event, match } = found;
  const records = format.body.records(payload.data, event ?? "");
  const verdicts = authenticate(incoming, product, found);
  return {
    ...emptyReceipt,
    product: product.id,
    format: format.id,
    event,
    known: match !== undefined,
    suggestions: match !== undefined || event === undefined ? [] : nearestEvents(product, format, event),
    custom: match?.event.custom === true,
    ambiguousWith: [...new Set(ambiguousWith.map((each) => `${each.product.id} ${each.name}`))],
    nearest,
    payload,
    verdicts,
    schema: isSchemaChecked(input, found, verdicts)
      ? checkReading(strictest(found, ambiguousWith), secretFieldNames(verdicts))
      : undefined,
    records,
    identity:
      event === undefined
        ? undefined
        : identityOf(
            [product.id, event, ...records],
            format.body.identity?.(payload.data, event) ??
              (match?.event.once === true && records.length > 0 ? undefined : delivery),
          ),
    hint:
      match === undefined || event === undefined
        ? (otherEnvelope(product, event) ?? lookAlikeHint(incoming))
        : (allHints(unsignedHint(found, verdicts, delivery), mergeFieldHint(payload, secretFieldNames(verdicts))) ??
          format.sender?.hint?.(payload, event)),
  };
}

function isSchemaChecked(
  { schemas = true, customSchemas }: ReceiveInput,
  found: Reading,
  verdicts: readonly Verdict[],
): boolean {
  return schemas && (!hasCustomSchema(found) || (customSchemas ?? !has("failed", verdicts)));
}

/** A body that is no event of the product in its URL: its proofs are still required, so that nothing passes unsigned. */
function unrecognised(incoming: Incoming, product: Product): Receipt {
  const { delivery, payload } = incoming;
  const verdicts = authenticate(incoming, product, undefined);
  const hint =
    lookAlikeHint(incoming) ??
    allHints(
      (has("failed", verdicts) ? customHint(product, delivery.method) : undefined) ?? headerHint(product),
      mergeFieldHint(payload, secretFieldNames(verdicts)),
    );
  return { ...emptyReceipt, product: product.id, payload, verdicts, hint };
}

/** Of several, or undefined: what is wrong with the sender says nothing about the body. */
function allHints(...hints: readonly (string | undefined)[]): string | undefined {
  return hints.filter((hint) => hint !== undefined).join("; ") || undefined;
}

/** For a custom body that is refused because nothing signs it. */
function unsignedHint(found: Reading, verdicts: readonly Verdict[], { method }: Delivery): string | undefined {
  return isCustomBody(found) && has("failed", verdicts) ? customHint(found.product, method) : undefined;
}

/** For a body that the named product has no event for: its URL was pasted into the wrong place. */
function lookAlikeHint(incoming: Incoming): string | undefined {
  const { product, event } = incoming;
  if (product === undefined || event !== undefined) return undefined;
  const other = recogniseAny(incoming);
  // Twins look alike wherever they are posted to.
  if (other === undefined || product.formats.some(({ body }) => body.twins?.includes(other.product.id)))
    return undefined;
  // It can be the same product only where the caller restricted it to one format.
  return other.product.id === product.id ? otherFormatHint(other) : otherProductHint(other);
}
