import { ExactNumber } from "./exact-number.ts";
import { FreshIds } from "./fresh-ids.ts";
import { FreshNumbers } from "./fresh-numbers.ts";
import { eventTime, movedTime } from "./fresh-times.ts";

/** A source of whole numbers from 0 to below `limit`. */
export type Random = (limit: number) => number;

/** The same numbers for the same seed, everywhere: mulberry32. Not for secrets. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4_294_967_296) * limit);
  };
}

/**
 * A sample as if it happened now, to a record that was not there before: the ids of the record, of its parts and of the
 * event replaced by new ones, the same everywhere they stand (also inside a URL), and its number with them. Those of
 * people, customers and configuration stay. Every time is shifted by the same amount, so that the event's own time is
 * `now` and intervals stay; without `now` times stay as they are.
 *
 * `own`: the ids of the records that the sample is about, which are new whatever name they stand under.
 */
export function freshen(data: unknown, random: Random, now: Date | undefined, own: readonly string[] = []): unknown {
  const ids = new FreshIds(own, random);
  const numbers = new FreshNumbers();
  visitScalars(data, (text, name, owner) => ids.see(text, name, owner));
  visitObjects(data, (members, holder) => numbers.see(members, holder, (id) => ids.isNew(id), random));
  const then = now === undefined ? undefined : eventTime(data);
  const shiftMs = now === undefined || then === undefined ? undefined : Math.floor(now.getTime() / 1000) * 1000 - then;
  const change = (text: string, name: string): string => {
    const moved = shiftMs === undefined ? undefined : movedTime(text, name, shiftMs);
    return moved ?? numbers.replace(ids.replace(text, name), name);
  };
  return withNewNames(mapScalars(data, change), ids);
}

/** `owner` is the member that holds the object in which the text stands. */
function visitScalars(
  value: unknown,
  visit: (text: string, name: string, owner: string) => void,
  name = "",
  owner = "",
): void {
  const text = scalarText(value);
  if (text !== undefined) visit(text, name, owner);
  else if (Array.isArray(value)) for (const each of value) visitScalars(each, visit, name, owner);
  else if (isObject(value)) for (const [key, each] of Object.entries(value)) visitScalars(each, visit, key, name);
}

/** `holder` is the object that another one lies in. */
function visitObjects(value: unknown, visit: (members: object, holder: object) => void, holder: object = {}): void {
  if (Array.isArray(value)) for (const each of value) visitObjects(each, visit, holder);
  if (!isObject(value)) return;
  visit(value, holder);
  for (const each of Object.values(value)) visitObjects(each, visit, value);
}

/** A record's id may also be a name: the changed fields of each record of a notification stand under it. */
function withNewNames(value: unknown, ids: FreshIds): unknown {
  if (Array.isArray(value)) return value.map((each) => withNewNames(each, ids));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [ids.nameOf(key), withNewNames(each, ids)]));
}

/** A number stays one. */
function mapScalars(value: unknown, change: (text: string, name: string) => string, name = ""): unknown {
  if (typeof value === "string") return change(value, name);
  if (value instanceof ExactNumber) return new ExactNumber(change(value.digits, name));
  if (Number.isSafeInteger(value)) return Number(change(String(value), name));
  if (Array.isArray(value)) return value.map((each) => mapScalars(each, change, name));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, mapScalars(each, change, key)]));
}

function scalarText(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  return value instanceof ExactNumber || Number.isSafeInteger(value) ? String(value) : undefined;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof ExactNumber);
}
