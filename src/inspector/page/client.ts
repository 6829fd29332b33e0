import type { Failure, StreamMessage } from "../api.ts";

/** Browsers read it some time after the click. */
const REVOKE_DELAY_MS = 60_000;
const STORAGE_KEY = "zoho-hooks-token";

/** The token of the address's fragment, which is then removed from the address bar and the history. */
export function takeToken(): string | null {
  const token = location.hash.slice(1);
  if (token !== "") {
    sessionStorage.setItem(STORAGE_KEY, token);
    history.replaceState(null, "", location.pathname);
  }
  return sessionStorage.getItem(STORAGE_KEY);
}

export class CallError extends Error {
  readonly status: number;
  readonly hint: string | null;

  /** @param status of HTTP; 0 if there was no answer */
  constructor(status: number, { error, hint }: Failure) {
    super(error);
    this.status = status;
    this.hint = hint;
  }
}

interface CallOptions {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** GET, or POST where there is a body. @throws CallError for anything but an answer of 2xx */
async function request(path: string, { body, headers, signal }: CallOptions): Promise<Response> {
  const init: RequestInit = { headers: { ...headers, authorization: `Bearer ${sessionStorage.getItem(STORAGE_KEY)}` } };
  if (signal !== undefined) init.signal = signal;
  if (body !== undefined) {
    init.method = "POST";
    init.body = JSON.stringify(body);
    init.headers = { ...init.headers, "content-type": "application/json" };
  }
  const response = await fetch(path, init).catch((error: unknown) => {
    if (signal?.aborted) throw error;
    throw new CallError(0, { error: "the inspector does not answer", hint: "is zoho-hooks still running?" });
  });
  if (response.ok) return response;
  const failure = await response.json().catch(() => null);
  throw new CallError(response.status, failure ?? { error: `the inspector answered ${response.status}`, hint: null });
}

export async function call<T>(path: string, options: CallOptions = {}): Promise<T> {
  return (await request(path, options)).json();
}

/** Has the browser save the body of an event, byte for byte. */
export async function download(path: string, name: string): Promise<void> {
  const url = URL.createObjectURL(await (await request(path, {})).blob());
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), REVOKE_DELAY_MS);
}

interface StreamOptions {
  /** Events with a higher number are sent. */
  readonly after: number;
  readonly onOpen: () => void;
  readonly onMessage: (message: StreamMessage) => void;
}

/** Reads server-sent events until the connection ends. EventSource cannot send an Authorization header. */
export async function readStream({ after, onOpen, onMessage }: StreamOptions): Promise<void> {
  const { body } = await request("/api/stream", { headers: { "last-event-id": String(after) } });
  if (body === null) return;
  onOpen();
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (buffer + value).split("\n\n");
    buffer = blocks.pop() ?? "";
    for (const block of blocks) {
      const lines = block.split("\n");
      const values = (field: string) =>
        lines.flatMap((line) => (line.startsWith(`${field}: `) ? [line.slice(field.length + 2)] : []));
      const [name] = values("event");
      // Comments keep the connection open and have no name.
      if (name !== undefined) onMessage({ name, data: JSON.parse(values("data").join("\n")) } as StreamMessage);
    }
  }
}
