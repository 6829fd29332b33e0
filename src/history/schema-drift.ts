import { type Shape, schemaShape, type TypeWord, typeWord } from "../model/schema.ts";
import type { DriftLine } from "./lines.ts";
import { ANY_KEY, ELEMENT, type Observation, type ObservedEvent } from "./traffic.ts";

/** The differences between traffic and a schema. Fields below an unknown one are not listed. */
type Drift = Pick<DriftLine, "unknown" | "unseen" | "conflicts">;

/** Compares one event with its schema. Where users choose the fields, none is unknown. */
export function driftOf({ product, format, name, event, observer }: ObservedEvent): DriftLine {
  const drift = findDrift(schemaShape(event.schema), observer.root);
  const counts = { deliveries: observer.root.count, partial: observer.isPartial() };
  const unknown = event.open ? [] : drift.unknown;
  return { type: "drift", product: product.id, format: format.id, event: name, ...counts, ...drift, unknown };
}

/** Unseen optional fields are no drift. */
export function hasDrifted({ unknown, conflicts }: Drift): boolean {
  return unknown.length > 0 || conflicts.length > 0;
}

export function typesText(types: readonly string[]): string {
  return types.join(" or ");
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
      const at = { path: placeText([...path, name]), expected: shapeText(shape) };
      if (!optional && missing > 0) conflicts.push({ ...at, seen: "nothing", count: missing });
      else if (optional && missing === objects) unseen.push(at);
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
  return any ? "anything" : typesText([...literals.map((value) => JSON.stringify(value)), ...types]);
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
