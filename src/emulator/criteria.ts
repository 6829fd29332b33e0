import { textOf } from "./state.ts";

/** Whether a record matches; `read` reads one of its fields. */
export type Matcher = (read: (field: string) => unknown) => boolean;

/** Zoho documents ten conditions. */
const MAX_CONDITIONS = 10;
const MAX_DEPTH = 20;

/**
 * Reads search criteria such as `((Last_Name:equals:Burns) and (City:starts_with:N))`. Commas and brackets of a value have a
 * backslash in front. Returns why they are invalid as text.
 */
export function parseCriteria(text: string): Matcher | string {
  let at = 0;
  let conditions = 0;
  const skip = (): void => {
    while (text[at] === " ") at++;
  };
  const group = (depth: number): Matcher | string => {
    skip();
    if (text[at] !== "(") return "an opening bracket is missing";
    if (depth > MAX_DEPTH) return "too many brackets";
    at++;
    skip();
    const inner = text[at] === "(" ? list(depth + 1) : condition();
    if (typeof inner === "string") return inner;
    skip();
    return text[at++] === ")" ? inner : "a closing bracket is missing";
  };
  /** Groups with `and` or `or` between them, from left to right. */
  const list = (depth: number): Matcher | string => {
    let left = group(depth);
    for (;;) {
      if (typeof left === "string") return left;
      const [found, word = ""] = /^ *(and|or)(?= *\()/i.exec(text.slice(at, at + 50)) ?? [];
      if (found === undefined) return left;
      at += found.length;
      const [first, second] = [left, group(depth)];
      if (typeof second === "string") return second;
      left =
        word.toLowerCase() === "and" ? (read) => first(read) && second(read) : (read) => first(read) || second(read);
    }
  };
  const condition = (): Matcher | string => {
    if (++conditions > MAX_CONDITIONS) return `more than ${MAX_CONDITIONS} conditions`;
    const start = at;
    while (at < text.length && text[at] !== ")" && text[at] !== "(") at += text[at] === "\\" ? 2 : 1;
    return toMatcher(text.slice(start, at));
  };
  const matcher = list(0);
  skip();
  return typeof matcher === "string" || at >= text.length ? matcher : "text behind the criteria";
}

function toMatcher(text: string): Matcher | string {
  const [, field = "", operator = "", value = ""] = /^([\w.]+):(\w+):(.*)$/s.exec(text) ?? [];
  const compare = Object.hasOwn(OPERATORS, operator) ? OPERATORS[operator] : undefined;
  if (field === "") return "not a field, an operator and a value";
  if (compare === undefined) return "invalid operator found";
  const wanted = splitList(value).map(comparable);
  return (read) => {
    const actual = read(field);
    const all = Array.isArray(actual) ? actual : [actual];
    return all.some((each) => compare(comparable(each), wanted));
  };
}

type Comparable = string | number;

// biome-ignore lint/suspicious/noTemplateCurlyInString: as Zoho writes it.
const EMPTY = "${empty}";
const is = (actual: Comparable, wanted: Comparable): boolean => actual === (wanted === EMPTY ? "" : wanted);

const OPERATORS: Readonly<Record<string, (actual: Comparable, wanted: readonly Comparable[]) => boolean>> = {
  equals: (actual, wanted) => wanted.length === 1 && is(actual, wanted[0] ?? ""),
  not_equal: (actual, wanted) => !wanted.some((each) => is(actual, each)),
  in: (actual, wanted) => wanted.some((each) => is(actual, each)),
  starts_with: (actual, [wanted = ""]) => String(actual).startsWith(String(wanted)),
  greater_than: (actual, [wanted]) => ordered(actual, wanted, (order) => order > 0),
  greater_equal: (actual, [wanted]) => ordered(actual, wanted, (order) => order >= 0),
  less_than: (actual, [wanted]) => ordered(actual, wanted, (order) => order < 0),
  less_equal: (actual, [wanted]) => ordered(actual, wanted, (order) => order <= 0),
  between: (actual, [from, to]) =>
    ordered(actual, from, (order) => order >= 0) && ordered(actual, to, (order) => order <= 0),
};

/** False for an empty value, and for one of another type. */
function ordered(actual: Comparable, wanted: Comparable | undefined, is: (order: number) => boolean): boolean {
  if (actual === "" || typeof actual !== typeof wanted || wanted === undefined) return false;
  return is(actual < wanted ? -1 : actual > wanted ? 1 : 0);
}

/** Text without regard to case; numbers and times as numbers; a lookup by its id. */
function comparable(value: unknown): Comparable {
  if (typeof value === "object" && value !== null) return comparable("id" in value ? value.id : "");
  const text = textOf(value);
  if (/^\d{4}-\d\d-\d\d(T[\d:]+(Z|[+-]\d\d:\d\d))?$/.test(text)) return Date.parse(text);
  return /^-?\d{1,15}(\.\d+)?$/.test(text) ? Number(text) : text.toLowerCase();
}

/** The parts between commas, without the backslashes. */
function splitList(value: string): readonly string[] {
  return value.split(/(?<!\\),/).map((part) => part.replace(/\\(.)/gs, "$1"));
}
