import { createHash } from "node:crypto";
import { carriedProofs } from "./carried-proofs.ts";
import { isBareChallenge } from "./challenge.ts";
import { type Delivery, headerValue, splitUrl } from "./delivery.ts";
import { lookAlike } from "./look-alike.ts";
import { nearestEvents, otherEnvelope } from "./nearest-event.ts";
import { isEmpty, type Payload, type PayloadProblem, readPayload } from "./payload.ts";
import { acceptsMethod, type Limits, type Product, type Reply, type Verdict } from "./product.ts";
import { recognise } from "./recognise.ts";
import { checkSchema, type SchemaResult } from "./schema-check.ts";
import type { Secrets } from "./secret.ts";
import { verdictsOf } from "./verdicts.ts";

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
  /** It tells of several records, each of which may have a story of its own. */
  readonly batch: boolean;
  /** Two deliveries of the same identity are one event, delivered twice. */
  readonly identity: string | undefined;
  /** A fact about such deliveries, worth telling once a run. */
  readonly hint: string | undefined;
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
  readonly limits?: Limits | undefined;
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
  batch: false,
  identity: undefined,
  hint: undefined,
};

/** Judges one delivery. Pure: the same input gives the same receipt. */
export function receive(input: ReceiveInput): Receipt {
  const { delivery } = input;
  const read = readPayload(delivery);
  if (!read.ok) return { ...emptyReceipt, product: input.product?.id, problem: read.problem };
  const { payload } = read;
  const candidates = input.product === undefined ? input.products : [input.product];
  const found = recognise(input, candidates, payload);
  // A known event is never taken for a challenge, whatever fields it has: it would be lost, its proofs unasked for.
  if (found?.match === undefined || isBareChallenge(payload)) {
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
    suggestions: match === undefined ? nearestEvents(product, format, event) : [],
    payload,
    verdicts: carriedProofs(input, product, format, payload),
    schema: match === undefined || input.schemas === false ? undefined : checkSchema(match.event.schema, payload.data),
    records,
    batch: format.batches === true && new Set(records).size > 1,
    identity: identityOf(
      [product.id, event, ...records],
      format.identity?.(payload.data, event) ??
        (match?.event.once === true && records.length > 0 ? undefined : delivery),
    ),
    hint:
      match === undefined
        ? (otherEnvelope(product, event) ?? lookAlike(input, payload))
        : format.hint?.(payload, event),
  };
}

/**
 * A body of no known envelope, on the URL of a product: its proofs are still asked for, so that nothing slips by
 * unsigned. A format counts as the body's own when its proof passes: what users write themselves has no envelope.
 */
function unrecognised(input: ReceiveInput, payload: Payload): Receipt {
  const { product } = input;
  if (product === undefined) return { ...emptyReceipt, payload };
  const tried = product.formats.map((format) => verdictsOf(input, product, format, payload));
  const says = (wanted: Verdict["verdict"], verdicts: readonly Verdict[] | undefined): boolean =>
    verdicts?.some(({ verdict }) => verdict === wanted) === true;
  const passed = tried.find((verdicts) => says("passed", verdicts));
  // A proof that is there and wrong says more than that another one is missing; both are a no.
  const carried = product.formats.findIndex(
    (format, i) =>
      says("failed", tried[i]) && format.proofs.some(({ header }) => header && headerValue(input.delivery, header)),
  );
  const verdicts = passed ?? tried[carried] ?? tried[0] ?? [];
  const hint = lookAlike(input, payload) ?? designHint(input, product, verdicts) ?? unmarkedHint(product);
  return { ...emptyReceipt, product: product.id, payload, verdicts, hint };
}

/** What a user who has designed the body has to say, so that it is not taken for one that lacks its proof. */
function designHint({ delivery }: ReceiveInput, product: Product, verdicts: readonly Verdict[]): string | undefined {
  if (!verdicts.some(({ verdict }) => verdict === "failed")) return undefined;
  const format = product.formats.find((each) => each.catchAll !== undefined && acceptsMethod(each, delivery.method));
  if (format === undefined || format === product.formats[0] || format.proofs.length > 0) return undefined;
  return `a body that you designed yourself needs no signature or token if the config names its format: "products": { "${product.id}": { "format": "${format.id}" } }, or for verify --format ${format.id}`;
}

/** A body that is whole and says nothing of its event, which stands in a header. */
function unmarkedHint({ formats: [format, ...others] }: Product): string | undefined {
  const [header] = format?.mark?.("event")?.headers?.[0] ?? [];
  return header === undefined || others.length > 0
    ? undefined
    : `the header ${header}, which names its event, is missing`;
}

/** Without a product named, parameters may be somebody's event, and a post of nothing is no sign of anybody. */
function isAnyones(payload: Payload, { method }: Delivery): boolean {
  return payload.kind === "query" || (method === "POST" && isEmpty(payload));
}

function firstHandshake(products: readonly Product[], payload: Payload, delivery: Delivery): Reply | undefined {
  for (const product of products) {
    for (const format of product.formats) {
      if (!acceptsMethod(format, delivery.method)) continue;
      const isNamed = products.length === 1 || format.offeredSecret?.(delivery) !== undefined;
      if (!isNamed && isAnyones(payload, delivery)) continue;
      const reply = format.handshake?.(payload, delivery);
      if (reply !== undefined) return reply;
    }
  }
  return undefined;
}

/** The ids of thousands of records would be as long as the body, in the index of the log and as a key in Redis: their hash stands in. */
const LONGEST_NAMED = 500;

function identityOf(parts: readonly string[], rest: string | Delivery | undefined): string {
  const text = parts.join(":");
  const named = text.length <= LONGEST_NAMED ? text : createHash("sha256").update(text).digest("hex").slice(0, 32);
  if (rest === undefined) return named;
  const hash = createHash("sha256");
  if (typeof rest === "string") hash.update(rest);
  else {
    hash.update(rest.body);
    // What users design may be all in the address.
    const { query } = splitUrl(rest.url);
    if (query !== "" || rest.method !== "POST") hash.update(`\n${rest.method} ?${query}`);
  }
  // 64 bits of the hash: enough for a day of one developer's events.
  return `${named}:${hash.digest("hex").slice(0, 16)}`;
}
