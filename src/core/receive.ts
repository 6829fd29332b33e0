import { createHash } from "node:crypto";
import { type Delivery, headerValue, splitUrl } from "../body/delivery.ts";
import { isEmpty, type Payload, type PayloadProblem, readPayload, textAt } from "../body/payload.ts";
import type { Secrets } from "../body/secret.ts";
import { type EventMatch, findEvent } from "./event-names.ts";
import { isBareChallenge } from "./handshake.ts";
import { designHint, headerHint, nearestEvents, otherEnvelope, otherFormatHint, otherProductHint } from "./hints.ts";
import { chosenNames } from "./mask.ts";
import {
  acceptsMethod,
  type Format,
  type Limits,
  type Product,
  type Proof,
  type ProofInput,
  type Reply,
  type Verdict,
} from "./product.ts";
import { checkSchema, type SchemaResult } from "./schema.ts";

/** Everything that one delivery shows by itself. Whether it repeats an earlier one is not known here. */
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
  /** It is about several independent records. */
  readonly batch: boolean;
  /** Two deliveries of the same identity are one event, delivered twice. */
  readonly identity: string | undefined;
  /** See `Format.hint`. */
  readonly hint: string | undefined;
}

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
  readonly limits?: Limits | undefined;
}

/** The receipt of a request about which nothing is known. */
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

/** Recognises a delivery, verifies its proofs and checks its schema. Pure: the same input gives the same receipt. */
export function receive(input: ReceiveInput): Receipt {
  const { products, product: named, event: namedEvent, delivery } = input;
  const read = readPayload(delivery);
  if (!read.ok) return { ...emptyReceipt, product: named?.id, problem: read.problem };
  const { payload } = read;
  const verdictsOf = proofVerifier(input, payload);
  const incoming: Incoming = { products, product: named, event: namedEvent, delivery, payload, verdictsOf };
  const candidates = named === undefined ? products : [named];
  const found = recognise(incoming, candidates);
  // A known event is never taken for a challenge, whatever fields it has: it would be lost, and its proofs not checked.
  if (found?.match === undefined || isBareChallenge(payload)) {
    const handshake = findHandshake(candidates, payload, delivery);
    if (handshake !== undefined) return { ...emptyReceipt, product: named?.id, payload, handshake };
  }
  if (found === undefined)
    return named === undefined ? { ...emptyReceipt, payload } : unrecognised({ ...incoming, product: named });
  const { product, format, name: event, match } = found;
  const records = format.records(payload.data, event);
  const verdicts = receivedVerdicts(incoming, product, format);
  return {
    ...emptyReceipt,
    product: product.id,
    format: format.id,
    event,
    known: match !== undefined,
    suggestions: match === undefined ? nearestEvents(product, format, event) : [],
    payload,
    verdicts,
    schema:
      match === undefined || input.schemas === false
        ? undefined
        : checkSchema(match.event.schema, payload.data, chosenNames(verdicts)),
    records,
    batch: format.batches === true && new Set(records).size > 1,
    identity: identityOf(
      [product.id, event, ...records],
      format.identity?.(payload.data, event) ??
        (match?.event.once === true && records.length > 0 ? undefined : delivery),
    ),
    hint:
      match === undefined ? (otherEnvelope(product, event) ?? lookAlikeHint(incoming)) : format.hint?.(payload, event),
  };
}

/** A delivery whose body could be read. */
interface Incoming extends Pick<ReceiveInput, "products" | "product" | "event" | "delivery"> {
  readonly payload: Payload;
  readonly verdictsOf: (product: Product, format: Format) => readonly Verdict[];
}

/**
 * Verifies each proof once: recognition may depend on which proof passes, and formats share proofs. For the formats of
 * one product.
 */
function proofVerifier(input: ReceiveInput, payload: Payload): Incoming["verdictsOf"] {
  const { delivery, secrets, now, limits } = input;
  const proofInput = { delivery, payload, secrets, now, limits };
  const verified = new Map<Proof, Verdict>();
  return (product, { proofs }) =>
    proofs.map((proof) => {
      const verdict = verified.get(proof) ?? verifyProof(proof, product.id, proofInput);
      verified.set(proof, verdict);
      return verdict;
    });
}

interface VerifyProofInput extends Omit<ProofInput, "secrets"> {
  readonly secrets: Secrets;
}

export function verifyProof(proof: Proof, product: string, input: VerifyProofInput): Verdict {
  const { delivery, payload, now, limits } = input;
  const secrets = input.secrets.for(proof.credential, product);
  const verdict = proof.verify({ delivery, payload, secrets, now, limits });
  const complete = verdict.verdict === "failed" ? withRepeats(verdict, delivery, proof) : verdict;
  return proof.secretIn === undefined ? complete : { ...complete, secretIn: proof.secretIn };
}

/** Points out a repeated header: the first value counts, while an app may read another one, or all joined. */
function withRepeats(verdict: Verdict, { headers }: Delivery, { header, credential }: Proof): Verdict {
  const wanted = header?.toLowerCase();
  const values = new Set(headers.filter(([name]) => name.toLowerCase() === wanted).map(([, value]) => value));
  // A fixed value reports repeats itself.
  if (values.size < 2 || credential === "auth") return verdict;
  return {
    ...verdict,
    reason: `${verdict.reason}; ${header} came with ${values.size} different values, and the first was checked`,
  };
}

/** A format that knows the envelope of a delivery. */
interface Recognised {
  readonly product: Product;
  readonly format: Format;
  readonly name: string;
  readonly match: EventMatch | undefined;
}

/** Finds the envelope that some format knows, or else what users of the named product design themselves. */
function recognise(incoming: Incoming, products: readonly Product[]): Recognised | undefined {
  return orOwnDesign(incoming, knownEnvelope(incoming, products));
}

function knownEnvelope(
  { product: named, event, delivery, payload }: Pick<Incoming, "product" | "event" | "delivery" | "payload">,
  products: readonly Product[],
): Recognised | undefined {
  const found: Recognised[] = [];
  for (const product of products) {
    for (const format of product.formats) {
      if (!acceptsMethod(format, delivery.method)) continue;
      const name = event ?? format.recognise(payload, delivery);
      if (name === undefined) continue;
      // The name of a family, `<Module>.create`, is never that of a delivery.
      const match = event === undefined && /[<>]/.test(name) ? undefined : findEvent(format, name);
      // Without a product in the URL an unknown name is no evidence: many envelopes have an `event`.
      if (match !== undefined || (named !== undefined && event === undefined)) {
        found.push({ product, format, name: match?.name ?? name, match });
      }
    }
  }
  const known = found.filter(({ match }) => match !== undefined);
  return known.length > 1 ? bestFit(known, payload) : (known[0] ?? found[0]);
}

/**
 * Ranks envelopes with the same event name by schema issues: first in the envelope itself, then anywhere. On a tie it
 * takes the format that declares the event by its own name rather than as one of a family.
 */
function bestFit(known: readonly Recognised[], payload: Payload): Recognised | undefined {
  const ranked = known.map((found) => {
    const issues = found.match === undefined ? [] : checkSchema(found.match.event.schema, payload.data).issues;
    const inEnvelope = issues.filter(({ path }) => path.length < 2).length;
    const inFamily = found.match === undefined || found.match.event.members.length > 0 ? 1 : 0;
    return { found, rank: [inEnvelope, issues.length, inFamily] };
  });
  return ranked.sort((a, b) => firstDifference(a.rank, b.rank))[0]?.found;
}

function firstDifference(a: readonly number[], b: readonly number[]): number {
  return a.map((each, i) => each - (b[i] ?? 0)).find((difference) => difference !== 0) ?? 0;
}

/** A name that only a sender's own envelope would have: `record.create`, `task_created`. */
const EVENT_NAME = /^[a-z]+(?:[._:-][a-z]+)+$/i;

/**
 * On the URL of a product, a body of no known envelope counts as the user's own design. Not where the default format's
 * proof is missing, unless the design has its own: leaving the signature off must not turn a refusal into an acceptance.
 */
function orOwnDesign(incoming: Incoming, found: Recognised | undefined): Recognised | undefined {
  const { product, event, delivery, payload } = incoming;
  if (product === undefined || event !== undefined || found?.match !== undefined || isEmpty(payload)) return found;
  const design = product.formats.find((each) => each.catchAll !== undefined && acceptsMethod(each, delivery.method));
  if (design?.catchAll === undefined || design.handshake?.(payload, delivery) !== undefined) return found;
  const [first] = product.formats;
  const outcome = outcomeOf(incoming.verdictsOf(product, design));
  // Where a signature could prove it and does not, the known envelope of another product is better evidence.
  const other = design.proofs.length > 0 && outcome !== "passed" ? recogniseAny(incoming)?.product.id : undefined;
  if (other !== undefined && design.twins?.includes(other) !== true) return found;
  const as = (name: string): Recognised => {
    const match = findEvent(design, name);
    return { product, format: design, name: match?.name ?? name, match };
  };
  if (first === design) return as(design.catchAll);
  if (found !== undefined || first === undefined) return found;
  const firstOutcome = outcomeOf(incoming.verdictsOf(product, first));
  if (firstOutcome === "failed" && outcome !== "passed") return undefined;
  // It carries the default format's proof, whatever its body is.
  if (firstOutcome === "passed" && outcome === "failed") return undefined;
  const name = textAt(payload.data, ["event_type"]) ?? textAt(payload.data, ["event"]) ?? "";
  return as(EVENT_NAME.test(name) ? name : design.catchAll);
}

function outcomeOf(verdicts: readonly Verdict[]): "failed" | "passed" | "absent" {
  if (has("failed", verdicts)) return "failed";
  return has("passed", verdicts) ? "passed" : "absent";
}

function has(wanted: Verdict["verdict"], verdicts: readonly Verdict[]): boolean {
  return verdicts.some(({ verdict }) => verdict === wanted);
}

/** Recognises a delivery as if no product had been named. */
export function recogniseAny(incoming: Pick<Incoming, "products" | "event" | "delivery" | "payload">) {
  const { products, event, delivery, payload } = incoming;
  return knownEnvelope({ event, delivery, payload }, products);
}

function findHandshake(products: readonly Product[], payload: Payload, delivery: Delivery): Reply | undefined {
  for (const product of products) {
    for (const format of product.formats) {
      if (!acceptsMethod(format, delivery.method)) continue;
      const isNamed = products.length === 1 || format.offeredSecret?.(delivery) !== undefined;
      if (!isNamed && isAmbiguous(payload, delivery)) continue;
      const reply = format.handshake?.(payload, delivery);
      if (reply !== undefined) return reply;
    }
  }
  return undefined;
}

/** Without a product named, parameters may be some product's event, and an empty POST points to no product. */
function isAmbiguous(payload: Payload, { method }: Delivery): boolean {
  return payload.kind === "query" || (method === "POST" && isEmpty(payload));
}

/**
 * A body of no known envelope on the URL of a product: proofs are still required, so that nothing passes unsigned. The
 * format whose proof passes counts as the body's own: what users write themselves has no envelope.
 */
function unrecognised(incoming: Incoming & { readonly product: Product }): Receipt {
  const { product, delivery, payload } = incoming;
  const tried = product.formats.map((format) => ({ format, verdicts: incoming.verdictsOf(product, format) }));
  const passed = tried.find(({ verdicts }) => has("passed", verdicts));
  // A wrong proof explains more than a missing one; both lead to a rejection.
  const wrong = tried.find(
    ({ format, verdicts }) =>
      has("failed", verdicts) && format.proofs.some(({ header }) => header && headerValue(delivery, header)),
  );
  const { verdicts = [] } = passed ?? wrong ?? tried[0] ?? {};
  const hint =
    lookAlikeHint(incoming) ??
    (has("failed", verdicts) ? designHint(product, delivery.method) : undefined) ??
    headerHint(product);
  return { ...emptyReceipt, product: product.id, payload, verdicts, hint };
}

/** For a body that the named product has no event for: its URL was pasted into the wrong place. */
function lookAlikeHint(incoming: Incoming): string | undefined {
  const { product, event } = incoming;
  if (product === undefined || event !== undefined) return undefined;
  const other = recogniseAny(incoming);
  // Twins look alike wherever they are posted to.
  if (other === undefined || product.formats.some(({ twins }) => twins?.includes(other.product.id))) return undefined;
  // It can be the same product only where the caller restricted it to one format.
  return other.product.id === product.id ? otherFormatHint(other) : otherProductHint(other);
}

/**
 * The verdicts of the recognised format. Where the delivery carries none of its proofs, those of another format of the
 * product whose signature it has: users may write any envelope into a body of their own design.
 */
function receivedVerdicts(incoming: Incoming, product: Product, format: Format): readonly Verdict[] {
  const own = incoming.verdictsOf(product, format);
  const fails = has("failed", own);
  const isUnsigned = own.length > 0 && own.every(({ verdict }) => verdict === "absent");
  if (!(fails || isUnsigned) || carriesSignature(format, incoming.delivery)) return own;
  const signed = product.formats.find((each) => carriesSignature(each, incoming.delivery));
  if (signed === undefined) return own;
  const others = incoming.verdictsOf(product, signed);
  // A signature that no key can check does not make up for a failure.
  return has("passed", others) || has("failed", others) || !fails ? others : own;
}

/** Whether a delivery has the header of a signature that the format's deliveries carry. */
export function carriesSignature({ proofs }: Format, delivery: Delivery): boolean {
  return proofs.some(
    ({ proves, header }) => proves === "body" && header !== undefined && headerValue(delivery, header) !== undefined,
  );
}

/** Longer lists of ids are hashed: identities are keys in the log's index, and in an app's Redis. */
const MAX_IDENTITY_LENGTH = 500;

function identityOf(parts: readonly string[], rest: string | Delivery | undefined): string {
  const text = parts.join(":");
  const name = text.length <= MAX_IDENTITY_LENGTH ? text : createHash("sha256").update(text).digest("hex").slice(0, 32);
  if (rest === undefined) return name;
  const hash = createHash("sha256");
  if (typeof rest === "string") hash.update(rest);
  else {
    hash.update(rest.body);
    // Webhooks that users design may have everything in the URL.
    const { query } = splitUrl(rest.url);
    if (query !== "" || rest.method !== "POST") hash.update(`\n${rest.method} ?${query}`);
  }
  // 64 bits of the hash: enough for a day of one developer's events.
  return `${name}:${hash.digest("hex").slice(0, 16)}`;
}
