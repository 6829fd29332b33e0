/** An answer. A string body is sent as it is: HTML, or JSON with numbers of 19 digits. */
export interface Answer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A received request. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** Parameters of a form body, multipart or not; those of the query for a request without one. */
  readonly form: URLSearchParams;
  /** Parsed JSON body. */
  readonly json: unknown;
  /** By the server's clock, in milliseconds since the epoch. */
  readonly at: number;
}

export interface Fault {
  readonly code: string;
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

export function faultBody({ code, message, details = {} }: Fault): Record<string, unknown> {
  return { code, details, message, status: "error" };
}

export function bareFault(status: number, code: string, message: string, details = {}): Answer {
  return { status, body: faultBody({ code, message, details }) };
}
