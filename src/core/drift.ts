import { ANY_KEY, ELEMENT, type Observation, placeText } from "./observation.ts";
import { type Shape, type TypeWord, typeWord } from "./shape.ts";

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
export interface Drift {
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
