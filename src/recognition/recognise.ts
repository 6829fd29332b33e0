import { isEmpty } from "../delivery/payload.ts";
import { acceptsMethod, type Format, GUIDE_FORMAT, type Product } from "../model/product.ts";
import type { Nearest } from "../model/receipt.ts";
import type { SchemaIssue } from "../model/schema.ts";
import { has } from "../model/verdict.ts";
import { likenessOf, nearestOf, onlyEnvelope } from "./nearest.ts";
import {
  carriesSignature,
  checkReading,
  customReading,
  hasCustomSchema,
  type Incoming,
  nameRank,
  OWN_NAME,
  type Reading,
  readingsOf,
} from "./reading.ts";

export interface Recognition {
  readonly found: Reading | undefined;
  /** Other products that the same body could be of, where none was named. */
  readonly ambiguousWith: readonly Reading[];
  readonly nearest: Nearest | undefined;
}

/**
 * Every format reads a delivery. Of those that may claim it, the likeliest is what it is. What none claims is a custom body
 * on the URL of a product whose webhooks a user designs; elsewhere it is not recognised. Without a product named, the right
 * signature of a single product names it.
 */
export function recognise(incoming: Incoming): Recognition {
  const { product: named, products } = incoming;
  const readings = readingsOf(incoming);
  const [found, ...equal] = ranked(incoming, readings);
  if (found !== undefined && (named !== undefined || found.match !== undefined || isUnmistakable(found, equal)))
    return { found, ambiguousWith: equal.filter((each) => each.product !== found.product), nearest: undefined };
  const [custom, ...others] = customReadings(incoming);
  if (custom !== undefined) return { found: custom, ambiguousWith: others, nearest: likenessOf(readings, custom) };
  const nearest = nearestOf(readings) ?? onlyEnvelope(incoming);
  if (named !== undefined) return { found: undefined, ambiguousWith: [], nearest };
  const [only, another] = products.filter((product) =>
    product.formats.some((each) => isProved(incoming, product, each)),
  );
  if (only !== undefined && another === undefined) return recognise({ ...incoming, product: only });
  return { found: undefined, ambiguousWith: [], nearest };
}

/** A body with fewer members of an envelope that no user would choose could be one that its user designed. */
const MIN_MARKS = 2;

/**
 * Whether a body is one of a format, right or wrong, and not one that its user designed: it carries a signature of that
 * format alone, or has members that nobody else would give it. An event whose proof fails claims its body wherever no
 * product is named: there, members that somebody adds must not turn a refusal into an acceptance.
 */
function isClaimed(incoming: Incoming, reading: Reading): boolean {
  const { product, format, shape, name, match } = reading;
  const isNamed = incoming.product !== undefined;
  if (incoming.event !== undefined || shape.isSigned) return true;
  // Others have an `item`, too: without its id it is a record only where its product is named, and not in a list.
  if (format.body.layout === "wrapped" && !isWhole(reading) && (!isNamed || shape.misshapen)) return false;
  if (!isNamed && outcomeOf(reading, incoming) === "failed") return true;
  if (format.body.envelope === undefined) return match !== undefined || (isNamed && name !== undefined);
  // No server of Zoho posts the guide's bodies: a few members are not enough, unless the user expects them.
  if (format.id === GUIDE_FORMAT && !isChosen(product, format)) return isNearlyWhole(reading);
  // Zoho posts nothing beside a record, so what has other members has to be valid.
  if (format.body.layout === "wrapped") return shape.isWrapped || isValidRecord(reading);
  return shape.members.marks + (nameRank(reading) === OWN_NAME ? 1 : 0) >= MIN_MARKS;
}

/** An envelope of fewer members has too few left when it lacks one. */
const MIN_REQUIRED = 4;

function isNearlyWhole(reading: Reading): boolean {
  const { missing, required } = reading.shape.members;
  return isWhole(reading) || (missing === 1 && required >= MIN_REQUIRED);
}

function isWhole({ shape: { members } }: Reading): boolean {
  return members.present > 0 && members.missing === 0;
}

function isValidRecord(reading: Reading): boolean {
  return isWhole(reading) && reading.match !== undefined && issuesOf(reading).length === 0;
}

/** The settings name the format, or the caller accepts no other. */
function isChosen({ chosenFormat, formats }: Product, { id }: Format): boolean {
  return chosenFormat === id || formats.every((each) => each.id === id);
}

/** Says how likely a reading is: the greater, the likelier. */
type Trait = (reading: Reading, incoming: Incoming) => number;

/** A name that a flag gives says nothing about the body. */
const ofName: Trait = (reading, { event }) => (event === undefined ? nameRank(reading) : 0);
const ofMembers: Trait = ({ shape }) => shape.members.present;
const ofIssues: Trait = (reading) => -issuesOf(reading).length;

/** Readings that are equal in these cannot be told apart by the body. */
const LIKENESS: readonly Trait[] = [ofName, ofMembers, ofIssues];

/**
 * Best first; a trait is computed only where those before it are equal. An event whose proof decides comes before all that
 * prove nothing: added members must not get a body round a signature. A format that is only modelled gives way.
 */
const RANK: readonly Trait[] = [
  (reading, incoming) => (outcomeOf(reading, incoming) === undefined ? 0 : 1),
  ofName,
  ({ format }) => (format.evidence === "modelled" ? 0 : 1),
  ofMembers,
  ofIssues,
  nameRank,
  (reading, incoming) => (outcomeOf(reading, incoming) === "passed" ? 1 : 0),
];

/** Of the readings that may claim a delivery, the likeliest, and those that only the URL would tell from it. */
function ranked(incoming: Incoming, readings: readonly Reading[]): readonly Reading[] {
  const compare = (traits: readonly Trait[], one: Reading, other: Reading): number => {
    for (const trait of traits) {
      const difference = trait(other, incoming) - trait(one, incoming);
      if (difference !== 0) return difference;
    }
    return 0;
  };
  const claiming = readings.filter((reading) => isClaimed(incoming, reading));
  const [best, ...others] = claiming.sort((one, other) => compare(RANK, one, other));
  if (best === undefined) return [];
  const isTwin = ({ product, match }: Reading): boolean =>
    match !== undefined && best.format.body.twins?.includes(product.id) === true;
  return [best, ...others.filter((each) => isTwin(each) || compare(LIKENESS, best, each) === 0)];
}

/** What the proofs of a known event say, if they say anything. */
function outcomeOf({ product, format, match }: Reading, { verdictsOf }: Incoming): "failed" | "passed" | undefined {
  if (match === undefined || match.event.custom) return undefined;
  const verdicts = verdictsOf(product, format);
  if (has("failed", verdicts)) return "failed";
  return has("passed", verdicts) ? "passed" : undefined;
}

const issuesOfReading = new WeakMap<Reading, readonly SchemaIssue[]>();

/** Users' own schemas are not run to rank: they are slow, and any sender's body comes this far. */
function issuesOf(reading: Reading): readonly SchemaIssue[] {
  const issues =
    issuesOfReading.get(reading) ?? (hasCustomSchema(reading) ? undefined : checkReading(reading))?.issues ?? [];
  issuesOfReading.set(reading, issues);
  return issues;
}

/** The reading whose schema decides: of those that only the URL would tell apart, the first that the body does not match. */
export function strictest(found: Reading, others: readonly Reading[]): Reading {
  return [found, ...others].find((each) => issuesOf(each).length > 0) ?? found;
}

/** Fewer members than these could be those of many senders. */
const MIN_UNMISTAKABLE = 3;

/** An event of a whole envelope that no other product has: Zoho adds events that are not known here. */
function isUnmistakable(reading: Reading, equal: readonly Reading[]): boolean {
  const { product, name, shape } = reading;
  if (name === undefined || shape.misshapen || !isWhole(reading)) return false;
  return shape.members.present >= MIN_UNMISTAKABLE && equal.every((each) => each.product === product);
}

/**
 * On the URL of a product whose webhooks a user designs, a body that no format claims is custom, whatever its members are
 * called, unless it is the whole event of another product. Elsewhere it needs keys that one such product adds.
 */
function customReadings(incoming: Incoming): readonly Reading[] {
  const { product: named, products, event, delivery, payload } = incoming;
  if (event !== undefined || isEmpty(payload)) return [];
  return (named === undefined ? products : [named]).flatMap((product) => {
    const format = product.formats.find(
      (each) => each.body.customEvent !== undefined && acceptsMethod(each, delivery.method),
    );
    if (format === undefined || format.setup?.handshake?.(payload, delivery) !== undefined) return [];
    const isMarked = format.body.envelope === undefined && format.body.recognise(payload, delivery) !== undefined;
    const isCustom = isMarked || (named !== undefined && !isOfAnother(incoming, product, format));
    return isCustom ? [customReading(product, format, payload.data)] : [];
  });
}

function isOfAnother(incoming: Incoming, product: Product, format: Format): boolean {
  if (has("passed", incoming.verdictsOf(product, format))) return false;
  const other = recogniseAny(incoming);
  return other !== undefined && format.body.twins?.includes(other.product.id) !== true && isUnmistakable(other, []);
}

/** The known event that a delivery would be if no product had been named. */
export function recogniseAny(incoming: Omit<Incoming, "product" | "verdictsOf">): Reading | undefined {
  const any: Incoming = { ...incoming, product: undefined, verdictsOf: () => [] };
  const [best] = ranked(any, readingsOf(any));
  return best?.match === undefined ? undefined : best;
}

/** Whether a signature over the body is right. */
function isProved({ delivery, verdictsOf }: Incoming, product: Product, format: Format): boolean {
  return (
    acceptsMethod(format, delivery.method) &&
    carriesSignature(format, delivery) &&
    has("passed", verdictsOf(product, format))
  );
}
