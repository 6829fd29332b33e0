import { createHash } from "node:crypto";
import { type Delivery, headerValue, splitUrl } from "../body/delivery.ts";
import { isEmpty, type Payload, type PayloadProblem, readPayload, textAt } from "../body/payload.ts";
import type { Secrets } from "../body/secret.ts";
import { oneLine } from "../util/text.ts";
import { type EventMatch, findEvent } from "./event-names.ts";
import { isBareChallenge } from "./handshake.ts";
import { nearestEvents, otherEnvelope } from "./hints.ts";
import {
  acceptsMethod,
  type Format,
  type Limits,
  type Product,
  type Proof,
  type Reply,
  type Verdict,
} from "./product.ts";
import { checkSchema, type SchemaResult } from "./schema.ts";

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

interface ReceiveInput {
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
    verdicts: verifiedProofs(input, product, format, payload),
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

interface Recognised {
  readonly product: Product;
  readonly format: Format;
  readonly name: string;
  readonly match: EventMatch | undefined;
}

/** What a delivery is: an envelope that some format knows, or else what users of the named product design themselves. */
function recognise(input: ReceiveInput, products: readonly Product[], payload: Payload): Recognised | undefined {
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
function claimOfAny(input: ReceiveInput, payload: Payload): Recognised | undefined {
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

/** Whether a delivery has the header of a signature that the format's deliveries carry. */
export function carriesSignature({ proofs }: Format, delivery: Delivery): boolean {
  return proofs.some(
    ({ proves, header }) => proves === "body" && header !== undefined && headerValue(delivery, header) !== undefined,
  );
}

/**
 * What the proofs of a delivery say: those of its format, or, where it has nothing of theirs, those of another format of the
 * product whose signature it has. Users may write any envelope into a body of their own design, and it is signed as whatever
 * else they design.
 */
function verifiedProofs(input: ReceiveInput, product: Product, format: Format, payload: Payload): readonly Verdict[] {
  const own = verdictsOf(input, product, format, payload);
  const fails = own.some(({ verdict }) => verdict === "failed");
  const isUnsigned = own.length > 0 && own.every(({ verdict }) => verdict === "absent");
  if (!(fails || isUnsigned) || carriesSignature(format, input.delivery)) return own;
  const other = product.formats.find((each) => carriesSignature(each, input.delivery));
  if (other === undefined) return own;
  const its = verdictsOf(input, product, other, payload);
  // One that nobody here can check makes up for nothing.
  const isJudged = its.some(({ verdict }) => verdict === "passed" || verdict === "failed");
  return isJudged || !fails ? its : own;
}

/** Tells of a delivery that the named product has no event for whose it would be: a URL was pasted into the wrong place. */
function lookAlike(input: ReceiveInput, payload: Payload): string | undefined {
  if (input.product === undefined || input.event !== undefined) return undefined;
  const other = claimOfAny(input, payload);
  if (other === undefined) return undefined;
  // Twins look alike wherever they are posted to.
  if (input.product.formats.some(({ twins }) => twins?.includes(other.product.id))) return undefined;
  // Its own, where only one of its formats was asked for.
  if (other.product.id === input.product.id) return inFormat(other);
  return `this looks like ${nameOf(other)}, which should be posted to the URL of ${other.product.id}`;
}

/** Tells of a body that none of the formats asked for knows which other one it is of. */
export function ofOtherFormat(input: ReceiveInput, payload: Payload): string | undefined {
  const other = claimOfAny(input, payload);
  return other === undefined ? undefined : inFormat(other);
}

function inFormat(claim: Recognised): string {
  return `this looks like ${nameOf(claim)} in the format ${claim.format.id}`;
}

function nameOf({ product, match, name }: Recognised): string {
  return `${product.id} ${oneLine(match?.name ?? name)}`;
}

interface VerdictInput {
  readonly delivery: Delivery;
  readonly secrets: Secrets;
  readonly now: Date;
  readonly limits?: Limits | undefined;
}

/** What each of a format's proofs says of a delivery. */
export function verdictsOf(
  { delivery, secrets, now, limits }: VerdictInput,
  product: Product,
  format: Format,
  payload: Payload,
): readonly Verdict[] {
  return format.proofs.map((proof) => {
    const verdict = proof.verify(delivery, payload, secrets.for(proof.credential, product.id), now, limits);
    const told = verdict.verdict === "failed" ? withRepeats(verdict, delivery, proof) : verdict;
    return proof.secretIn === undefined ? told : { ...told, secretIn: proof.secretIn };
  });
}

/** Of a header that came with different values the first counts, and an app may read another, or all of them as one. */
function withRepeats(verdict: Verdict, { headers }: Delivery, { header, credential }: Proof): Verdict {
  const wanted = header?.toLowerCase();
  const values = new Set(headers.filter(([name]) => name.toLowerCase() === wanted).map(([, value]) => value));
  // A fixed value says so itself.
  if (values.size < 2 || credential === "auth") return verdict;
  return {
    ...verdict,
    reason: `${verdict.reason}; ${header} came with ${values.size} values, of which the first counts`,
  };
}

/** Why a body that can be read is no event that is known; undefined where it is one, or a challenge. */
export function whyUnknown({ product, event, known, suggestions, handshake, problem }: Receipt): string | undefined {
  if (problem !== undefined || handshake !== undefined || known) return undefined;
  if (event === undefined)
    return product === undefined ? "not an event of any known product" : `not an event of ${product}`;
  return `unknown event${suggestions.length > 0 ? `, nearest: ${suggestions.join(", ")}` : ""}`;
}
