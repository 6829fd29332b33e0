import { type Delivery, headerValue } from "../body/delivery.ts";
import { isLongNumber } from "../util/json.ts";
import { findEvent, findFormat, findProduct } from "./event-names.ts";
import { SAMPLE_SENDER } from "./prepare.ts";
import type { Product, Verdict, WebhookEvent } from "./product.ts";
import { type Shape, schemaShape, type TypeWord, typeWord } from "./schema.ts";

/** A delivery as far as its event's shape is concerned. */
interface SeenDelivery {
  readonly n: number;
  readonly product: string | undefined;
  readonly format: string | undefined;
  readonly event: string | undefined;
  readonly known: boolean;
  readonly duplicateOf: number | undefined;
  readonly verdicts: readonly Pick<Verdict, "verdict">[];
  /** The payload's data; asked for only when the delivery counts. */
  data(): unknown;
  readonly delivery: Delivery;
}

/** What has come of one event, under its own name: `Invoices.create` of the family `<Module>.create`. */
export interface ObservedEvent {
  readonly product: string;
  readonly format: string;
  readonly name: string;
  readonly event: WebhookEvent;
  readonly deliveries: number;
  readonly observation: Observation;
  /** There was more to it than is held. */
  readonly partial: boolean;
  /** The delivery that says most; undefined unless samples were asked for. */
  readonly sample: { readonly n: number; readonly delivery: Delivery } | undefined;
}

export interface EventDrift extends Drift {
  readonly product: string;
  readonly format: string;
  readonly event: string;
  readonly deliveries: number;
  readonly partial: boolean;
}

export interface Traffic {
  /** Leaves out what is no traffic of Zoho's as far as can be told: unknown events, repeats, failed proofs, samples. */
  add(seen: SeenDelivery): void;
  events(): readonly ObservedEvent[];
  /** How many deliveries were of events past the number that are held. */
  overlooked(): number;
}

interface Held {
  readonly product: string;
  readonly format: string;
  readonly name: string;
  readonly event: WebhookEvent;
  readonly observer: Observer;
  sample: ObservedEvent["sample"];
}

const MOST_EVENTS = 300;
const LARGEST_SAMPLE_BYTES = 256 * 1024;

/** What comes of each event, in bounded memory; with `samples` one delivery of each is held too. */
export function createTraffic(products: readonly Product[], { samples = false } = {}): Traffic {
  const held = new Map<string, Held>();
  let overlooked = 0;

  const eventOf = ({ product: id, format: formatId, event: name }: SeenDelivery): Held | undefined => {
    const key = `${id} ${formatId} ${name}`;
    const known = held.get(key);
    if (known !== undefined || id === undefined || formatId === undefined || name === undefined) return known;
    const product = findProduct(products, id);
    const format = product === undefined ? undefined : findFormat(product, formatId);
    const match = format === undefined ? undefined : findEvent(format, name);
    if (match === undefined) return undefined;
    if (held.size >= MOST_EVENTS) {
      overlooked++;
      return undefined;
    }
    const made: Held = {
      product: id,
      format: formatId,
      name: match.name,
      event: match.event,
      observer: createObserver(),
      sample: undefined,
    };
    held.set(key, made);
    return made;
  };
  return {
    add(seen) {
      if (!seen.known || seen.duplicateOf !== undefined) return;
      if (seen.verdicts.some(({ verdict }) => verdict === "failed")) return;
      // Our own samples show what their makers knew, not what Zoho sends.
      if (headerValue(seen.delivery, "user-agent") === SAMPLE_SENDER) return;
      const of = eventOf(seen);
      if (of === undefined) return;
      of.observer.observe(seen.data());
      const { n, delivery } = seen;
      if (!samples || delivery.body.length > LARGEST_SAMPLE_BYTES) return;
      if (delivery.body.length > (of.sample?.delivery.body.length ?? -1)) of.sample = { n, delivery };
    },
    events: () =>
      [...held.values()].map(({ observer, ...rest }) => ({
        ...rest,
        deliveries: observer.root.count,
        observation: observer.root,
        partial: observer.isPartial(),
      })),
    overlooked: () => overlooked,
  };
}

/** An event whose fields are a user's own choice has none that the schema could lack. */
export function driftOf(seen: ObservedEvent): EventDrift {
  const { product, format, name, event, deliveries, partial, observation } = seen;
  const drift = findDrift(schemaShape(event.schema), observation);
  return { product, format, event: name, deliveries, partial, ...drift, ...(event.open ? { unknown: [] } : {}) };
}

/** Something came that the schema has not, or otherwise than it has it. Fields that have yet to come prove nothing. */
export function hasDrifted({ unknown, conflicts }: Drift): boolean {
  return unknown.length > 0 || conflicts.length > 0;
}

export function typesText(types: readonly string[]): string {
  return types.join(" or ");
}

/** A field that came and that the schema does not have. What lies below it is not listed again. */
interface UnknownField {
  readonly path: string;
  readonly types: readonly TypeWord[];
  /** How often it came. */
  readonly count: number;
}

/** A field that the schema leaves open and that never came, though what it belongs to did. */
interface UnseenField {
  readonly path: string;
  readonly expected: string;
}

/** A field that came otherwise than the schema says, or did not come where it must. */
interface TypeConflict {
  readonly path: string;
  readonly expected: string;
  /** A type, or `nothing`. */
  readonly seen: string;
  readonly count: number;
}

/** In what real traffic and a schema differ. */
interface Drift {
  readonly unknown: readonly UnknownField[];
  readonly unseen: readonly UnseenField[];
  readonly conflicts: readonly TypeConflict[];
}

/** Compares what was seen with what the schema says. Paths have `[]` for each element of an array. */
export function findDrift(shape: Shape, root: Observation): Drift {
  const unknown: UnknownField[] = [];
  const unseen: UnseenField[] = [];
  const conflicts: TypeConflict[] = [];

  const compare = (path: readonly string[], expected: Shape, seen: Observation): void => {
    if (expected.any) return;
    for (const [word, times] of seen.types) {
      const count = word === "string" && allows(expected, "number") ? times - seen.longNumbers : times;
      if (!allows(expected, word) && count > 0) {
        conflicts.push({ path: placeText(path), expected: shapeText(expected), seen: word, count });
      }
    }
    if (expected.element !== undefined && seen.element !== undefined) {
      compare([...path, ELEMENT], expected.element, seen.element);
    }
    if (expected.types.has("object")) compareFields(path, expected, seen);
  };
  const compareFields = (path: readonly string[], expected: Shape, seen: Observation): void => {
    const objects = seen.types.get("object") ?? 0;
    if (objects === 0) return;
    for (const [name, part] of seen.fields) {
      const field = expected.fields.get(name);
      const shape = field?.shape ?? (expected.rest?.any === false ? expected.rest : undefined);
      if (shape !== undefined) compare([...path, name], shape, part);
      else unknown.push({ path: placeText([...path, name]), types: [...part.types.keys()], count: part.count });
    }
    // Which fields stand under names that are data is not held, so none can be called missing.
    if (seen.fields.has(ANY_KEY)) return;
    for (const [name, { shape, optional }] of expected.fields) {
      const missing = objects - (seen.fields.get(name)?.count ?? 0);
      const at = placeText([...path, name]);
      if (!optional && missing > 0) {
        conflicts.push({ path: at, expected: shapeText(shape), seen: "nothing", count: missing });
      } else if (optional && missing === objects) unseen.push({ path: at, expected: shapeText(shape) });
    }
  };
  compare([], shape, root);
  return { unknown, unseen, conflicts };
}

export function allows({ any, types, literals }: Shape, word: TypeWord): boolean {
  return any || types.has(word) || literals.some((value) => typeWord(value) === word);
}

/** `string or null`, `"Leads"`. */
function shapeText({ any, types, literals }: Shape): string {
  if (any) return "anything";
  return [...literals.map((value) => JSON.stringify(value)), ...types].join(" or ");
}

/** Stands for the elements of an array in a path. */
const ELEMENT = "[]";
/** Stands for every field whose name is itself data, such as a record's id or an address. */
export const ANY_KEY = "*";

/** What has been seen in one place of an event's payloads. Types and counts only: no value is held. */
export interface Observation {
  /** How often there was a value here. */
  readonly count: number;
  readonly types: ReadonlyMap<TypeWord, number>;
  /** How many of the strings may be numbers too long for a JavaScript number. */
  readonly longNumbers: number;
  /** Of the objects that were here. */
  readonly fields: ReadonlyMap<string, Observation>;
  /** Of the arrays that were here. */
  readonly element: Observation | undefined;
}

interface Observer {
  readonly root: Observation;
  /** True when there was more than is held: what is told is then not all. */
  isPartial(): boolean;
  observe(data: unknown): void;
}

/** Names for one event, and how deep they may lie: far more than any of Zoho's payloads, and bounded for any other. */
const MOST_PLACES = 2000;
const DEEPEST = 32;
const LONGEST_NAME = 200;

interface Place {
  count: number;
  types: Map<TypeWord, number>;
  longNumbers: number;
  fields: Map<string, Place>;
  element: Place | undefined;
}

/** Learns the shape of one event's payloads, however many there are, in bounded memory. */
export function createObserver(): Observer {
  const root = newPlace();
  let places = 1;
  let partial = false;

  const claim = (depth: number): Place | undefined => {
    if (places < MOST_PLACES && depth < DEEPEST) {
      places++;
      return newPlace();
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
      // Of every event: no list of pairs is made for it, and a name that is known is not looked at again.
      for (const key of Object.keys(value)) {
        const inner = place.fields.get(key) ?? newField(place, key, depth);
        if (inner !== undefined) see(inner, Reflect.get(value, key), depth + 1);
      }
    }
  };
  return { root, isPartial: () => partial, observe: (data) => see(root, data, 0) };
}

function newPlace(): Place {
  return { count: 0, types: new Map(), longNumbers: 0, fields: new Map(), element: undefined };
}

function fieldName(key: string): string {
  return /^\d{5,}$/.test(key) || key.includes("@") || key.length > LONGEST_NAME ? ANY_KEY : key;
}

/** The path for people: `data.lines[].tax`; names that are no words are quoted. */
function placeText(path: readonly string[]): string {
  const text = path.reduce<string>((before, key) => {
    if (key === ELEMENT) return `${before}[]`;
    if (key !== ANY_KEY && !/^[\p{L}_$][\p{L}\p{N}_$-]*$/u.test(key)) return `${before}[${JSON.stringify(key)}]`;
    return before === "" ? key : `${before}.${key}`;
  }, "");
  return text === "" ? "the payload itself" : text;
}
