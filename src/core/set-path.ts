import { usageError } from "./errors.ts";
import { nearest } from "./event-name.ts";
import { ExactNumber } from "./exact-number.ts";
import { DEEPEST } from "./json-text.ts";

/** One `--set path=value`. */
export interface Assignment {
  readonly path: readonly (string | number)[];
  readonly text: string;
  readonly value: unknown;
  /** What takes the place of a number: a long one that was typed is one there, too. */
  readonly asNumber: unknown;
}

/**
 * Reads `data.items[0].price=12.5`. The value is JSON where it is JSON (`12.5`, `true`, `null`, `{"a":1}`, `"12"`),
 * else text; a number that would lose digits is text, as most ids are, or one with all its digits where a number stood.
 * A key with a dot in it is written `["a.b"]`.
 */
export function parseAssignment(text: string): Assignment {
  const split = splitAssignment(text);
  if (split === undefined)
    throw usageError(
      `--set ${JSON.stringify(text)} has no value`,
      "write it as --set path=value, such as --set data.Email=me@example.com",
    );
  return { path: parsePath(split.path), text: split.path, ...parseValue(split.value) };
}

function splitAssignment(text: string): { path: string; value: string } | undefined {
  const at = /^(?:[^=[]|\[(?:"(?:[^"\\]|\\.)*"|[^\]]*)\])*/.exec(text)?.[0].length ?? 0;
  return at === 0 || text[at] !== "=" ? undefined : { path: text.slice(0, at), value: text.slice(at + 1) };
}

function parseValue(text: string): Pick<Assignment, "value" | "asNumber"> {
  try {
    const value: unknown = JSON.parse(text);
    // 4150868000000002179 and 1e999 as numbers of the language would be something else than what was typed.
    return typeof value === "number" && String(value) !== text && !/^-?\d+\.\d*0+$|^-?\d{1,15}(\.\d+)?$/.test(text)
      ? { value: text, asNumber: new ExactNumber(text.trim()) }
      : { value, asNumber: value };
  } catch {
    return { value: text, asNumber: text };
  }
}

/** Reads `data.items[0].price`. Throws a usage error for what is no path. */
export function parsePath(text: string): readonly (string | number)[] {
  const path: (string | number)[] = [];
  const token = /\.?([^.[\]]+)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/gy;
  while (token.lastIndex < text.length) {
    const match = token.exec(text);
    if (match === null) throw malformed(text);
    const [, name, index, quoted] = match;
    if (index !== undefined) path.push(Number(index));
    else path.push(quoted === undefined ? (name ?? "") : unquoted(quoted, text));
    if (path.length > DEEPEST) throw usageError(`the path is more than ${DEEPEST} levels deep, and no body is`);
  }
  return path;
}

function malformed(text: string): Error {
  return usageError(
    `the path ${JSON.stringify(text)} is malformed`,
    'write it as data.items[0].name, or ["a.b"] for a key with a dot',
  );
}

function unquoted(quoted: string, text: string): string {
  try {
    return JSON.parse(quoted) as string;
  } catch {
    throw malformed(text);
  }
}

/** A copy of the data with one value replaced. A path that is not there is an error unless `add` is set. */
export function assign(data: unknown, { path, text, value, asNumber }: Assignment, add: boolean): unknown {
  const set = (node: unknown, depth: number): unknown => {
    const key = path[depth];
    if (key === undefined) return typeof node === "number" || node instanceof ExactNumber ? asNumber : value;
    if (Array.isArray(node)) {
      const index = typeof key === "number" || /^\d+$/.test(key) ? Number(key) : Number.NaN;
      const there = index < node.length;
      if (!there && !(add && index === node.length)) throw notInList(text, String(key), node.length, add);
      return there
        ? node.map((each, i) => (i === index ? set(each, depth + 1) : each))
        : [...node, set(undefined, depth + 1)];
    }
    if (typeof node === "object" && node !== null) {
      const name = String(key);
      if (!Object.hasOwn(node, name) && !add) throw nothingThere(text, "sample", name, Object.keys(node));
      return { ...node, [name]: set(Reflect.get(node, name), depth + 1) };
    }
    if (node === undefined && add)
      return typeof key === "number" ? [set(undefined, depth + 1)] : { [key]: set(undefined, depth + 1) };
    throw nothingThere(text, "sample", String(key), []);
  };
  return set(data, 0);
}

/** Names enough to find the right one among. */
const MOST_KEYS = 12;

/** What is to be set is not there: which others are, or which one may be meant. */
export function nothingThere(path: string, where: "body" | "sample", key: string, keys: readonly string[]): Error {
  const [near] = nearest(key, keys, 1);
  const some = keys.length > MOST_KEYS ? [...keys.slice(0, MOST_KEYS), "…"] : keys;
  const there = keys.length === 0 ? "nothing is below it" : `there are: ${some.join(", ")}`;
  return usageError(
    `--set ${path}: there is no ${JSON.stringify(key)} in the ${where}`,
    near === undefined ? `${there}; to add a new one, use --add` : `did you mean ${near}? To add a new one, use --add`,
  );
}

function notInList(path: string, key: string, length: number, add: boolean): Error {
  const has = `the list has ${length === 0 ? "no entry" : length === 1 ? "one entry, 0" : `${length} entries, 0 to ${length - 1}`}`;
  return usageError(
    `--set ${path}: there is no ${JSON.stringify(key)} in the sample`,
    `${has}; ${add ? `a new one is ${length}` : `--add puts a new one in as ${length}`}`,
  );
}
