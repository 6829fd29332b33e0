import { nearest } from "../model/event-names.ts";
import { usageError } from "../util/errors.ts";

type Given = Readonly<Record<string, unknown>>;

/** Throws a usage error with the nearest name for a member that is not known. `place` completes "evnt is not …". */
export function requireKnown(given: Given, known: readonly string[], place: string): void {
  const stranger = Object.keys(given).find((name) => given[name] !== undefined && !known.includes(name));
  if (stranger === undefined) return;
  const takes = known.length === 0 ? "it takes none" : `it takes ${known.join(", ")}`;
  throw usageError(`${stranger} is not ${place}`, `${didYouMean(stranger, known)}${takes}`);
}

/** The member's value. Throws a usage error with the nearest one for another value. */
export function requireOneOf<Value extends string>(given: Given, name: string, values: readonly Value[]): Value {
  const value = given[name];
  const found = values.find((each) => each === value);
  if (found !== undefined) return found;
  if (value === undefined) throw usageError(`${name} is missing`, `one of ${values.join(", ")}`);
  const near = typeof value === "string" ? didYouMean(value, values) : "";
  throw usageError(`${name}: ${JSON.stringify(value)} is not one of ${values.join(", ")}`, near.trim() || undefined);
}

function didYouMean(word: string, names: readonly string[]): string {
  const [near] = nearest(word, names, 1);
  return near === undefined ? "" : `did you mean ${near}? `;
}
