import { isRecord } from "../../../util/json.ts";
import { errorAnswer, Refusal } from "../../answer.ts";
import { textOf } from "../../state.ts";
import { type Comparable, comparable, isSameType } from "./criteria.ts";

/** A query, such as `select Last_Name from Leads where City = 'Austin' order by id desc limit 10, 20`. */
export interface CoqlQuery {
  readonly columns: readonly string[];
  /** The columns of all clauses. */
  readonly named: readonly string[];
  readonly module: string;
  readonly matches: Matcher;
  readonly order: readonly { readonly column: string; readonly isDescending: boolean }[];
  readonly offset: number;
  readonly limit: number;
  /** What the query asks for that the emulator does not model, such as `group by`. */
  readonly unmodelled?: string;
}

/** `read` gives the value of a column. */
type Matcher = (read: (column: string) => unknown) => boolean;

/** https://www.zoho.com/crm/developer/docs/api/v8/COQL-Limitations.html */
const MAX_CONDITIONS = 25;
const MAX_IN = 50;
const MAX_ORDER = 10;
const MAX_COLUMNS = 50;
const MAX_DEPTH = 50;
const DEFAULT_LIMIT = 200;

interface Token {
  readonly kind: "word" | "text" | "sign";
  readonly value: string;
}

/** Versions differ in the rows of one answer and in how far an offset reaches. */
function limitsOf(version: number): { readonly rows: number; readonly reach: number } {
  return { rows: version >= 4 ? 2000 : 200, reach: version >= 7 ? 100_000 : 10_000 };
}

/** Throws a Refusal for an invalid query. */
export function parseCoql(text: string, version: number): CoqlQuery {
  const parser = new Parser(tokensOf(text));
  parser.expect("select");
  const columns = parser.list(() => parser.column());
  parser.expect("from");
  const module = parser.word();
  if (!parser.take("where")) throw syntaxError("missing clause", { clause: "where" });
  const matches = parser.expression(0);
  if (parser.take("group")) parser.unmodelled ??= "group by";
  if (parser.unmodelled !== undefined)
    return { columns, named: [], module, matches, order: [], offset: 0, limit: 0, unmodelled: parser.unmodelled };
  const order = parser.take("order") ? parser.order() : [];
  const { offset, limit } = parser.range();
  parser.end();
  const { rows, reach } = limitsOf(version);
  if (columns.length > MAX_COLUMNS) throw tooMuch("select", MAX_COLUMNS);
  if (order.length > MAX_ORDER) throw tooMuch("order by", MAX_ORDER);
  if (limit < 1) throw new Refusal(errorAnswer(400, "INVALID_DATA", "limit should be greater than 0"));
  if (limit > rows || offset + limit > reach) throw invalidQuery("limit given seems to be invalid", { limit: rows });
  const named = [...columns, ...parser.compared, ...order.map(({ column }) => column)];
  return { columns, named, module, matches, order, offset, limit };
}

/** Words, texts in quotes with `''` for one quote, and signs. */
function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = [];
  const pattern = /\s*(?:('(?:[^']|'')*')|("(?:[^"]|"")*")|([\w.$:+-]+)|([<>!]=|[=<>(),*])|(\S))/gy;
  for (const [, single, double, word, sign, stranger] of text.trimEnd().matchAll(pattern)) {
    if (stranger !== undefined) throw syntaxError("unexpected token", { near: stranger });
    const quoted = single ?? double;
    if (quoted !== undefined) tokens.push({ kind: "text", value: unquoted(quoted) });
    else if (word !== undefined) tokens.push({ kind: "word", value: word });
    else if (sign !== undefined) tokens.push({ kind: "sign", value: sign });
  }
  return tokens;
}

function unquoted(text: string): string {
  const [quote = ""] = text;
  return text.slice(1, -1).replaceAll(quote + quote, quote);
}

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;
  #conditions = 0;
  unmodelled: string | undefined;
  /** The columns of the conditions. */
  readonly compared: string[] = [];

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  /** Takes a keyword or a sign if it comes next. Case does not count. */
  take(word: string): boolean {
    const next = this.#tokens[this.#at];
    if (next === undefined || next.kind === "text" || next.value.toLowerCase() !== word) return false;
    this.#at++;
    return true;
  }

  expect(word: string): void {
    if (!this.take(word)) throw this.#error();
  }

  word(): string {
    const next = this.#tokens[this.#at];
    if (next?.kind !== "word") throw this.#error();
    this.#at++;
    return next.value;
  }

  /** A column; an aggregate or an alias is not modelled. */
  column(): string {
    const name = this.word();
    if (this.take("(")) {
      this.unmodelled ??= `${name}()`;
      this.word();
      this.expect(")");
    }
    if (this.take("as")) {
      this.unmodelled ??= "as";
      this.word();
    }
    return name;
  }

  list<Item>(read: () => Item): readonly Item[] {
    const items = [read()];
    while (this.take(",")) items.push(read());
    return items;
  }

  /** Two conditions at most; more of them are in brackets. */
  expression(depth: number): Matcher {
    if (depth > MAX_DEPTH) throw tooMuch("where", MAX_DEPTH);
    const left = this.#term(depth);
    const isAnd = this.take("and");
    if (!isAnd && !this.take("or")) return left;
    const right = this.#term(depth);
    return isAnd ? (read) => left(read) && right(read) : (read) => left(read) || right(read);
  }

  order(): CoqlQuery["order"] {
    this.expect("by");
    return this.list(() => {
      const column = this.word();
      const isDescending = this.take("desc");
      if (!isDescending) this.take("asc");
      return { column, isDescending };
    });
  }

  /** `limit 20`, `limit 20 offset 40`, or `limit 40, 20`. */
  range(): { readonly offset: number; readonly limit: number } {
    if (!this.take("limit")) return { offset: this.take("offset") ? this.#count() : 0, limit: DEFAULT_LIMIT };
    const first = this.#count();
    if (this.take(",")) return { offset: first, limit: this.#count() };
    return { offset: this.take("offset") ? this.#count() : 0, limit: first };
  }

  end(): void {
    if (this.#at < this.#tokens.length) throw this.#error();
  }

  #term(depth: number): Matcher {
    if (!this.take("(")) return this.#condition();
    const inner = this.expression(depth + 1);
    this.expect(")");
    return inner;
  }

  #condition(): Matcher {
    if (++this.#conditions > MAX_CONDITIONS) throw tooMuch("where", MAX_CONDITIONS);
    const column = this.word();
    this.compared.push(column);
    const isNot = this.take("not");
    const test = this.#test(column, isNot);
    return (read) => test(comparable(read(column))) !== isNot;
  }

  /** What the value of a column must fulfil. `isNot`: a `not` has been read. */
  #test(column: string, isNot: boolean): (value: Comparable) => boolean {
    if (this.take("like")) return isLike(textOf(this.#value()));
    if (this.take("in")) {
      this.expect("(");
      const wanted = this.list(() => comparable(this.#value()));
      this.expect(")");
      if (wanted.length > MAX_IN) throw tooMuch("in", MAX_IN);
      return (value) => wanted.includes(value);
    }
    if (this.take("between")) {
      const from = comparable(this.#value());
      this.expect("and");
      const to = comparable(this.#value());
      return (value) => isSameType(value, from) && isSameType(value, to) && value >= from && value <= to;
    }
    if (isNot) throw this.#error();
    if (this.take("is")) {
      const isInverse = this.take("not");
      this.expect("null");
      return (value) => (value === "") !== isInverse;
    }
    const sign = this.#tokens[this.#at++]?.value ?? "";
    const compare = Object.hasOwn(SIGNS, sign) ? SIGNS[sign] : undefined;
    if (compare === undefined) throw invalidQuery("Invalid query formed", { column_name: column, operator: sign });
    const wanted = comparable(this.#value());
    return (value) => compare(value, wanted);
  }

  #value(): string {
    const next = this.#tokens[this.#at++];
    if (next === undefined || next.kind === "sign") throw this.#error();
    return next.value;
  }

  #count(): number {
    const count = Number(this.word());
    if (!Number.isInteger(count) || count < 0) throw invalidQuery("limit given seems to be invalid");
    return count;
  }

  #error(): Refusal {
    const near = this.#tokens[this.#at]?.value ?? "";
    return syntaxError("error occured while parsing the query", { near });
  }
}

const SIGNS: Readonly<Record<string, (value: Comparable, wanted: Comparable) => boolean>> = {
  "=": (value, wanted) => value === wanted,
  "!=": (value, wanted) => value !== wanted,
  ">": (value, wanted) => isSameType(value, wanted) && value > wanted,
  ">=": (value, wanted) => isSameType(value, wanted) && value >= wanted,
  "<": (value, wanted) => isSameType(value, wanted) && value < wanted,
  "<=": (value, wanted) => isSameType(value, wanted) && value <= wanted,
};

/** `%` stands for anything at the beginning, at the end, or at both. */
function isLike(pattern: string): (value: Comparable) => boolean {
  const wanted = pattern.toLowerCase();
  const middle = wanted.replace(/^%|%$/g, "");
  return (value) => {
    const text = String(value);
    if (wanted.startsWith("%")) return wanted.endsWith("%") ? text.includes(middle) : text.endsWith(middle);
    return wanted.endsWith("%") ? text.startsWith(middle) : text === middle;
  };
}

/** Rows in the order that a query asks for; without one by id, the oldest first. */
export function inOrder<Row>(
  rows: readonly Row[],
  order: CoqlQuery["order"],
  read: (row: Row, column: string) => unknown,
): readonly Row[] {
  return rows.toSorted((a, b) => {
    for (const { column, isDescending } of order) {
      const [left, right] = [comparable(read(a, column)), comparable(read(b, column))];
      if (left !== right) return left < right === isDescending ? 1 : -1;
    }
    return 0;
  });
}

/** The query of a request's body. Throws a Refusal for none. */
export function queryIn(json: unknown): string {
  const query = isRecord(json) ? json.select_query : undefined;
  if (typeof query === "string") return query;
  const place = { api_name: "select_query", json_path: "$.select_query" };
  throw new Refusal(
    query === undefined
      ? errorAnswer(400, "MANDATORY_NOT_FOUND", "required field not found", place)
      : errorAnswer(400, "INVALID_DATA", "invalid data", { expected_data_type: "text", ...place }),
  );
}

function syntaxError(message: string, details: Readonly<Record<string, unknown>>): Refusal {
  return new Refusal(errorAnswer(400, "SYNTAX_ERROR", message, details));
}

function invalidQuery(message: string, details: Readonly<Record<string, unknown>> = {}): Refusal {
  return new Refusal(errorAnswer(400, "INVALID_QUERY", message, details));
}

function tooMuch(clause: string, limit: number): Refusal {
  return new Refusal(errorAnswer(400, "LIMIT_EXCEEDED", "limit exceeded", { clause, limit }));
}
