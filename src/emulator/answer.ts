import { usageError } from "../util/errors.ts";

/** A request to one of the emulated APIs. */
export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** Parameters of a form body, multipart or not; those of the query for a request without one. */
  readonly form: URLSearchParams;
  /** Parsed JSON body, with numbers past 2^53 as strings. */
  readonly json: unknown;
  /** By the emulator's clock, in milliseconds since the epoch. */
  readonly at: number;
}

/** An answer. A string body is sent as it is: HTML, or JSON with numbers of 19 digits. */
export interface Answer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** What the request asks for that the emulator does not have. The terminal says so. */
  readonly lacks?: string;
  /** What to change in the request. It is shown with it. */
  readonly hint?: string | undefined;
}

/** An error of CRM, Bigin or Recruit. */
export interface ApiError {
  readonly code: string;
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** The result of one item of a write, as the API answers it. */
export type Result = Readonly<Record<string, unknown>> & { readonly code: string };

export function errorBody({ code, message, details = {} }: ApiError): Result {
  return { code, details, message, status: "error" };
}

/**
 * What can go wrong in every API. Two are no errors of Zoho: the emulator does not have an endpoint (`lacking`) or what a request
 * asks of one (`unmodelled`).
 */
type Failure = "noToken" | "badToken" | "badScope" | "wrongMethod" | "lacking" | "unmodelled" | "tooMany" | "broken";

/** Words a failure as its product does; `over` replaces the usual status or message. */
export type Wording = (
  failure: Failure,
  over?: { readonly status?: number | undefined; readonly message?: string | undefined },
) => Answer;

type FailureTable<Code> = Readonly<
  Record<Failure, readonly [status: number, code: Code, message: string, headers?: Readonly<Record<string, string>>]>
>;

/** The wording of a product, from its table of failures and the body of its errors. */
export function wordingOf<Code>(table: FailureTable<Code>, bodyOf: (code: Code, message: string) => unknown): Wording {
  return (failure, { status, message } = {}) => {
    const [usual, code, text, headers = {}] = table[failure];
    return { status: status ?? usual, body: bodyOf(code, message ?? text), headers };
  };
}

/** The wording of a planned fault with that status. */
export function failureOf(status: number): Failure {
  return ({ 401: "badToken", 404: "lacking", 405: "wrongMethod", 429: "tooMany" } as const)[status] ?? "broken";
}

export function errorAnswer(status: number, code: string, message: string, details = {}): Answer {
  return { status, body: errorBody({ code, message, details }) };
}

/** That of CRM, Bigin, Recruit and paths of no product. */
export const defaultWording: Wording = wordingOf(
  {
    noToken: [401, "AUTHENTICATION_FAILURE", "Authentication failed"],
    badToken: [401, "INVALID_TOKEN", "invalid oauth token"],
    badScope: [401, "OAUTH_SCOPE_MISMATCH", "invalid oauth scope to access this URL"],
    wrongMethod: [400, "INVALID_REQUEST_METHOD", "The http request method type is not a valid one"],
    lacking: [404, "INVALID_URL_PATTERN", "Please check if the URL trying to access is a correct one"],
    unmodelled: [501, "NOT_SUPPORTED", "The emulator does not model this"],
    // https://www.zoho.com/crm/developer/docs/api/v8/api-limits.html
    tooMany: [429, "TOO_MANY_REQUESTS", "too many requests fired in concurrent", { "x-api-credits-remaining": "0" }],
    broken: [500, "INTERNAL_ERROR", "Internal server error occurred."],
  },
  (code, message) => errorBody({ code, message }),
);

/** A record, as its API answers it. */
export type ApiRecord = Readonly<Record<string, unknown>> & { readonly id: string };

/**
 * The records of a product, for the page, control calls and tests. Writes do what a call of the API does: they check the data and
 * send what Zoho would send. They throw a Refusal where the API would answer an error.
 */
export interface RecordStore {
  /** `crm`, `desk`, … */
  readonly product: string;
  modules(): readonly { readonly name: string; readonly count: number }[];
  /** The newest first. */
  list(module: string, limit: number): readonly ApiRecord[];
  create(module: string, data: Readonly<Record<string, unknown>>): ApiRecord;
  change(module: string, id: string, data: Readonly<Record<string, unknown>>): ApiRecord;
  remove(module: string, id: string): void;
}

/** A channel or a webhook. */
export interface Subscription {
  readonly product: string;
  readonly id: string;
  readonly url: string;
  readonly events: readonly string[];
  /** Undefined for one that does not expire. */
  readonly expiresAt?: number;
  readonly enabled: boolean;
}

/** Thrown with the answer of an API that refuses a write. */
export class Refusal extends Error {
  readonly answer: Answer;

  constructor(answer: Answer) {
    super(JSON.stringify(answer.body));
    this.answer = answer;
  }
}

/** Thrown for what the emulator does not have of a call, such as a parameter. It is answered with 501. */
export class Unmodelled extends Error {}

/** The records of a product, in any case of its letters. Throws a usage error for a product without any. */
export function storeOf(stores: readonly RecordStore[], product: string): RecordStore {
  const found = stores.find((each) => each.product === product.toLowerCase());
  if (found !== undefined) return found;
  const known = stores.map((each) => each.product).join(", ");
  throw usageError(`the emulator has no records of ${JSON.stringify(product)}`, `it has those of ${known}`);
}
