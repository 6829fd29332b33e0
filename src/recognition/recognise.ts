import { z } from "zod";
import { type EventMatch, findEvent } from "../contract/event-names.ts";
import {
  acceptsMethod,
  countMembers,
  type Envelope,
  type Format,
  isNeverSigned,
  isObject,
  missingOf,
  NO_MEMBERS,
  type Product,
  type Verdict,
} from "../contract/product.ts";
import { checkSchema, isCustomSchema, type SchemaIssue, type SchemaResult } from "../contract/schema.ts";
import { type Delivery, headerValue } from "../delivery/delivery.ts";
import { isEmpty, memberCount, type Payload, textAt } from "../delivery/payload.ts";
import { has } from "../proofs/verdict.ts";
import { nearestEvents } from "./hints.ts";

/** A delivery whose body could be read. */
export interface Incoming {
  readonly products: readonly Product[];
  /** The product that the URL or a flag names. */
  readonly product: Product | undefined;
  /** The event that a flag names. */
  readonly event: string | undefined;
  readonly delivery: Delivery;
  readonly payload: Payload;
  readonly verdictsOf: (product: Product, format: Format) => readonly Verdict[];
}

/** How far a body has the shape of a format, whatever event it names. */
interface Candidate {
  readonly product: Product;
  readonly format: Format;
  readonly envelope: Envelope | undefined;
  /** The body in the format's shape: taken out of a list, or put into one, where it is `misshapen`. */
  readonly data: unknown;
  readonly misshapen: boolean;
  /** How many of the envelope's members it has, and how many required ones it lacks. */
  readonly present: number;
  readonly missing: number;
  /** It is validated as this format: it has two members of the envelope, its wrapper, or the header of its signature. */
  readonly resembles: boolean;
  readonly points: number;
}

/** A delivery as one format reads it. */
export interface Reading {
  readonly product: Product;
  readonly format: Format;
  readonly shape: Candidate;
  /** The name that the delivery gives itself, in its right case where the event is known. */
  readonly name: string | undefined;
  readonly match: EventMatch | undefined;
  readonly score: number;
}

/** The format and events that an unrecognised body is closest to. Has no value of the body. */
export interface Nearest {
  readonly product: string;
  readonly format: string;
  /** The likeliest events, best first. */
  readonly events: readonly string[];
  /** Required members that it lacks: `notifications.operation_type`. */
  readonly missing: readonly string[];
}

export interface Recognition {
  readonly found: Reading | undefined;
  /** Other products that the same body could be of, where none was named. */
  readonly ambiguousWith: readonly Reading[];
  readonly nearest: Nearest | undefined;
}

/**
 * Ranks all formats by how many members of their envelope a body has, then by its event's name, then by its schema issues.
 * A proof decides between products that are still equal. Without a product named, an event is recognised if it is known,
 * its envelope is unmistakable, or the signature of one product alone is right.
 */
export function recognise(incoming: Incoming): Recognition {
  const { product, products, delivery } = incoming;
  const candidates = candidatesOf(incoming, true);
  const ranked = rank(incoming, candidates);
  const [best] = ranked;
  if (product !== undefined) {
    const found = strictest(incoming, candidates, orCustom(incoming, best));
    const nearest = found === undefined ? (nearestOf(ranked) ?? onlyEnvelope(product, incoming)) : undefined;
    return { found, ambiguousWith: [], nearest };
  }
  const known = best?.match !== undefined || isUnmistakable(ranked) ? best : undefined;
  const found = strictest(incoming, candidates, known);
  if (found !== undefined)
    return { found, ambiguousWith: ranked.filter((each) => isClose(each, found)), nearest: undefined };
  const [only, ...others] = products.filter((each) =>
    each.formats.some(
      (format) =>
        acceptsMethod(format, delivery.method) &&
        carriesSignature(format, delivery) &&
        has("passed", incoming.verdictsOf(each, format)),
    ),
  );
  if (only !== undefined && others.length === 0) return recognise({ ...incoming, product: only });
  return {
    found,
    ambiguousWith: [],
    nearest: nearestOf(ranked.filter(({ shape }) => shape.present > 0 || shape.resembles)),
  };
}

/** Added members must not get round a signature: a known event whose proof fails comes before one that proves nothing. */
function strictest(
  incoming: Incoming,
  candidates: readonly Candidate[],
  found: Reading | undefined,
): Reading | undefined {
  // On the URL of its product, a custom body may have any members.
  const isCustom = incoming.product !== undefined && found?.match?.event.custom === true;
  if (found === undefined || incoming.event !== undefined || isCustom) return found;
  const own = incoming.verdictsOf(found.product, found.format);
  if (has("passed", own) || has("failed", own)) return found;
  for (const candidate of candidates) {
    if (candidate.present === 0 || !has("failed", incoming.verdictsOf(candidate.product, candidate.format))) continue;
    const reading = read(incoming, candidate);
    if (reading?.match !== undefined && !reading.match.event.custom) return reading;
  }
  return found;
}

/** The most that a name and its values add to a score, and a name alone. */
const MAX_BONUS = 5;
const MAX_NAME_POINTS = 2;

function rank(incoming: Incoming, candidates: readonly Candidate[]): readonly Reading[] {
  const readings: Reading[] = [];
  let best = Number.NEGATIVE_INFINITY;
  const readAll = (each: readonly Candidate[]): void => {
    for (const candidate of each) {
      // Finding names costs time, and most formats are out of reach.
      if (candidate.points + MAX_BONUS < best - 1) continue;
      const reading = read(incoming, candidate);
      if (reading === undefined) continue;
      readings.push(reading);
      best = Math.max(best, reading.score);
    }
  };
  readAll(candidates.toSorted((a, b) => b.points - a.points));
  // Of the others only a header or the address can name an event.
  if (best <= MAX_NAME_POINTS) readAll(candidatesOf(incoming, false));
  if (readings.length < 2) return readings;
  readings.sort((a, b) => b.score - a.score);
  const equal = readings.filter(({ score }) => score === best);
  return equal.length === 1 ? readings : [...byFit(incoming, equal), ...readings.slice(equal.length)];
}

/** A signature's header says more than a few members that any body may have. */
const SIGNATURE_POINTS = 4;

/** The formats whose signature or envelope a delivery has anything of, or all others. */
function candidatesOf(
  { products, product: named, delivery, payload }: Incoming,
  likely: boolean,
): readonly Candidate[] {
  const candidates: Candidate[] = [];
  for (const product of named === undefined ? products : [named]) {
    for (const format of product.formats) {
      if (!acceptsMethod(format, delivery.method)) continue;
      const { data, misshapen } = inShapeOf(format, payload.data);
      const object = eventIn(format, data);
      const envelope = payload.text === undefined || !isObject(object) ? undefined : format.envelope?.(object);
      const { present, missing } = envelope === undefined ? NO_MEMBERS : countMembers(envelope, object);
      const isSigned = format.customEvent === undefined && carriesSignature(format, delivery);
      const isWrapped = format.wrapped === true && envelope !== undefined && !misshapen && memberCount(object) === 1;
      if ((present > 0 || isSigned || isWrapped) !== likely) continue;
      const resembles = envelope !== undefined && (present > 1 || isSigned || isWrapped);
      const ofMembers = present === 0 ? 0 : present - missing;
      const points = ofMembers + (isSigned ? SIGNATURE_POINTS : 0) - (misshapen ? 1 : 0);
      candidates.push({ product, format, envelope, data, misshapen, present, missing, resembles, points });
    }
  }
  return candidates;
}

/** Undefined for a format that sees nothing of its own in the body. */
function read({ product: onUrl, event, delivery, payload }: Incoming, candidate: Candidate): Reading | undefined {
  const { product, format, data, misshapen, present, missing, resembles, points } = candidate;
  if (misshapen && !resembles) return undefined;
  const named = event ?? format.recognise(misshapen ? { ...payload, data } : payload, delivery);
  // The name of a family, `<Module>.create`, is never that of a delivery.
  const found = named === undefined ? undefined : findEvent(format, named);
  // Others have an `item`, too: without its id it is a record only where its product is named.
  const isAnyones = format.wrapped === true && missing > 0 && onUrl === undefined;
  const isFamily = found !== undefined && /[<>]/.test(found.name);
  const match = event === undefined && (isAnyones || isFamily) ? undefined : found;
  if (match === undefined && (event !== undefined || (named === undefined && !resembles))) return undefined;
  const evidence = present > 1 ? (format.weigh?.(eventIn(format, data) as object) ?? 0) : 0;
  const score = points + namePoints(match) + evidence;
  return { product, format, shape: candidate, name: match?.name ?? named, match, score };
}

/** An event's own name says more than that of a family, which any module has. */
function namePoints(match: EventMatch | undefined): number {
  if (match === undefined) return 0;
  const { members } = match.event;
  return members.length === 0 || members.includes(match.member ?? "") ? 2 : 1;
}

/** The first event of a list. */
function eventIn({ list }: Format, data: unknown): unknown {
  return list === true && Array.isArray(data) ? data[0] : data;
}

function inShapeOf({ list, envelope }: Format, data: unknown): Pick<Candidate, "data" | "misshapen"> {
  if (envelope === undefined || !isObject(data) || Array.isArray(data) === (list === true))
    return { data, misshapen: false };
  const [first]: readonly unknown[] = Array.isArray(data) ? data : [];
  if (list !== true) return isObject(first) ? { data: first, misshapen: true } : { data, misshapen: false };
  return { data: [data], misshapen: true };
}

/**
 * Ranks readings with the same score by their issues: in the envelope, then at all; then by a proof that passes. Custom
 * schemas are not run for it: they are slow, and any sender's body comes this far.
 */
function byFit(incoming: Incoming, readings: readonly Reading[]): readonly Reading[] {
  const ranked = readings.map((reading) => {
    const issues = (hasCustomSchema(reading) ? undefined : checkReading(reading))?.issues ?? [];
    const inEnvelope = issues.filter(({ path }) => path.length < 2).length;
    const inFamily = (reading.match?.event.members.length ?? 0) > 0 ? 1 : 0;
    return { reading, rank: [inEnvelope, issues.length, inFamily] };
  });
  ranked.sort((a, b) => firstDifference(a.rank, b.rank));
  const [best] = ranked;
  const equal = ranked.filter(({ rank }) => best !== undefined && firstDifference(rank, best.rank) === 0);
  const sorted = ranked.map(({ reading }) => reading);
  if (new Set(equal.map(({ reading }) => reading.product)).size < 2) return sorted;
  const proved = equal.find(({ reading: { product, format } }) => has("passed", incoming.verdictsOf(product, format)));
  return proved === undefined ? sorted : [proved.reading, ...sorted.filter((each) => each !== proved.reading)];
}

function firstDifference(a: readonly number[], b: readonly number[]): number {
  return a.map((each, i) => each - (b[i] ?? 0)).find((difference) => difference !== 0) ?? 0;
}

/** Fewer members than these could be those of many senders. */
const MIN_UNMISTAKABLE = 3;

function isComplete({ present, missing }: Candidate): boolean {
  return missing === 0 && present >= MIN_UNMISTAKABLE;
}

/** An event of a whole envelope that no other product has: Zoho adds events that are not known here. */
function isUnmistakable([best, ...others]: readonly Reading[]): boolean {
  if (best?.name === undefined || best.shape.misshapen || !isComplete(best.shape)) return false;
  return !others.some((each) => each.product !== best.product && each.score >= best.score);
}

function isClose(reading: Reading, { product, score }: Reading): boolean {
  return reading.product !== product && reading.match !== undefined && reading.score >= score - 1;
}

/** Received value of an issue where a list holds an event that comes alone. */
export const A_LIST = "a list";

const listOf = new WeakMap<Envelope, z.ZodType>();

/** Undefined where there is no schema: for a custom body, and for an unknown event in a whole envelope. */
export function checkReading(reading: Reading, secretNames?: readonly string[]): SchemaResult | undefined {
  const { format, match } = reading;
  const { envelope, data, misshapen } = reading.shape;
  if (match?.event.custom === true) return undefined;
  const schema = match?.event.schema ?? (format.list && envelope !== undefined ? listSchema(envelope) : envelope?.());
  if (schema === undefined) return undefined;
  const result = checkSchema(schema, data, secretNames);
  if (misshapen) {
    const [expected, received] = format.list ? ["a list of events", "an object"] : ["an object", A_LIST];
    // The path of an event that stands alone has no index.
    const issues = result.issues.map((issue) => (format.list ? withoutIndex(issue) : issue));
    return { ok: false, issues: [{ path: [], at: "", expected, received }, ...issues] };
  }
  return match === undefined && result.ok ? undefined : result;
}

/** The user has written its schema. */
export function hasCustomSchema({ match }: Reading): boolean {
  return match !== undefined && isCustomSchema(match.event.schema);
}

function listSchema(envelope: Envelope): z.ZodType {
  const schema = listOf.get(envelope) ?? z.array(envelope());
  listOf.set(envelope, schema);
  return schema;
}

function withoutIndex(issue: SchemaIssue): SchemaIssue {
  return { ...issue, path: issue.path.slice(1), at: issue.at.replace(/^\[0\]\.?/, "") };
}

/** More would take long, and say little. */
const MAX_NEAREST = 10;
/** The best reading with two members of its envelope; else the one with the most similar event. */
function nearestOf(ranked: readonly Reading[]): Nearest | undefined {
  let nearest: Nearest | undefined;
  let longest = 0;
  for (const { product, format, shape, name, match } of ranked.slice(0, MAX_NEAREST)) {
    const { envelope, data, resembles } = shape;
    const events = match !== undefined ? [match.name] : name === undefined ? [] : nearestEvents(product, format, name);
    const [event = ""] = events;
    const similar = commonStart(event, name ?? "");
    if (!resembles && similar <= longest) continue;
    const missing = envelope === undefined ? [] : missingOf(envelope, eventIn(format, data));
    nearest = { product: product.id, format: format.id, events, missing };
    if (resembles) break;
    longest = similar;
  }
  return nearest;
}

function commonStart(a: string, b: string): number {
  const [x, y] = [a.toLowerCase(), b.toLowerCase()];
  let length = 0;
  while (length < x.length && x[length] === y[length]) length++;
  return length;
}

/** For JSON that has nothing of the named product: what it would need. */
function onlyEnvelope(product: Product, { payload: { data } }: Incoming): Nearest | undefined {
  if (!isObject(data)) return undefined;
  for (const format of product.formats) {
    const envelope = (format.list === true) === Array.isArray(data) ? format.envelope?.(data) : undefined;
    if (envelope !== undefined)
      return {
        product: product.id,
        format: format.id,
        events: [],
        missing: missingOf(envelope, eventIn(format, data)),
      };
  }
  return undefined;
}

/** `desk Ticket.Create (orgId is missing)` */
export function nearestText({ product, format, events, missing }: Nearest): string {
  const lacks = missing.length === 0 ? "" : ` (${missing.join(", ")} ${missing.length > 1 ? "are" : "is"} missing)`;
  return `${product} ${events.length === 0 ? `in the format ${format}` : events.join(" or ")}${lacks}`;
}

/** A name that only a sender's own envelope would have: `record.create`, `task_created`. */
const EVENT_NAME = /^[a-z]+(?:[._:-][a-z]+)+$/i;

/**
 * On the URL of a product, a body of no known envelope counts as custom. Not where the default format's proof is missing,
 * unless the custom format has its own: leaving the signature off must not turn a refusal into an acceptance.
 * With `allowUnsigned` that proof is needed only for what resembles a known envelope or carries a signature.
 */
function orCustom(incoming: Incoming, found: Reading | undefined): Reading | undefined {
  const { product, event, delivery, payload } = incoming;
  if (product === undefined || event !== undefined || found?.match !== undefined || isEmpty(payload)) return found;
  const custom = product.formats.find((each) => each.customEvent !== undefined && acceptsMethod(each, delivery.method));
  if (custom?.customEvent === undefined || custom.handshake?.(payload, delivery) !== undefined) return found;
  const [first] = product.formats;
  // Not where the user has said that such bodies are posted.
  if (found?.shape.resembles === true && (found.format === custom || first !== custom)) return found;
  const outcome = outcomeOf(incoming.verdictsOf(product, custom));
  const other = outcome === "passed" ? undefined : recogniseAny(incoming);
  if (other !== undefined && custom.twins?.includes(other.product.id) !== true) {
    // Where a signature could prove it and does not, the known envelope of another product is better evidence.
    if (custom.proofs.length > 0 || isWhole(other)) return found;
  }
  const as = (name: string): Reading => {
    const match = findEvent(custom, name);
    const { data } = payload;
    const none = { envelope: undefined, misshapen: false, present: 0, missing: 0, resembles: false, points: 0 };
    const shape = { product, format: custom, data, ...none };
    return { product, format: custom, shape, name: match?.name ?? name, match, score: 0 };
  };
  const needsNoProof = product.allowUnsigned === true && first !== undefined && !carriesSignature(first, delivery);
  if (first === custom || needsNoProof) return as(custom.customEvent);
  // Where Zoho never signs, a member `event` with other text is one of the user's own.
  const isNamed = found?.name !== undefined && EVENT_NAME.test(found.name);
  if (first === undefined || (found !== undefined && (isNamed || !isNeverSigned(product)))) return found;
  const firstOutcome = outcomeOf(incoming.verdictsOf(product, first));
  if (firstOutcome === "failed" && outcome !== "passed") return undefined;
  // It carries the default format's proof, whatever its body is.
  if (firstOutcome === "passed" && outcome === "failed") return undefined;
  const name = textAt(payload.data, ["event_type"]) ?? textAt(payload.data, ["event"]) ?? "";
  return as(EVENT_NAME.test(name) ? name : custom.customEvent);
}

function outcomeOf(verdicts: readonly Verdict[]): "failed" | "passed" | "absent" {
  if (has("failed", verdicts)) return "failed";
  return has("passed", verdicts) ? "passed" : "absent";
}

/** A known event with every member of an envelope that cannot be taken for another. */
function isWhole({ match, shape }: Reading): boolean {
  return match !== undefined && isComplete(shape);
}

/** The known event that a delivery would be if no product had been named. */
export function recogniseAny(incoming: Omit<Incoming, "product" | "verdictsOf">): Reading | undefined {
  const any: Incoming = { ...incoming, product: undefined, verdictsOf: () => [] };
  const [best] = rank(any, candidatesOf(any, true));
  return best?.match === undefined ? undefined : best;
}

/** Whether a delivery has the header of a signature that the format's deliveries carry. */
export function carriesSignature({ proofs }: Format, delivery: Delivery): boolean {
  return proofs.some(
    ({ proves, header }) => proves === "body" && header !== undefined && headerValue(delivery, header) !== undefined,
  );
}
