import type { Failure, StreamMessage } from "../api.ts";

/** Browsers read it some time after the click. */
const REVOKE_DELAY_MS = 60_000;
const STORAGE_KEY = "zoho-hooks-token";

let token: string | null = null;
/** Of the server that was connected to last; undefined where the connection has ended. */
let proof: Promise<void> | undefined;
let wasProven = false;

/** The token of the address's fragment, which is then removed from the address bar and the history. */
export function takeToken(): string | null {
  const given = location.hash.slice(1);
  if (given !== "") history.replaceState(null, "", location.pathname);
  token = given === "" ? sessionStorage.getItem(STORAGE_KEY) : given;
  return token;
}

/**
 * Has the server prove that it knows the token. Once the inspector has ended, another user's program may have its port, and must
 * not get the token, which the next inspector there has again: neither in a request, nor by a page of its own for the same tab.
 */
async function prove(): Promise<void> {
  if (wasProven) sessionStorage.removeItem(STORAGE_KEY);
  try {
    const nonce = Array.from(crypto.getRandomValues(new Uint8Array(22)), (byte) => (byte % 36).toString(36)).join("");
    const response = await fetch(`/proof/${nonce}`);
    const bytes = (text: string) => new TextEncoder().encode(text);
    const algorithm = { name: "HMAC", hash: "SHA-256" };
    const key = await crypto.subtle.importKey("raw", bytes(token ?? ""), algorithm, false, ["verify"]);
    const isProven = await crypto.subtle.verify("HMAC", key, await response.arrayBuffer(), bytes(`proof ${nonce}`));
    if (!isProven) throw new CallError(401, { error: "the token is not that of this server", hint: null });
    sessionStorage.setItem(STORAGE_KEY, token ?? "");
    wasProven = true;
  } catch (error) {
    sessionStorage.removeItem(STORAGE_KEY);
    throw error;
  }
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
  const init: RequestInit = { headers: { ...headers, authorization: `Bearer ${token}` } };
  if (signal !== undefined) init.signal = signal;
  if (body !== undefined) {
    init.method = "POST";
    init.body = JSON.stringify(body);
    init.headers = { ...init.headers, "content-type": "application/json" };
  }
  const send = async (): Promise<Response> => {
    proof ??= prove();
    await proof;
    return fetch(path, init);
  };
  const response = await send().catch((error: unknown) => {
    if (signal?.aborted) throw error;
    proof = undefined;
    if (error instanceof CallError) throw error;
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
  try {
    onOpen();
    await readMessages(body, onMessage);
  } finally {
    proof = undefined;
  }
}

async function readMessages(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  onMessage: StreamOptions["onMessage"],
): Promise<void> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (buffer + value).split("\n\n");
    buffer = blocks.pop() ?? "";
    for (const block of blocks) {
      const [name, data] = ["event", "data"].map((field) => new RegExp(`^${field}: (.*)$`, "m").exec(block)?.[1]);
      // Comments keep the connection open and have no name.
      if (name !== undefined) onMessage({ name, data: JSON.parse(data ?? "") } as StreamMessage);
    }
  }
}
