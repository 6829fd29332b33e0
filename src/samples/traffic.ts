import { findEvent, findFormat, findProduct } from "../contract/event-names.ts";
import { SAMPLE_SENDER } from "../contract/prepare.ts";
import type { Product, Verdict, WebhookEvent } from "../contract/product.ts";
import { type Shape, schemaShape, type TypeWord, typeWord } from "../contract/schema.ts";
import { type Delivery, headerValue } from "../delivery/delivery.ts";
import { isLongNumber } from "../util/json.ts";

/** The parts of a delivery that matter here. */
interface SeenDelivery {
  readonly n: number;
  readonly product: string | undefined;
  readonly format: string | undefined;
  readonly event: string | undefined;
  readonly known: boolean;
  readonly duplicateOf: number | undefined;
  readonly verdicts: readonly Verdict[];
  /** The payload's data; called only when the delivery counts. */
  data(): unknown;
  readonly delivery: Delivery;
}

/** The observed payloads of one event, under its concrete name: `Invoices.create` of the family `<Module>.create`. */
export interface ObservedEvent {
  readonly product: string;
  readonly format: string;
  readonly name: string;
  readonly event: WebhookEvent;
  readonly deliveries: number;
  readonly observation: Observation;
  /** Some of it exceeded the bounds. */
  readonly partial: boolean;
  /** The longest delivery; undefined unless samples were requested. */
  readonly sample: Pick<SeenDelivery, "n" | "delivery" | "verdicts"> | undefined;
}

interface Observed extends Pick<ObservedEvent, "product" | "format" | "name" | "event"> {
  readonly observer: ReturnType<typeof createObserver>;
  sample: ObservedEvent["sample"];
}

export type Traffic = ReturnType<typeof createTraffic>;

const MAX_EVENTS = 300;
const MAX_SAMPLE_BYTES = 256 * 1024;

/** Observes the payloads of each event in bounded memory; with `samples` also keeps one delivery of each. */
export function createTraffic(products: readonly Product[], { samples = false } = {}) {
  const observed = new Map<string, Observed>();
  let overlooked = 0;

  const observedEvent = ({ product: id, format: formatId, event: name }: SeenDelivery): Observed | undefined => {
    const key = `${id} ${formatId} ${name}`;
    const known = observed.get(key);
    if (known !== undefined || id === undefined || formatId === undefined || name === undefined) return known;
    const product = findProduct(products, id);
    const format = product === undefined ? undefined : findFormat(product, formatId);
    const match = format === undefined ? undefined : findEvent(format, name);
    if (match === undefined) return undefined;
    if (observed.size >= MAX_EVENTS) {
      overlooked++;
      return undefined;
    }
    const made: Observed = { product: id, format: formatId, ...match, observer: createObserver(), sample: undefined };
    observed.set(key, made);
    return made;
  };
  return {
    /** Ignores deliveries that may not be Zoho's: unknown events, repeats, failed proofs, our own samples. */
    add(seen: SeenDelivery): void {
      if (!seen.known || seen.duplicateOf !== undefined) return;
      if (seen.verdicts.some(({ verdict }) => verdict === "failed")) return;
      if (headerValue(seen.delivery, "user-agent") === SAMPLE_SENDER) return;
      const of = observedEvent(seen);
      if (of === undefined) return;
      of.observer.observe(seen.data());
      const { n, delivery, verdicts } = seen;
      if (!samples || delivery.body.length > MAX_SAMPLE_BYTES) return;
      if (delivery.body.length > (of.sample?.delivery.body.length ?? -1)) of.sample = { n, delivery, verdicts };
    },
    events: (): readonly ObservedEvent[] =>
      [...observed.values()].map(({ observer, ...rest }) => ({
        ...rest,
        deliveries: observer.root.count,
        observation: observer.root,
        partial: observer.isPartial(),
      })),
    /** The number of deliveries of events beyond `MAX_EVENTS`. */
    overlooked: (): number => overlooked,
  };
}

export interface EventDrift extends Drift {
  readonly product: string;
  readonly format: string;
  readonly event: string;
  readonly deliveries: number;
  readonly partial: boolean;
}

/** Compares one event with its schema. Where users choose the fields, none is unknown. */
export function driftOf(seen: ObservedEvent): EventDrift {
  const { product, format, name, event, deliveries, partial, observation } = seen;
  const drift = findDrift(schemaShape(event.schema), observation);
  return { product, format, event: name, deliveries, partial, ...drift, ...(event.open ? { unknown: [] } : {}) };
}

/** Unseen optional fields are no drift. */
export function hasDrifted({ unknown, conflicts }: Drift): boolean {
  return unknown.length > 0 || conflicts.length > 0;
}

export function typesText(types: readonly string[]): string {
  return types.join(" or ");
}

/** The differences between traffic and a schema. */
interface Drift {
  /** Fields that the schema does not have. Those below them are not listed. */
  readonly unknown: readonly { readonly path: string; readonly types: readonly TypeWord[]; readonly count: number }[];
  /** Optional fields that never came, though their parents did. */
  readonly unseen: readonly { readonly path: string; readonly expected: string }[];
  /** Fields of another type, and missing required ones, which are `seen` as `nothing`. */
  readonly conflicts: readonly {
    readonly path: string;
    readonly expected: string;
    readonly seen: string;
    readonly count: number;
  }[];
}

/** Paths have `[]` for the elements of an array. */
export function findDrift(shape: Shape, root: Observation): Drift {
  const unknown: Drift["unknown"][number][] = [];
  const unseen: Drift["unseen"][number][] = [];
  const conflicts: Drift["conflicts"][number][] = [];

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
    // Names that are data are not recorded one by one, so none can be reported as missing.
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

/** The elements of an array in a path. */
const ELEMENT = "[]";
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

interface Place extends Observation {
  count: number;
  types: Map<TypeWord, number>;
  longNumbers: number;
  fields: Map<string, Place>;
  element: Place | undefined;
}

/** Learns the shape of one event's payloads in bounded memory. */
export function createObserver() {
  const root = newPlace();
  let places = 1;
  let partial = false;

  const claim = (depth: number): Place | undefined => {
    if (places < MAX_PLACES && depth < MAX_DEPTH) {
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

function newPlace(): Place {
  return { count: 0, types: new Map(), longNumbers: 0, fields: new Map(), element: undefined };
}

function fieldName(key: string): string {
  return /^\d{5,}$/.test(key) || key.includes("@") || key.length > MAX_NAME_LENGTH ? ANY_KEY : key;
}

/** `data.lines[].tax`; names that are not words are quoted. */
function placeText(path: readonly string[]): string {
  const text = path.reduce<string>((before, key) => {
    if (key === ELEMENT) return `${before}[]`;
    if (key !== ANY_KEY && !/^[\p{L}_$][\p{L}\p{N}_$-]*$/u.test(key)) return `${before}[${JSON.stringify(key)}]`;
    return before === "" ? key : `${before}.${key}`;
  }, "");
  return text === "" ? "the payload itself" : text;
}
