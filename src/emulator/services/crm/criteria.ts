import { errorAnswer, Refusal } from "../../answer.ts";
import { textOf } from "../../state.ts";

/** Whether a record matches; `read` reads one of its fields. */
export type Matcher = (read: (field: string) => unknown) => boolean;

/** Zoho documents ten conditions. */
const MAX_CONDITIONS = 10;
const MAX_DEPTH = 20;

/**
 * Reads search criteria such as `((Last_Name:equals:Burns) and (City:starts_with:N))`. Commas and brackets of a value have a
 * backslash in front. Throws a Refusal for invalid ones.
 */
export function parseCriteria(text: string): Matcher {
  let at = 0;
  let conditions = 0;
  /** Takes what comes next if it matches a sticky pattern. */
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const [found] = pattern.exec(text) ?? [];
    at += found?.length ?? 0;
    return found;
  };
  const group = (depth: number): Matcher => {
    if (take(/ *\( */y) === undefined) throw invalid("an opening bracket is missing");
    if (depth > MAX_DEPTH) throw invalid("too many brackets");
    const inner = text[at] === "(" ? list(depth + 1) : condition();
    if (take(/ *\)/y) === undefined) throw invalid("a closing bracket is missing");
    return inner;
  };
  /** Groups with `and` or `or` between them, from left to right. */
  const list = (depth: number): Matcher => {
    let left = group(depth);
    for (;;) {
      const word = take(/ *(?:and|or)(?= *\()/iy);
      if (word === undefined) return left;
      const [first, second] = [left, group(depth)];
      left = /and/i.test(word) ? (read) => first(read) && second(read) : (read) => first(read) || second(read);
    }
  };
  const condition = (): Matcher => {
    if (++conditions > MAX_CONDITIONS) throw invalid(`more than ${MAX_CONDITIONS} conditions`);
    return toMatcher(take(/(?:\\.|[^()\\])*/sy) ?? "");
  };
  const matcher = list(0);
  if (text.slice(at).trim() !== "") throw invalid("text behind the criteria");
  return matcher;
}

function toMatcher(text: string): Matcher {
  const [, field = "", operator = "", value = ""] = /^([\w.]+):(\w+):(.*)$/s.exec(text) ?? [];
  const compare = Object.hasOwn(OPERATORS, operator) ? OPERATORS[operator] : undefined;
  if (field === "") throw invalid("not a field, an operator and a value");
  if (compare === undefined) throw invalid("invalid operator found");
  const wanted = splitList(value).map(comparable);
  return (read) => [read(field)].flat().some((each) => compare(comparable(each), wanted));
}

export type Comparable = string | number;

// biome-ignore lint/suspicious/noTemplateCurlyInString: as Zoho writes it.
const EMPTY = "${empty}";
const is = (actual: Comparable, wanted: Comparable): boolean => actual === (wanted === EMPTY ? "" : wanted);

const OPERATORS: Readonly<Record<string, (actual: Comparable, wanted: readonly Comparable[]) => boolean>> = {
  equals: (actual, wanted) => wanted.length === 1 && is(actual, wanted[0] ?? ""),
  not_equal: (actual, wanted) => !wanted.some((each) => is(actual, each)),
  in: (actual, wanted) => wanted.some((each) => is(actual, each)),
  starts_with: (actual, [wanted = ""]) => String(actual).startsWith(String(wanted)),
  greater_than: (actual, [wanted]) => isSameType(actual, wanted) && actual > wanted,
  greater_equal: (actual, [wanted]) => isSameType(actual, wanted) && actual >= wanted,
  less_than: (actual, [wanted]) => isSameType(actual, wanted) && actual < wanted,
  less_equal: (actual, [wanted]) => isSameType(actual, wanted) && actual <= wanted,
  between: (actual, [from, to]) => isSameType(actual, from) && isSameType(actual, to) && actual >= from && actual <= to,
};

/** False for an empty value, and for one of another type: only values of one type have an order. */
export function isSameType(actual: Comparable, wanted: Comparable | undefined): wanted is Comparable {
  return actual !== "" && typeof actual === typeof wanted;
}

/** A value for comparison: text without regard to case; numbers and times as numbers; a lookup by its id. */
export function comparable(value: unknown): Comparable {
  if (typeof value === "object" && value !== null) return comparable("id" in value ? value.id : "");
  const text = textOf(value);
  if (/^\d{4}-\d\d-\d\d(T[\d:]+(Z|[+-]\d\d:\d\d))?$/.test(text)) return Date.parse(text);
  return /^-?\d{1,15}(\.\d+)?$/.test(text) ? Number(text) : text.toLowerCase();
}

/** The parts between commas, without the backslashes. */
function splitList(value: string): readonly string[] {
  return value.split(/(?<!\\),/).map((part) => part.replace(/\\(.)/gs, "$1"));
}

function invalid(reason: string): Refusal {
  return new Refusal(errorAnswer(400, "INVALID_QUERY", "Invalid query formed", { reason }));
}
