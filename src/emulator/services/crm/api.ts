import {
  type Answer,
  type ApiError,
  defaultWording,
  errorAnswer,
  errorBody,
  Refusal,
  type Result,
} from "../../answer.ts";
import { allows } from "../../scopes.ts";

const MAX_LISTED = 200;
const SCOPES: Readonly<Record<string, string>> = { crm: "ZohoCRM", bigin: "ZohoBigin", recruit: "ZohoRecruit" };
/** The organisation's offset, in which Zoho answers. */
const OFFSET_MS = 330 * 60_000;

/** Whether scopes allow a method for a resource of CRM, Bigin or Recruit, such as `settings.modules`. */
export function isAllowed(scopes: readonly string[], product: string, resource: string, method: string): boolean {
  return allows(scopes, `${SCOPES[product]}.${resource}`, method);
}

/** The page that a query asks for, as a list with the name `key`. */
export function page<Item>(
  query: URLSearchParams,
  key: string,
  items: readonly Item[],
  describe: (item: Item) => unknown,
): Answer {
  const number = Number(query.get("page") ?? 1);
  const per_page = Number(query.get("per_page") ?? MAX_LISTED);
  if (!(Number.isInteger(number) && number >= 1)) return invalidParameter("page");
  if (!(Number.isInteger(per_page) && per_page >= 1 && per_page <= MAX_LISTED)) return invalidParameter("per_page");
  const shown = items.slice((number - 1) * per_page, number * per_page);
  if (shown.length === 0) return { status: 204 };
  const info = { per_page, count: shown.length, page: number, more_records: items.length > number * per_page };
  return { status: 200, body: { [key]: shown.map(describe), info } };
}

/** Writes each item; those that are refused fail alone. */
export function writeEach<Item>(
  items: readonly Item[],
  write: (item: Item, i: number) => Result | readonly Result[],
): readonly Result[] {
  return items.flatMap((item, i) => {
    try {
      return write(item, i);
    } catch (error) {
      if (error instanceof Refusal) return error.answer.body as Result;
      throw error;
    }
  });
}

/** The results of a write, as a list with the name `key`. The status is `good`, `bad` or, where only some failed, 207. */
export function answerResults(key: string, results: readonly Result[], good: number, bad = 400): Answer {
  const failed = results.filter(({ code }) => code !== "SUCCESS").length;
  return { status: failed === 0 ? good : failed === results.length ? bad : 207, body: { [key]: results } };
}

/** Refuses one item of a write. */
export function refuseItem(error: ApiError): Refusal {
  return new Refusal({ status: 400, body: errorBody(error) });
}

export function success(details: Readonly<Record<string, unknown>>, message: string): Result {
  return { code: "SUCCESS", details, message, status: "success" };
}

export function scopeMismatch(): Answer {
  return defaultWording("badScope");
}

export function missing(param_name: string): Answer {
  return errorAnswer(400, "REQUIRED_PARAM_MISSING", "One of the expected parameter is missing", { param_name });
}

export function invalidParameter(param_name: string): Answer {
  return errorAnswer(400, "INVALID_DATA", "The value provided to the param is Invalid", { param_name });
}

/** A time as Zoho answers it, such as `2026-11-30T21:12:25+05:30`. */
export function zohoTime(at: number): string {
  return `${new Date(at + OFFSET_MS).toISOString().slice(0, 19)}+05:30`;
}
