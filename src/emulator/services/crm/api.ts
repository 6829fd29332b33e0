import { isRecord, parseJson } from "../../../util/json.ts";
import {
  type Answer,
  type ApiError,
  type ApiRequest,
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

const TOKEN_LIFE_MS = 24 * 3_600_000;
/** Without a page token, and with one. */
const MAX_PAGED = 2000;
const MAX_WALKED = 100_000;

/** What a page token holds; a client sees it as one word. */
interface PageToken {
  readonly from: number;
  /** The other parameters, which must stay the same. */
  readonly bound: string;
  readonly until: number;
}

/**
 * The page of records that a query asks for, as versions with page tokens answer it: records after the first 2,000 need the token of
 * the page before. https://www.zoho.com/crm/developer/docs/api/v8/get-records.html
 */
export function tokenPage<Row>(
  call: Pick<ApiRequest, "query" | "at">,
  rows: readonly Row[],
  describe: (row: Row) => unknown,
): Answer {
  const { query, at } = call;
  const given = query.get("page_token");
  const per_page = Number(query.get("per_page") ?? MAX_LISTED);
  const number = Number(query.get("page") ?? 1);
  if (!(Number.isInteger(number) && number >= 1)) return invalidParameter("page");
  if (!(Number.isInteger(per_page) && per_page >= 1 && per_page <= MAX_LISTED)) return invalidParameter("per_page");
  if (given !== null && query.has("page"))
    return errorAnswer(400, "AMBIGUITY_DURING_PROCESSING", "page and page_token exclude each other");
  const token = given === null ? undefined : readPageToken(given);
  const bound = boundOf(query);
  if (given !== null && token?.bound !== bound) {
    const message = "The page_token given seems to be invalid or input param is added or altered or deleted";
    return errorAnswer(400, "TOKEN_BOUND_DATA_MISMATCH", message, { param_name: "page_token" });
  }
  if (token !== undefined && token.until <= at)
    return errorAnswer(400, "EXPIRED_VALUE", "Page token expired", {
      api_name: "page_token",
      json_path: "$.query.page_token",
    });
  const from = token?.from ?? (number - 1) * per_page;
  if (token === undefined && from >= MAX_PAGED) {
    const message = `You can only get the first ${MAX_PAGED} records without using page_token param`;
    return errorAnswer(400, "DISCRETE_PAGINATION_LIMIT_EXCEEDED", message, { limit: MAX_PAGED });
  }
  if (from >= MAX_WALKED) {
    const message = `You can only get up to first ${MAX_WALKED} records using page_token param`;
    return errorAnswer(400, "PAGINATION_LIMIT_EXCEEDED", message, { limit: MAX_WALKED });
  }
  const shown = rows.slice(from, from + per_page);
  if (shown.length === 0) return { status: 204 };
  const more_records = rows.length > from + per_page;
  const until = at + TOKEN_LIFE_MS;
  const tokenAt = (start: number): string => writePageToken({ from: start, bound, until });
  const info = {
    call: false,
    per_page,
    next_page_token: more_records ? tokenAt(from + per_page) : null,
    count: shown.length,
    sort_by: query.get("sort_by") ?? "id",
    page: Math.floor(from / per_page) + 1,
    previous_page_token: from === 0 ? null : tokenAt(Math.max(0, from - per_page)),
    page_token_expiry: more_records ? zohoTime(until) : null,
    sort_order: query.get("sort_order") ?? "desc",
    email: false,
    more_records,
  };
  return { status: 200, body: { data: shown.map(describe), info } };
}

function boundOf(query: URLSearchParams): string {
  const others = [...query].filter(([name]) => name !== "page" && name !== "page_token");
  return new URLSearchParams(others.sort(([a], [b]) => (a < b ? -1 : 1))).toString();
}

function writePageToken(token: PageToken): string {
  return Buffer.from(JSON.stringify(token)).toString("base64url");
}

/** Undefined for one that was never given out. */
function readPageToken(text: string): PageToken | undefined {
  const parsed = parseJson(Buffer.from(text, "base64url").toString());
  if (!parsed.ok || !isRecord(parsed.value)) return undefined;
  const { from, bound, until } = parsed.value;
  return Number.isInteger(from) && typeof bound === "string" && typeof until === "number"
    ? { from: Number(from), bound, until }
    : undefined;
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
