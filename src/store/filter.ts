import type { SqlValue } from "./engine.ts";
import { FAILED_NUMBERS } from "./schema.ts";
import { anyContains, searchForms } from "./search-text.ts";
import { prefilterForms, type WhereClause } from "./where.ts";

/** Which deliveries of the log are meant. Every part that is given must fit. */
export interface LogFilter {
  readonly product?: string | undefined;
  /** Patterns such as `Leads.*` or `crm:Leads.*` (`eventPattern`); one of them must fit. */
  readonly events?: readonly string[] | undefined;
  /** The answer to the sender, both ends included: 400 to 499. */
  readonly status?: { readonly min: number; readonly max: number } | undefined;
  readonly since?: Date | undefined;
  /** Only those numbered higher: what came after the last look. */
  readonly after?: number | undefined;
  /** Given up on by at least one target. */
  readonly failed?: boolean | undefined;
  /** A proof failed, the schema was not met, or the body could not be read. */
  readonly invalid?: boolean | undefined;
  /** Text that stands in the body or the URL, case and all. */
  readonly search?: string | undefined;
  readonly where?: readonly WhereClause[] | undefined;
}

/** A part of a SQL WHERE over `deliveries`, with its values. */
export interface Condition {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

export interface EventKind {
  readonly product: string;
  readonly event: string;
}

/** Conditions that need no byte of any body. `kinds` are the events that the filter's patterns match. */
export function recordConditions(filter: LogFilter, kinds: readonly EventKind[] | undefined): readonly Condition[] {
  const conditions: Condition[] = [];
  const add = (sql: string, ...values: SqlValue[]): void => {
    conditions.push({ sql, values });
  };
  // The unary plus keeps an index from being used where walking by number, page by page, is what answers soonest.
  if (filter.product !== undefined) add("+product = ?", filter.product.toLowerCase());
  const [kind, ...others] = kinds ?? [];
  if (kinds !== undefined && kind === undefined) add("0");
  if (kind !== undefined && others.length === 0) add("product = ? AND event = ?", kind.product, kind.event);
  else if (kinds !== undefined && kind !== undefined) {
    const marks = kinds.map(() => "(?, ?)").join(", ");
    add(`(+product, +event) IN (VALUES ${marks})`, ...kinds.flatMap(({ product, event }) => [product, event]));
  }
  if (filter.status !== undefined) {
    const { min, max } = filter.status;
    add(min >= 300 ? "status >= 300 AND +status BETWEEN ? AND ?" : "+status BETWEEN ? AND ?", min, max);
  }
  // The first number is found by the time index; from there on the walk is by number.
  if (filter.since !== undefined) {
    const since = filter.since.getTime();
    add("n >= coalesce((SELECT min(+n) FROM deliveries WHERE received_at >= ?), 9e15)", since);
    add("+received_at >= ?", since);
  }
  if (filter.after !== undefined) add("n > ?", filter.after);
  if (filter.failed === true) add(`n IN (${FAILED_NUMBERS})`);
  if (filter.invalid === true) add("invalid = 1");
  return conditions;
}

/** Conditions that read bodies. Those of `where` let too much through: the last word has `matchesWhere`. */
export function contentConditions(filter: LogFilter): readonly Condition[] {
  const needed = (filter.where ?? []).flatMap(prefilterForms);
  if (filter.search !== undefined) needed.push(searchForms(filter.search));
  return needed.map((forms) => {
    const inBody = anyContains("body", forms);
    const inUrl = anyContains("CAST(url AS BLOB)", forms);
    return { sql: `(${inBody.sql} OR ${inUrl.sql})`, values: [...inBody.values, ...inUrl.values] };
  });
}
