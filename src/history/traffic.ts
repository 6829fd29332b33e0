import { headerValue } from "../delivery/delivery.ts";
import type { LogEntry } from "../log/log.ts";
import { findEvent, findFormat, findProduct } from "../model/event-names.ts";
import type { Product, WebhookEvent } from "../model/product.ts";
import { type TypeWord, typeWord } from "../model/schema.ts";
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
    const made: ObservedEvent = { product, format, name: match.name, event: match.event, observer: new Observer() };
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

  add(value: unknown): void {
    const word = typeWord(value);
    this.count++;
    this.types.set(word, (this.types.get(word) ?? 0) + 1);
    if (isLongNumber(value)) this.longNumbers++;
  }
}

/** Learns the shape of one event's payloads in bounded memory. */
export class Observer {
  readonly #root = new Place();
  #places = 1;
  #partial = false;

  get root(): Observation {
    return this.#root;
  }

  /** Whether anything exceeded the bounds. */
  isPartial(): boolean {
    return this.#partial;
  }

  observe(data: unknown): void {
    this.#observeAt(this.#root, data, 0);
  }

  #observeAt(place: Place, value: unknown, depth: number): void {
    place.add(value);
    if (Array.isArray(value)) this.#observeElements(place, value, depth);
    else if (typeof value === "object" && value !== null) this.#observeFields(place, value, depth);
  }

  #observeElements(place: Place, list: readonly unknown[], depth: number): void {
    if (list.length === 0) return;
    place.element ??= this.#newPlace(depth);
    if (place.element === undefined) return;
    for (const each of list) this.#observeAt(place.element, each, depth + 1);
  }

  /** Runs for every event: known names are looked up first, and no list of entries is made. */
  #observeFields(place: Place, object: object, depth: number): void {
    for (const key of Object.keys(object)) {
      const field = place.fields.get(key) ?? this.#newField(place, key, depth);
      if (field !== undefined) this.#observeAt(field, Reflect.get(object, key), depth + 1);
    }
  }

  #newField({ fields }: Place, key: string, depth: number): Place | undefined {
    const name = fieldName(key);
    const field = fields.get(name) ?? this.#newPlace(depth);
    if (field !== undefined) fields.set(name, field);
    return field;
  }

  #newPlace(depth: number): Place | undefined {
    if (this.#places < MAX_PLACES && depth < MAX_DEPTH) {
      this.#places++;
      return new Place();
    }
    this.#partial = true;
    return undefined;
  }
}

function fieldName(key: string): string {
  return /^\d{5}\d*$/.test(key) || key.includes("@") || key.length > MAX_NAME_LENGTH ? ANY_KEY : key;
}
