import { eventNames, MAX_NAME_LENGTH, nearest } from "../model/event-names.ts";
import type { Format, Product } from "../model/product.ts";
import type { Nearest } from "../model/receipt.ts";
import { oneLine } from "../util/text.ts";
import { isObject, missingOf } from "./members.ts";
import { eventIn, type Incoming, nameRank, type Reading } from "./reading.ts";

/** What a custom body could have been meant as. Where the user gave it a schema, that says what is wrong. */
export function likenessOf(readings: readonly Reading[], custom: Reading): Nearest | undefined {
  if (custom.match?.event.custom !== true) return undefined;
  const [best] = readings.filter((each) => each.format !== custom.format && isLike(each)).sort(byMembers);
  return best === undefined ? undefined : nearestAs(best, best.name === undefined ? [] : [oneLine(best.name)]);
}

/** It has the name of an event, or all but one or two of the members that are required of one, and not only one of them. */
function isLike({ match, shape }: Reading): boolean {
  const { required, missing } = shape.members;
  return match !== undefined || (missing <= 2 && required - missing >= 2);
}

/** More would take long, and say little. */
const MAX_NEAREST = 10;

/** The best reading with two members of its envelope; else the one with the most similar event. */
export function nearestOf(readings: readonly Reading[]): Nearest | undefined {
  let nearest: Nearest | undefined;
  let longest = 0;
  for (const reading of readings.toSorted(byMembers).slice(0, MAX_NEAREST)) {
    const { product, format, shape, name, match } = reading;
    const { members, isSigned, isWrapped } = shape;
    const resembles = members.present > 1 || isSigned || isWrapped;
    const events = match !== undefined ? [match.name] : name === undefined ? [] : nearestEvents(product, format, name);
    const [event = ""] = events;
    const similar = commonStart(event, name ?? "");
    if (!resembles && similar <= longest) continue;
    nearest = nearestAs(reading, events);
    if (resembles) break;
    longest = similar;
  }
  return nearest;
}

function nearestAs({ product, format, shape: { envelope, data } }: Reading, events: readonly string[]): Nearest {
  const missing = envelope === undefined ? [] : missingOf(envelope, eventIn(format, data));
  return { product: product.id, format: format.id, events, missing };
}

function byMembers(one: Reading, other: Reading): number {
  const surplus = ({ shape: { members } }: Reading): number => members.present - members.missing;
  return surplus(other) - surplus(one) || nameRank(other) - nameRank(one);
}

function commonStart(a: string, b: string): number {
  const [x, y] = [a.toLowerCase(), b.toLowerCase()];
  let length = 0;
  while (length < x.length && x[length] === y[length]) length++;
  return length;
}

/** For JSON that has nothing of the named product: what it would need. */
export function onlyEnvelope({ product, payload: { data } }: Incoming): Nearest | undefined {
  if (product === undefined || !isObject(data)) return undefined;
  for (const format of product.formats) {
    const envelope = (format.body.layout === "list") === Array.isArray(data) ? format.body.envelope?.(data) : undefined;
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

/**
 * The events that an unknown name most likely means, best first: `ticket.created` is Desk's `Ticket_Add`. Those of
 * its own format go before the other formats of the product.
 */
export function nearestEvents(product: Product, format: Format, name: string): readonly string[] {
  if (name.length > MAX_NAME_LENGTH) return [];
  const own = nearestNames(eventNames(format), name);
  if (own.length > 0) return own;
  const others = new Set(product.formats.flatMap((each) => eventNames(each)));
  // `otherEnvelope` explains a name that another format has.
  return others.has(name) ? [] : nearestNames([...others], name);
}

/** A name of this length is specific enough to match the end of an event's: `Completed`. */
const MIN_ENDING_LENGTH = 6;

function nearestNames(names: readonly string[], name: string): readonly string[] {
  const wanted = plainName(name);
  const meant = names.filter((each) => {
    const plain = plainName(each);
    return plain === wanted || wanted.endsWith(plain) || (wanted.length >= MIN_ENDING_LENGTH && plain.endsWith(wanted));
  });
  return [...new Set([...meant, ...nearest(name, names)])].slice(0, 3);
}

/** Words that one product uses for what another calls by the first of them. */
const SYNONYMS: readonly (readonly [word: string, others: RegExp])[] = [
  ["add", /created?|added|insert(ed)?|new/g],
  ["update", /updated|edit(ed)?|modified|changed?/g],
  ["delete", /deleted|removed?|trash(ed)?/g],
  ["submit", /submitted/g],
  ["complete", /completed|finished|done/g],
  ["reject", /rejected|declined?/g],
  ["sign", /signed|signingsuccess/g],
  ["request", /envelope|document/g],
];

/** Without case, separators and the product's choice of verb. */
function plainName(name: string): string {
  const words = name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
  return SYNONYMS.reduce((text, [word, others]) => text.replace(others, word), words);
}
