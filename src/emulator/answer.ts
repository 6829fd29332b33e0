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
  /** The emulator does not have what the request asks for. The terminal says so. */
  readonly isLacking?: boolean;
}

/** One product's API: undefined for a path that is not its own. `scopes` are those of the request's access token. */
export interface Service {
  answer(request: ApiRequest, scopes: readonly string[]): Answer | undefined | Promise<Answer | undefined>;
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

export function errorAnswer(status: number, code: string, message: string, details = {}): Answer {
  return { status, body: errorBody({ code, message, details }) };
}

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
