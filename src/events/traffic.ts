import { findEvent, findFormat, findProduct } from "../contract/event-names.ts";
import type { Product, WebhookEvent } from "../contract/product.ts";
import { type TypeWord, typeWord } from "../contract/schema.ts";
import { headerValue } from "../delivery/delivery.ts";
import type { LogEntry } from "../log/log.ts";
import type { FixtureKey } from "../samples/fixtures.ts";
import { SAMPLE_SENDER } from "../samples/prepare.ts";
import { isLongNumber } from "../util/json.ts";

type SeenDelivery = Pick<
  LogEntry,
  "n" | "product" | "format" | "event" | "known" | "duplicateOf" | "verdicts" | "delivery"
>;

/** The observed payloads of one event, under its concrete name: `Invoices.create` of the family `<Module>.create`. */
export interface ObservedEvent extends FixtureKey {
  readonly event: WebhookEvent;
  readonly observer: Observer;
}

export type Traffic = ReturnType<typeof createTraffic>;

const MAX_EVENTS = 300;

/** Observes the payloads of each event in bounded memory. */
export function createTraffic(products: readonly Product[]) {
  const observed = new Map<string, ObservedEvent>();
  let overlooked = 0;

  const observedEvent = ({ product: id = "", format: formatId = "", event = "" }: SeenDelivery) => {
    const key = `${id} ${formatId} ${event}`;
    const known = observed.get(key);
    if (known !== undefined) return known;
    const product = findProduct(products, id);
    const format = product && findFormat(product, formatId);
    const match = format && findEvent(format, event);
    if (product === undefined || format === undefined || match === undefined) return undefined;
    if (observed.size >= MAX_EVENTS) {
      overlooked++;
      return undefined;
    }
    const made: ObservedEvent = { product, format, name: match.name, event: match.event, observer: createObserver() };
    observed.set(key, made);
    return made;
  };
  return {
    /** Ignores deliveries that may not be Zoho's: unknown events, repeats, failed proofs, our own samples. */
    add(seen: SeenDelivery, readData: () => unknown): void {
      if (!seen.known || seen.duplicateOf !== undefined) return;
      if (seen.verdicts.some(({ verdict }) => verdict === "failed")) return;
      if (headerValue(seen.delivery, "user-agent") === SAMPLE_SENDER) return;
      observedEvent(seen)?.observer.observe(readData());
    },
    events: (): readonly ObservedEvent[] => [...observed.values()],
    /** The number of deliveries of events beyond `MAX_EVENTS`. */
    overlooked: (): number => overlooked,
  };
}

/** The elements of an array in a path. */
export const ELEMENT = "[]";
/** All fields whose names are data, such as record ids or addresses. */
export const ANY_KEY = "*";

/** The types and counts observed in one place of an event's payloads; no values. */
export interface Observation {
  readonly count: number;
  readonly types: ReadonlyMap<TypeWord, number>;
  /** Strings that may be numbers too long for JavaScript. */
  readonly longNumbers: number;
  readonly fields: ReadonlyMap<string, Observation>;
  readonly element: Observation | undefined;
}

/** Bounds for one event, far beyond any of Zoho's payloads. */
const MAX_PLACES = 2000;
const MAX_DEPTH = 32;
const MAX_NAME_LENGTH = 200;

class Place implements Observation {
  count = 0;
  readonly types = new Map<TypeWord, number>();
  longNumbers = 0;
  readonly fields = new Map<string, Place>();
  element: Place | undefined;
}

type Observer = ReturnType<typeof createObserver>;

/** Learns the shape of one event's payloads in bounded memory. */
export function createObserver() {
  const root = new Place();
  let places = 1;
  let partial = false;

  const claim = (depth: number): Place | undefined => {
    if (places < MAX_PLACES && depth < MAX_DEPTH) {
      places++;
      return new Place();
    }
    partial = true;
    return undefined;
  };
  const newField = ({ fields }: Place, key: string, depth: number): Place | undefined => {
    const name = fieldName(key);
    const field = fields.get(name) ?? claim(depth);
    if (field !== undefined) fields.set(name, field);
    return field;
  };
  const see = (place: Place, value: unknown, depth: number): void => {
    const word = typeWord(value);
    place.count++;
    place.types.set(word, (place.types.get(word) ?? 0) + 1);
    if (isLongNumber(value)) place.longNumbers++;
    if (Array.isArray(value)) {
      if (value.length === 0) return;
      place.element ??= claim(depth);
      for (const each of value) if (place.element !== undefined) see(place.element, each, depth + 1);
    } else if (typeof value === "object" && value !== null) {
      // Runs for every event: known names are looked up first, and no list of entries is made.
      for (const key of Object.keys(value)) {
        const inner = place.fields.get(key) ?? newField(place, key, depth);
        if (inner !== undefined) see(inner, Reflect.get(value, key), depth + 1);
      }
    }
  };
  return {
    root: root as Observation,
    /** Whether anything exceeded the bounds. */
    isPartial: () => partial,
    observe: (data: unknown) => see(root, data, 0),
  };
}

function fieldName(key: string): string {
  return /^\d{5}\d*$/.test(key) || key.includes("@") || key.length > MAX_NAME_LENGTH ? ANY_KEY : key;
}
