import { isRecord } from "../../../util/json.ts";
import { textOf } from "../../state.ts";
import type { Data } from "../store.ts";
import type { FinanceModule } from "./modules.ts";

/** Documented parameters of lists that narrow them, and that only Books knows. */
export const UNMODELLED = [
  "address",
  "custom_field",
  "tax_id",
  "is_taxable",
  "tax_name",
  "account_id",
  "account_name",
  "item_id",
  "item_name",
  "item_description",
  "recurring_invoice_id",
  "zcrm_contact_id",
  "zcrm_account_id",
  "zcrm_vendor_id",
  "zcrm_potential_id",
  "project_id",
  "currency_id",
  "placeofsupply",
  "cf",
];

type Compare = (value: string, wanted: string) => boolean;
const order = (compare: (difference: number) => boolean): Compare => {
  const difference = (value: string, wanted: string): number =>
    Number.isNaN(Number(value) - Number(wanted)) ? value.localeCompare(wanted) : Number(value) - Number(wanted);
  return (value, wanted) => value !== "" && compare(difference(value, wanted));
};

/** Variants of a parameter: `total_less_than`, `date_start`. */
const SUFFIXES: Readonly<Record<string, Compare>> = {
  "": (value, wanted) => value === wanted,
  _startswith: (value, wanted) => value.startsWith(wanted),
  _contains: (value, wanted) => value.includes(wanted),
  _less_than: order((difference) => difference < 0),
  _less_equals: order((difference) => difference <= 0),
  _greater_than: order((difference) => difference > 0),
  _greater_equals: order((difference) => difference >= 0),
  _start: order((difference) => difference >= 0),
  _end: order((difference) => difference <= 0),
  _before: order((difference) => difference < 0),
  _after: order((difference) => difference > 0),
};

export const OWN_PARAMETERS = ["organization_id", "page", "per_page", "sort_column", "sort_order", "response_option"];
/** What a parameter of a list selects, such as `contact_name`, `total_less_than`, `search_text` or `filter_by`. */
export function filterOf(
  module: FinanceModule,
  name: string,
  query: URLSearchParams,
): ((row: Data, wanted: string) => boolean) | undefined {
  if (name === "search_text")
    return (row, wanted) =>
      Object.values(row).some((value) => textOf(value).toLowerCase().includes(wanted.toLowerCase()));
  if (name === "last_modified_time") return (row, wanted) => Date.parse(textOf(row[name])) >= Date.parse(wanted);
  if (name === "filter_by") {
    const status = /^Status\.(\w+)$/.exec(query.get(name) ?? "")?.[1]?.toLowerCase();
    return status === undefined ? undefined : (row) => status === "all" || textOf(row.status) === status;
  }
  const member = module.filters.find(
    (each) => name.startsWith(each) && Object.hasOwn(SUFFIXES, name.slice(each.length)),
  );
  const compare = SUFFIXES[name.slice(member?.length)];
  if (member === undefined || compare === undefined) return undefined;
  return (row, wanted) => valuesOf(row, member).some((value) => compare(value.toLowerCase(), wanted.toLowerCase()));
}

/** The email address and the phone of a contact may be those of its persons. */
function valuesOf(row: Data, member: string): readonly string[] {
  const persons = Array.isArray(row.contact_persons) ? row.contact_persons : [];
  return [row, ...persons.filter(isRecord)].map((each) => textOf(each[member]));
}

/** By `sort_column`; `sort_order` is `A` or `D`. */
export function sorted(rows: readonly Data[], query: URLSearchParams): readonly Data[] {
  const column = query.get("sort_column") ?? "";
  if (!rows.some((row) => Object.hasOwn(row, column))) return rows;
  const ordered = rows.toSorted((a, b) => textOf(a[column]).localeCompare(textOf(b[column]), "en", { numeric: true }));
  return query.get("sort_order") === "D" ? ordered.reverse() : ordered;
}
