import { createHash } from "node:crypto";
import type { Delivery } from "./delivery.ts";
import { type EventMatch, eventNames, findEvent, nearest } from "./event-name.ts";
import { type Payload, type PayloadProblem, readPayload } from "./payload.ts";
import type { Format, Product, Reply, Verdict } from "./product.ts";
import { checkSchema, type SchemaResult } from "./schema-check.ts";
import type { Secrets } from "./secret.ts";

/** Everything that a delivery says of itself. Whether it repeats an earlier one is not known here. */
export interface Receipt {
  readonly product: string | undefined;
  readonly format: string | undefined;
  /** The name the delivery gave itself, in its right case; also when no such event is known. */
  readonly event: string | undefined;
  /** False when product and format are recognised, but the event is none of theirs. */
  readonly known: boolean;
  /** Known events near to an unknown one. */
  readonly suggestions: readonly string[];
  readonly payload: Payload | undefined;
  readonly problem: PayloadProblem | undefined;
  readonly handshake: Reply | undefined;
  readonly verdicts: readonly Verdict[];
  /** Undefined when there was no schema to check with: unreadable, unrecognised, or schemas turned off. */
  readonly schema: SchemaResult | undefined;
  readonly records: readonly string[];
  /** Two deliveries of the same identity are one event, delivered twice. */
  readonly identity: string | undefined;
}

export interface ReceiveInput {
  readonly products: readonly Product[];
  /** The product that the URL or a flag names; undefined to let the body tell. */
  readonly product?: Product | undefined;
  /** The event that a flag names; undefined to let the body tell. */
  readonly event?: string | undefined;
  readonly delivery: Delivery;
  readonly secrets: Secrets;
  readonly now: Date;
  /** Schemas are checked unless this is false. */
  readonly schemas?: boolean;
}

interface Recognised {
  readonly product: Product;
  readonly format: Format;
  readonly name: string;
  readonly match: EventMatch | undefined;
}

/** The receipt of a request of which nothing could be told. */
export const emptyReceipt: Receipt = {
  product: undefined,
  format: undefined,
  event: undefined,
  known: false,
  suggestions: [],
  payload: undefined,
  problem: undefined,
  handshake: undefined,
  verdicts: [],
  schema: undefined,
  records: [],
  identity: undefined,
};

/** Judges one delivery. Pure: the same input gives the same receipt. */
export function receive(input: ReceiveInput): Receipt {
  const { delivery, secrets, now } = input;
  const read = readPayload(delivery);
  if (!read.ok) return { ...emptyReceipt, product: input.product?.id, problem: read.problem };
  const { payload } = read;
  const candidates = input.product === undefined ? input.products : [input.product];
  const found = recognise(input, candidates, payload);
  // A known event is never taken for a challenge, whatever fields it has: its proofs would go unasked for.
  if (found?.match === undefined) {
    const handshake = firstHandshake(candidates, payload, delivery);
    if (handshake !== undefined) return { ...emptyReceipt, product: input.product?.id, payload, handshake };
  }
  if (found === undefined) return unrecognised(input, payload);
  const { product, format, match } = found;
  const event = match?.name ?? found.name;
  const records = format.records(payload.data, event);
  return {
    ...emptyReceipt,
    product: product.id,
    format: format.id,
    event,
    known: match !== undefined,
    suggestions: match === undefined ? nearest(event, eventNames(format)) : [],
    payload,
    verdicts: format.proofs.map((proof) =>
      proof.verify(delivery, payload, secrets.for(proof.credential, product.id), now),
    ),
    schema: match === undefined || input.schemas === false ? undefined : checkSchema(match.event.schema, payload.data),
    records,
    identity: identityOf(
      product.id,
      event,
      records,
      match?.event.once === true && records.length > 0 ? undefined : delivery.body,
    ),
  };
}

/** A body of no known envelope, on the URL of a product: its proofs are still asked for, so that nothing slips by unsigned. */
function unrecognised(input: ReceiveInput, payload: Payload): Receipt {
  const format = input.product?.formats[0];
  const product = input.product;
  if (format === undefined || product === undefined) return { ...emptyReceipt, payload };
  const verdicts = format.proofs.map((proof) =>
    proof.verify(input.delivery, payload, input.secrets.for(proof.credential, product.id), input.now),
  );
  return { ...emptyReceipt, product: product.id, payload, verdicts };
}

function firstHandshake(products: readonly Product[], payload: Payload, delivery: Delivery): Reply | undefined {
  for (const product of products) {
    for (const format of product.formats) {
      const reply = format.handshake?.(payload, delivery);
      if (reply !== undefined) return reply;
    }
  }
  return undefined;
}

function recognise(input: ReceiveInput, products: readonly Product[], payload: Payload): Recognised | undefined {
  const claims: Recognised[] = [];
  for (const product of products) {
    for (const format of product.formats) {
      const name = input.event ?? format.recognise(payload, input.delivery);
      if (name === undefined) continue;
      const match = findEvent(format, name);
      // Without a product in the URL an unknown name is no evidence: many envelopes have an `event`.
      if (match !== undefined || (input.product !== undefined && input.event === undefined)) {
        claims.push({ product, format, name, match });
      }
    }
  }
  const known = claims.filter((claim) => claim.match !== undefined);
  return known.length > 1 ? bestFit(known, payload) : (known[0] ?? claims[0]);
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

function identityOf(product: string, event: string, records: readonly string[], body: Buffer | undefined): string {
  const parts = [product, event, ...records];
  // 64 bits of the hash: enough for a day of one developer's events.
  if (body !== undefined) parts.push(createHash("sha256").update(body).digest("hex").slice(0, 16));
  return parts.join(":");
}
