import type { IncomingMessage, ServerResponse } from "node:http";
import { openServer } from "../receiver/http-server.ts";
import { readPage, sendBytes } from "../web/page-files.ts";
import { SECURITY_HEADERS } from "../web/security.ts";
import type { Failure, Fault, Outcome } from "./api.ts";
import type { EventQuery, Operations } from "./operations.ts";
import { createOpenings, proofOf, refusalOf } from "./security.ts";
import { EventStream } from "./stream.ts";

export interface InspectorOptions {
  readonly port: number;
  readonly token: string;
  /** Has `index.html`, `app.js` and `app.css`. */
  readonly pageFolder: string;
  readonly operations: Operations;
  now(): Date;
  /** Masks secrets in the JSON of an answer. */
  mask(json: string): string;
  onTrouble(message: string): void;
}

export interface Inspector {
  readonly port: number;
  close(): Promise<void>;
}

/** Enough for an edited body of the default limit, however much of it is escaped. */
const MAX_REQUEST_BYTES = 8 * 1024 * 1024;
const MAX_PAGE_SIZE = 500;
const DEFAULT_PAGE_SIZE = 100;
const CLOSE_GRACE_MS = 500;

/** Serves the inspector's page and its API on loopback. Rejects with a usage error for a port that is in use. */
export async function openInspector(options: InspectorOptions): Promise<Inspector> {
  const { operations, onTrouble } = options;
  const page = readPage(options.pageFolder);
  let lastTrouble: string | undefined;
  const stream = new EventStream(
    operations.source,
    (error) => {
      const message = operations.failure(error).error;
      // A log that cannot be read is tried again several times a second.
      if (message !== lastTrouble) onTrouble(message);
      lastTrouble = message;
    },
    options.mask,
  );
  const sendJson: SendJson = (response, value, status = 200) => {
    const text = options.mask(JSON.stringify(value));
    sendBytes(response, status, "application/json; charset=utf-8", Buffer.from(text));
  };
  const isOpening = createOpenings(options.token, options.now);
  let port = options.port;
  const server = await openServer(
    { host: "127.0.0.1", port },
    (request, response) => {
      const refusal = refusalOf(request, port, options.token);
      if (refusal !== undefined) {
        // A body that is not read ends with the connection.
        response.setHeader("connection", "close");
        return sendFailure(sendJson, response, refusal.status, { error: refusal.reason, hint: null });
      }
      const [path = "", query = ""] = (request.url ?? "").split("?", 2);
      const file = page.get(path);
      if (file !== undefined && request.method === "GET") return sendBytes(response, 200, file.type, file.bytes);
      const [, nonce] = /^\/proof\/([\w-]{22})$/.exec(path) ?? [];
      if (nonce !== undefined && request.method === "GET")
        return sendBytes(response, 200, "application/octet-stream", proofOf(options.token, nonce));
      if (request.method === "GET" && isOpening(path)) {
        response.writeHead(302, { ...SECURITY_HEADERS, location: `/#${options.token}`, "content-length": 0 });
        return response.end();
      }
      answer({ request, response, path, query: new URLSearchParams(query), sendJson }, operations, stream).catch(
        (error) => {
          if (response.headersSent) return response.destroy();
          if (error instanceof BadRequest)
            return sendFailure(sendJson, response, error.status, { error: error.message, hint: null });
          const { isKnown, ...failure } = operations.failure(error);
          sendFailure(sendJson, response, isKnown ? 422 : 500, failure);
        },
      );
    },
    { maxBody: MAX_REQUEST_BYTES },
  );
  ({ port } = server);
  return {
    port,
    async close() {
      await stream.close();
      await server.close(CLOSE_GRACE_MS);
    },
  };
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly sendJson: SendJson;
}

type SendJson = (response: ServerResponse, value: unknown, status?: number) => void;

async function answer(
  { request, response, path, query, sendJson }: Exchange,
  operations: Operations,
  stream: EventStream,
) {
  if (request.method === "POST") {
    const act = actions.get(path);
    if (act === undefined) throw new BadRequest(404, "there is no such address");
    return sendJson(response, await act(operations, await readJson(request)));
  }
  const [, text, rest] = /^\/api\/events\/(\d{1,15})(\/body)?$/.exec(path) ?? [];
  if (text !== undefined) {
    const n = Number(text);
    const found = rest === undefined ? await operations.details(n) : await operations.body(n);
    if (found === undefined) throw new BadRequest(404, `there is no event #${n}: it may have been pruned`);
    if (!("bytes" in found) || !("name" in found)) return sendJson(response, found);
    response.setHeader("content-disposition", `attachment; filename="${found.name}"`);
    return sendBytes(response, 200, "application/octet-stream", found.bytes);
  }
  switch (path) {
    case "/api/state":
      return sendJson(response, await operations.source.state());
    case "/api/activity":
      return sendJson(response, await operations.activity());
    case "/api/products":
      return sendJson(response, await operations.products());
    case "/api/events": {
      const gone = new AbortController();
      response.once("close", () => gone.abort());
      return sendJson(response, await operations.list(readQuery(query), gone.signal));
    }
    case "/api/stream": {
      const last = request.headers["last-event-id"];
      if (last !== undefined && !(typeof last === "string" && /^\d{1,15}$/.test(last)))
        throw new BadRequest(400, "Last-Event-ID is not the number of an event");
      response.writeHead(200, { ...SECURITY_HEADERS, "content-type": "text/event-stream; charset=utf-8" });
      return stream.add(response, last === undefined ? undefined : Number(last));
    }
    default:
      throw new BadRequest(404, "there is no such address");
  }
}

type Input = Readonly<Record<string, unknown>>;

const actions: ReadonlyMap<string, (operations: Operations, input: Input) => Promise<Outcome>> = new Map([
  ["/api/explain", (operations: Operations, input: Input) => operations.explain(eventNumber(input, "n"))],
  ["/api/curl", (operations, input) => operations.curl(eventNumber(input, "n"))],
  ["/api/diff", (operations, input) => operations.diff(eventNumber(input, "before"), eventNumber(input, "after"))],
  [
    "/api/replay",
    (operations, input) =>
      operations.replay({ n: eventNumber(input, "n"), ...optionalText(input, "to"), ...optionalText(input, "body") }),
  ],
  [
    "/api/send",
    (operations, input) =>
      operations.send({
        product: requiredText(input, "product"),
        event: requiredText(input, "event"),
        ...optionalText(input, "format"),
        ...optionalFault(input),
        // Only an explicit false sends.
        preview: input.preview !== false,
      }),
  ],
]);

class BadRequest extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

async function readJson(request: IncomingMessage): Promise<Input> {
  const type = request.headers["content-type"] ?? "";
  if (!/^application\/json\s*(?:;|$)/i.test(type)) throw new BadRequest(415, "send application/json");
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length > MAX_REQUEST_BYTES) throw new BadRequest(413, `the request has more than ${MAX_REQUEST_BYTES} bytes`);
    chunks.push(chunk);
  }
  let value: unknown;
  try {
    value = JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch {
    throw new BadRequest(400, "the request is not JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new BadRequest(400, "the request is not a JSON object");
  return value as Input;
}

function eventNumber(input: Input, name: string): number {
  const value = input[name];
  if (typeof value === "number" && Number.isSafeInteger(value) && value > 0) return value;
  throw new BadRequest(400, `${name} is not the number of an event`);
}

function requiredText(input: Input, name: string): string {
  const value = input[name];
  if (typeof value === "string" && value !== "") return value;
  throw new BadRequest(400, `${name} is not a text`);
}

function optionalText<Name extends string>(input: Input, name: Name): { readonly [key in Name]?: string } {
  const value = input[name];
  if (value === undefined || value === null) return {};
  if (typeof value !== "string") throw new BadRequest(400, `${name} is not a text`);
  return { [name]: value } as { readonly [key in Name]?: string };
}

function optionalFault({ fault }: Input): { readonly fault?: Fault } {
  if (fault === undefined) return {};
  if (fault === "badSignature" || fault === "badToken") return { fault };
  throw new BadRequest(400, "fault is neither badSignature nor badToken");
}

function readQuery(query: URLSearchParams): EventQuery {
  const count = (name: string, max: number): number | undefined => {
    const text = query.get(name);
    if (text === null) return undefined;
    if (!/^\d{1,15}$/.test(text) || Number(text) < 1) throw new BadRequest(400, `${name} is not a whole number`);
    return Math.min(max, Number(text));
  };
  const texts = ["product", "event", "status", "search", "since", "until"].map((name) => [
    name,
    query.get(name) || undefined,
  ]);
  const flags = ["failed", "rejected", "invalid", "duplicates"].map((name) => [name, query.get(name) === "true"]);
  return {
    before: count("before", Number.MAX_SAFE_INTEGER),
    limit: count("limit", MAX_PAGE_SIZE) ?? DEFAULT_PAGE_SIZE,
    filter: Object.fromEntries([...texts, ...flags].filter(([, value]) => value)),
  };
}

function sendFailure(sendJson: SendJson, response: ServerResponse, status: number, failure: Failure): void {
  if (status === 405) response.setHeader("allow", "GET, POST");
  // The rest of a body that is not read would be taken for the next request.
  if (status === 413) response.setHeader("connection", "close");
  sendJson(response, failure, status);
}
