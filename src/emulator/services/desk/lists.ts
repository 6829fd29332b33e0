import type { Answer } from "../../answer.ts";
import { memberOf, textOf } from "../../state.ts";
import type { Data } from "../store.ts";
import { unprocessable } from "./answers.ts";
import type { DeskModule } from "./modules.ts";

/** Parameters that add members to the answer. */
export const EXPANDING = ["include", "fields"];

/** The page of a list that `from` and `limit` name. */
export function paged(rows: readonly Data[], query: URLSearchParams): Answer {
  const [from, limit] = [Number(query.get("from") ?? 0), Number(query.get("limit") ?? 25)];
  if (!(from >= 0 && limit >= 1 && limit <= 100))
    return unprocessable("The value passed for the 'from' or 'limit' query parameter is invalid.");
  // Its OpenAPI counts from 0, clients in production from 1: both find the first page, and then every next one.
  const first = from === 1 || (limit > 1 && from % limit === 1) ? from - 1 : from;
  const shown = rows.slice(first, first + limit);
  return shown.length === 0 ? { status: 204 } : { status: 200, body: { data: shown } };
}

/** Ascending, or with a `-` in front descending. */
export function sortedBy(rows: readonly Data[], order: string): readonly Data[] {
  const member = order.replace(/^-/, "");
  if (member === "" || !rows.some((row) => Object.hasOwn(row, member))) return rows;
  const sorted = rows.toSorted((a, b) => textOf(a[member]).localeCompare(textOf(b[member]), "en", { numeric: true }));
  return order.startsWith("-") ? sorted.reverse() : sorted;
}

/** Members that the search knows beside those that a client writes. */
const SEARCHED = ["ticketNumber", "id", "fullName"];

/** What a parameter of a search selects; undefined for one that is not modelled. */
export function criterionOf(module: DeskModule, name: string): ((row: Data, wanted: string) => boolean) | undefined {
  if (name === "_all") return (row, wanted) => Object.values(row).some((value) => matchesAny(value, wanted));
  const time = /^(\w+Time)Range$/.exec(name)?.[1];
  if (time !== undefined) return (row, wanted) => isWithin(row[time], wanted);
  if (/^customField\d$/.test(name)) return matchesCustomField;
  if (!Object.hasOwn(module.usual, name) && !SEARCHED.includes(name)) return undefined;
  return (row, wanted) => matchesAny(valueIn(row, name), wanted);
}

function valueIn(row: Data, member: string): unknown {
  return member === "fullName" ? [row.firstName, row.lastName].filter(Boolean).join(" ") : row[member];
}

/** `cf_name:value` */
function matchesCustomField({ cf }: Data, wanted: string): boolean {
  const [, name = "", value = ""] = /^([^:]+):(.*)$/s.exec(wanted) ?? [];
  return matchesAny(memberOf<unknown>(Object(cf), name), value);
}

/** Whether a value, or one of a list, is one of those between commas. `*` stands for anything, case does not count. */
export function matchesAny(value: unknown, wanted: string): boolean {
  const values = [value].flat().map((each) => textOf(each).toLowerCase());
  return wanted.split(",").some((each) => {
    const text = each.trim().toLowerCase();
    // biome-ignore lint/suspicious/noTemplateCurlyInString: as Desk writes it.
    if (text === "${empty}" || text === "unassigned") return values.includes("");
    // biome-ignore lint/suspicious/noTemplateCurlyInString: as Desk writes it.
    return text === "${notempty}" ? !values.includes("") : values.some((given) => isLike(given, text));
  });
}

function isLike(text: string, pattern: string): boolean {
  const [first = "", ...parts] = pattern.split("*");
  const last = parts.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first) || !text.endsWith(last)) return false;
  const end = text.length - last.length;
  let at = first.length;
  for (const part of parts) {
    const found = text.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return at <= end;
}

/** Whether a time lies between two that a comma separates. */
function isWithin(value: unknown, range: string): boolean {
  const [from = Number.NaN, to = Number.NaN] = range.split(",").map((each) => Date.parse(each));
  const at = Date.parse(textOf(value));
  return at >= from && at <= to;
}
