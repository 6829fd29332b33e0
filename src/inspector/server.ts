import type { IncomingMessage, ServerResponse } from "node:http";
import { z } from "zod";
import { splitUrl } from "../delivery/delivery.ts";
import { NO_SUCH_EVENT } from "../history/open-log.ts";
import { operations as allOperations, operationsByName } from "../operations/index.ts";
import type { Outcome } from "../operations/outcome.ts";
import { readPage, sendBytes } from "../page-kit/page-files.ts";
import { SECURITY_HEADERS } from "../page-kit/security.ts";
import { openServer } from "../receiver/http-server.ts";
import { readWholeBody } from "../receiver/read-body.ts";
import { UserError } from "../util/errors.ts";
import { isRecord } from "../util/json.ts";
import type { Operations } from "./operations.ts";
import { createOpenings, proofOf, refusalOf } from "./security.ts";
import { EventStream } from "./stream.ts";
import { type ApiCall, findCall, queryInput, unknownMember } from "./v1.ts";

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
/** Calls of /v1 that run or wait. Each reads the log several times a second. */
const MAX_CALLS = 64;
const BINARY = "application/octet-stream";

/** Serves the inspector's page and its API on loopback. Rejects with a usage error for a port that is in use. */
export async function openInspector(options: InspectorOptions): Promise<Inspector> {
  const inspector = new InspectorServer(options);
  const server = await openServer(
    { host: "127.0.0.1", port: options.port },
    (request, response) => void inspector.answer(request, response),
    { maxBody: MAX_REQUEST_BYTES },
  );
  inspector.port = server.port;
  return {
    port: server.port,
    async close() {
      await inspector.close();
      await server.close(CLOSE_GRACE_MS);
    },
  };
}

class InspectorServer {
  /** The port that it listens on: requests to another one come from a foreign page. */
  port: number;
  readonly #options: InspectorOptions;
  readonly #page: ReturnType<typeof readPage>;
  readonly #isOpening: ReturnType<typeof createOpenings>;
  readonly #stream: EventStream;
  /** Calls of /v1 that run or wait. */
  #calls = 0;
  #lastTrouble: string | undefined;

  constructor(options: InspectorOptions) {
    this.port = options.port;
    this.#options = options;
    this.#page = readPage(options.pageFolder);
    this.#isOpening = createOpenings(options.token, options.now);
    this.#stream = new EventStream(options.operations.source, (error) => this.#onStreamError(error), options.mask);
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#serve(request, response);
    } catch (error) {
      this.#sendFailure(response, error);
    }
  }

  close(): Promise<void> {
    return this.#stream.close();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refusal = refusalOf(request, this.port, this.#options.token);
    if (refusal !== undefined) {
      // A body that is not read ends with the connection.
      response.setHeader("connection", "close");
      if (refusal.status === 405) response.setHeader("allow", "GET, POST, DELETE");
      throw new BadRequest(refusal.status, refusal.reason);
    }
    const { path, query } = splitUrl(request.url ?? "");
    const parameters = new URLSearchParams(query);
    if (path.startsWith("/v1/")) return this.#sendJson(response, await this.#call(request, response, path, parameters));
    if (request.method === "POST") return this.#sendJson(response, await this.#act(path, await readJson(request)));
    if (this.#servePage(response, path)) return;
    if (path === "/api/stream") return this.#openStream(request, response);
    const [, n = ""] = /^\/api\/events\/(\d{1,15})\/body$/.exec(path) ?? [];
    if (n !== "") return this.#sendBody(response, n);
    this.#sendJson(response, await this.#read(response, path, parameters));
  }

  /** Runs a call of /v1, until its client goes away. */
  async #call(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    parameters: URLSearchParams,
  ): Promise<Outcome> {
    const { call, inPath } = findCall(request.method, path) ?? nothingAt(`${request.method} ${path}`);
    if (this.#calls >= MAX_CALLS) throw new BadRequest(503, `${MAX_CALLS} calls are being answered: try again later`);
    this.#calls++;
    const gone = new AbortController();
    const onClose = (): void => gone.abort();
    response.once("close", onClose);
    // The server lets a client close its side before the answer; here it no longer waits for one.
    request.socket.once("end", onClose);
    try {
      const given = request.method === "POST" ? await readJson(request) : queryInput(call, parameters, inPath);
      const outcome = await this.#options.operations.answer(call, readInput(call, given), gone.signal);
      if (call.operation === allOperations.clear) this.#stream.reset();
      return outcome;
    } finally {
      request.socket.off("end", onClose);
      this.#calls--;
    }
  }

  async #act(path: string, input: unknown): Promise<Outcome> {
    const act = ACTIONS.get(path) ?? reading(path) ?? nothingAt(path);
    const outcome = await act(this.#options.operations, input);
    if (ACTIONS.has(path)) this.#stream.renewState();
    return outcome;
  }

  /** The page's files, and what leads a browser to it with its token. False for another path. */
  #servePage(response: ServerResponse, path: string): boolean {
    const { token } = this.#options;
    const file = this.#page.get(path);
    const [, nonce] = /^\/proof\/([\w-]{22})$/.exec(path) ?? [];
    if (file !== undefined) sendBytes(response, 200, file.type, file.bytes);
    else if (nonce !== undefined) sendBytes(response, 200, BINARY, proofOf(token, nonce));
    else if (this.#isOpening(path)) {
      response.writeHead(302, { ...SECURITY_HEADERS, location: `/#${token}`, "content-length": 0 });
      response.end();
    } else return false;
    return true;
  }

  #openStream(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const last = read(COUNT.optional(), request.headers["last-event-id"]);
    response.writeHead(200, { ...SECURITY_HEADERS, "content-type": "text/event-stream; charset=utf-8" });
    return this.#stream.add(response, last);
  }

  async #sendBody(response: ServerResponse, n: string): Promise<void> {
    const { name, bytes } = (await this.#options.operations.body(Number(n))) ?? noEvent(n);
    response.setHeader("content-disposition", `attachment; filename="${name}"`);
    sendBytes(response, 200, BINARY, bytes);
  }

  async #read(response: ServerResponse, path: string, parameters: URLSearchParams): Promise<unknown> {
    const { operations } = this.#options;
    const [, n = ""] = /^\/api\/events\/(\d{1,15})$/.exec(path) ?? [];
    if (n !== "") return (await operations.details(Number(n))) ?? noEvent(n);
    switch (path) {
      case "/api/state":
        return operations.source.state();
      case "/api/activity":
        return operations.activity(read(SPAN, parameters.get("span")));
      case "/api/products":
        return operations.products();
      case "/api/events": {
        const gone = new AbortController();
        response.once("close", () => gone.abort());
        return operations.list(read(QUERY, Object.fromEntries(parameters)), gone.signal);
      }
      default:
        return nothingAt(path);
    }
  }

  #sendJson(response: ServerResponse, value: unknown, status = 200): void {
    const json = this.#options.mask(JSON.stringify(value));
    sendBytes(response, status, "application/json; charset=utf-8", Buffer.from(json));
  }

  #sendFailure(response: ServerResponse, error: unknown): void {
    const { operations } = this.#options;
    if (response.headersSent) response.destroy();
    else if (error instanceof BadRequest)
      this.#sendJson(response, { error: error.message, hint: error.hint }, error.status);
    else this.#sendJson(response, operations.failure(error), statusOf(error));
  }

  #onStreamError(error: unknown): void {
    const message = this.#options.operations.failure(error).error;
    // A log that cannot be read is tried again several times a second.
    if (message !== this.#lastTrouble) this.#options.onTrouble(message);
    this.#lastTrouble = message;
  }
}

class BadRequest extends Error {
  readonly status: number;
  readonly hint: string | null;
  constructor(status: number, message: string, hint: string | null = null) {
    super(message);
    this.status = status;
    this.hint = hint;
  }
}

function statusOf(error: unknown): number {
  if (!(error instanceof UserError)) return 500;
  return error.code === NO_SUCH_EVENT ? 404 : 422;
}

function nothingAt(path: string): never {
  throw new BadRequest(404, `there is nothing at ${path}`);
}

function noEvent(n: string): never {
  throw new BadRequest(404, `there is no event #${n}: it may have been pruned`);
}

const NUMBER = z.int().positive();
const TEXT = z.string().min(1);
const COUNT = z
  .string()
  .regex(/^\d{1,15}$/)
  .transform(Number);

const SPAN = z.enum(["1h", "1d", "7d"]);

/** `EventQuery` as the query of a URL. */
const QUERY = z.object({
  before: COUNT.pipe(NUMBER).exactOptional(),
  limit: COUNT.pipe(NUMBER)
    .default(DEFAULT_PAGE_SIZE)
    .transform((limit) => Math.min(limit, MAX_PAGE_SIZE)),
  product: TEXT.exactOptional(),
  event: TEXT.transform((pattern) => [pattern]).exactOptional(),
  only: TEXT.transform((kinds) => [kinds]).exactOptional(),
  search: TEXT.exactOptional(),
  since: TEXT.exactOptional(),
  until: TEXT.exactOptional(),
});

type Action = (operations: Operations, input: unknown) => Promise<Outcome>;

function action<Shape extends z.ZodRawShape>(
  shape: Shape,
  act: (operations: Operations, input: z.infer<z.ZodObject<Shape>>) => Promise<Outcome>,
): Action {
  const schema = z.object(shape);
  return (operations, input) => act(operations, read(schema, input));
}

/** An operation that only reads, as the table has it. Undefined where there is none; those of `/v1` alone are not among them. */
function reading(path: string): Action | undefined {
  const [, name = ""] = /^\/api\/(\w+)$/.exec(path) ?? [];
  const operation = operationsByName.get(name);
  if (operation?.tool === undefined || operation.acts) return undefined;
  return (operations, input) => operations.run(operation, read<unknown>(operation.input(), input));
}

/** Those that act: the page sees targets and bodies with their secrets masked, and sends only where it may. */
const ACTIONS: ReadonlyMap<string, Action> = new Map([
  [
    "/api/replay",
    action(
      {
        n: NUMBER,
        to: z.string().exactOptional(),
        body: z.string().exactOptional(),
        failed: z.boolean().exactOptional(),
      },
      (operations, input) => operations.replay(input),
    ),
  ],
  [
    "/api/send",
    action(
      {
        product: TEXT,
        event: TEXT,
        format: z.string().exactOptional(),
        fault: z.enum(["badSignature", "badToken"]).exactOptional(),
        // Only an explicit false sends.
        preview: z.boolean().default(true),
      },
      (operations, input) => operations.send(input),
    ),
  ],
]);

function read<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new BadRequest(400, z.prettifyError(result.error));
}

/** The input of a call of /v1. */
function readInput(call: ApiCall, given: unknown): unknown {
  const unknown = isRecord(given) ? unknownMember(call, given) : undefined;
  if (unknown !== undefined) throw new BadRequest(400, unknown.error, unknown.hint);
  return read<unknown>(call.operation.input(), given);
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const type = request.headers["content-type"] ?? "";
  if (!/^application\/json\s*(?:;|$)/i.test(type)) throw new BadRequest(415, "send application/json");
  const body = await readWholeBody(request, MAX_REQUEST_BYTES);
  if (body === undefined) throw new BadRequest(413, `the request has more than ${MAX_REQUEST_BYTES} bytes`);
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    throw new BadRequest(400, "the request is not JSON");
  }
}
