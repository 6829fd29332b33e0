import { isLongNumber } from "./json-text.ts";
import { type TypeWord, typeWord } from "./shape.ts";

/** Stands for the elements of an array in a path. */
export const ELEMENT = "[]";
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

export interface Observer {
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
export function placeText(path: readonly string[]): string {
  const text = path.reduce<string>((before, key) => {
    if (key === ELEMENT) return `${before}[]`;
    if (key !== ANY_KEY && !/^[\p{L}_$][\p{L}\p{N}_$-]*$/u.test(key)) return `${before}[${JSON.stringify(key)}]`;
    return before === "" ? key : `${before}.${key}`;
  }, "");
  return text === "" ? "the payload itself" : text;
}
