import { allows } from "./drift.ts";
import { ANY_KEY, type Observation } from "./observation.ts";
import { anyShape, type Field, type Shape } from "./shape.ts";

/** What a schema says, with what was seen beside it: more fields, more types, and what was left out is optional. */
export function withObserved(shape: Shape, seen: Observation): Shape {
  const isOnlyNull = seen.types.size === 1 && seen.types.has("null");
  if (shape.any) return seen.count === 0 || isOnlyNull ? anyShape : observedShape(seen);
  const types = [...seen.types.keys()].filter((word) => !allows(shape, word));
  const objects = seen.types.get("object") ?? 0;
  const known = [...shape.fields].map(([name, { shape: part, optional }]): [string, Field] => {
    const place = seen.fields.get(name);
    const isMissing = objects > (place?.count ?? 0);
    return [name, { shape: place === undefined ? part : withObserved(part, place), optional: optional || isMissing }];
  });
  const isMap = shape.rest?.any === false;
  const others = [...seen.fields]
    .filter(([name]) => !shape.fields.has(name) && name !== ANY_KEY && !isMap)
    .map(([name, place]): [string, Field] => [name, { shape: observedShape(place), optional: true }]);
  return {
    ...shape,
    types: new Set([...shape.types, ...types]),
    fields: new Map([...known, ...others]),
    rest: shape.rest ?? (objects > 0 && !shape.types.has("object") ? anyShape : undefined),
    element:
      seen.element === undefined
        ? shape.element
        : shape.element === undefined
          ? observedShape(seen.element)
          : withObserved(shape.element, seen.element),
  };
}

/** Of a place that no schema tells of. A field was there or not; that none is promised is for the caller to say. */
function observedShape(seen: Observation): Shape {
  const objects = seen.types.get("object") ?? 0;
  const named = [...seen.fields].filter(([name]) => name !== ANY_KEY);
  return {
    any: seen.count === 0 || (seen.types.size === 1 && seen.types.has("null")),
    types: new Set(seen.types.keys()),
    literals: [],
    fields: new Map(
      named.map(([name, place]) => [name, { shape: observedShape(place), optional: place.count < objects }]),
    ),
    rest: objects > 0 ? anyShape : undefined,
    element: seen.element === undefined ? undefined : observedShape(seen.element),
  };
}
