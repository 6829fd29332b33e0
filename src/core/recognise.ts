import { type EventMatch, findEvent } from "./event-name.ts";
import { textAt } from "./field.ts";
import { isEmpty, type Payload } from "./payload.ts";
import { acceptsMethod, type Format, type Product, type Verdict } from "./product.ts";
import type { ReceiveInput } from "./receive.ts";
import { checkSchema } from "./schema-check.ts";
import { verdictsOf } from "./verdicts.ts";

export interface Recognised {
  readonly product: Product;
  readonly format: Format;
  readonly name: string;
  readonly match: EventMatch | undefined;
}

/** What a delivery is: an envelope that some format knows, or else what users of the named product design themselves. */
export function recognise(input: ReceiveInput, products: readonly Product[], payload: Payload): Recognised | undefined {
  return withOwnDesign(input, payload, knownEnvelope(input, products, payload));
}

function knownEnvelope(input: ReceiveInput, products: readonly Product[], payload: Payload): Recognised | undefined {
  const claims: Recognised[] = [];
  for (const product of products) {
    for (const format of product.formats) {
      if (!acceptsMethod(format, input.delivery.method)) continue;
      const name = input.event ?? format.recognise(payload, input.delivery);
      if (name === undefined) continue;
      // A family's own name, `<Module>.create`, is ours: no delivery is of it.
      const match = input.event === undefined && /[<>]/.test(name) ? undefined : findEvent(format, name);
      // Without a product in the URL an unknown name is no evidence: many envelopes have an `event`.
      if (match !== undefined || (input.product !== undefined && input.event === undefined)) {
        claims.push({ product, format, name, match });
      }
    }
  }
  const known = claims.filter((claim) => claim.match !== undefined);
  return known.length > 1 ? bestFit(known, payload) : (known[0] ?? claims[0]);
}

/** A name that only a sender's own envelope would have: `record.create`, `task_created`. */
const EVENT_NAME = /^[a-z]+(?:[._:-][a-z]+)+$/i;

/**
 * On a product's own URL, what users design themselves counts as such where no envelope is known. Not where the
 * default format's proof is missing, unless it has its own: leaving the signature off must not turn a refusal into a yes.
 */
function withOwnDesign(input: ReceiveInput, payload: Payload, claim: Recognised | undefined): Recognised | undefined {
  const { product, delivery } = input;
  if (product === undefined || input.event !== undefined || claim?.match !== undefined) return claim;
  if (isEmpty(payload)) return claim;
  const format = product.formats.find((each) => each.catchAll !== undefined && acceptsMethod(each, delivery.method));
  if (format?.catchAll === undefined || format.handshake?.(payload, delivery) !== undefined) return claim;
  const [first] = product.formats;
  const itsSays = outcomeOf(input, product, format, payload);
  // Where a signature could tell, and does not, an envelope that another product is known by says more.
  const other = format.proofs.length > 0 && itsSays !== "passed" ? claimOfAny(input, payload)?.product.id : undefined;
  if (other !== undefined && format.twins?.includes(other) !== true) return claim;
  if (first === format) return named(product, format, format.catchAll);
  if (claim !== undefined || first === undefined) return claim;
  const firstSays = outcomeOf(input, product, first, payload);
  if (firstSays === "failed" && itsSays !== "passed") return undefined;
  // Its proof is the default format's, whatever its body is.
  if (firstSays === "passed" && itsSays === "failed") return undefined;
  const itsName = textAt(payload.data, ["event_type"]) ?? textAt(payload.data, ["event"]) ?? "";
  return named(product, format, EVENT_NAME.test(itsName) ? itsName : format.catchAll);
}

function outcomeOf(input: ReceiveInput, product: Product, format: Format, payload: Payload): Verdict["verdict"] {
  const verdicts = verdictsOf(input, product, format, payload).map(({ verdict }) => verdict);
  return verdicts.find((each) => each === "failed") ?? verdicts.find((each) => each === "passed") ?? "absent";
}

/** What a delivery would be, had no product been named. */
export function claimOfAny(input: ReceiveInput, payload: Payload): Recognised | undefined {
  return knownEnvelope({ ...input, product: undefined }, input.products, payload);
}

function named(product: Product, format: Format, name: string): Recognised {
  return { product, format, name, match: findEvent(format, name) };
}

/**
 * Of several envelopes with the same event name, the one whose schema the body offends least: first in the envelope
 * itself, then anywhere. Of equals, the one that knows the event by its own name rather than as one of a family.
 */
function bestFit(claims: readonly Recognised[], payload: Payload): Recognised | undefined {
  const ranked = claims.map((claim) => {
    const issues = claim.match === undefined ? [] : checkSchema(claim.match.event.schema, payload.data).issues;
    const inEnvelope = issues.filter(({ path }) => path.length < 2).length;
    const inFamily = claim.match === undefined || claim.match.event.members.length > 0 ? 1 : 0;
    return { claim, rank: [inEnvelope, issues.length, inFamily] };
  });
  return ranked.sort((a, b) => firstDifference(a.rank, b.rank))[0]?.claim;
}

function firstDifference(a: readonly number[], b: readonly number[]): number {
  return a.map((each, i) => each - (b[i] ?? 0)).find((difference) => difference !== 0) ?? 0;
}
