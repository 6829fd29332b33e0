import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { HEALTH_PATH } from "../delivery/paths.ts";
import { readPage, sendBytes } from "../page-kit/page-files.ts";
import { foreignRefusal, isAddressOr, SECURITY_HEADERS } from "../page-kit/security.ts";
import { openServer, sendReply } from "../receiver/http-server.ts";
import { readWholeBody } from "../receiver/read-body.ts";
import { healthReply, type RunningServer } from "../receiver/routes.ts";
import { errorText } from "../util/errors.ts";
import { reachableOrigin } from "../util/hosts.ts";
import { parseJson } from "../util/json.ts";
import { type Answer, type ApiRequest, errorAnswer } from "./answer.ts";
import { BoundedList } from "./bounded-list.ts";
import { Changes, CONTROL_PATH, Control } from "./control.ts";
import { Deliveries, type NumberedDelivery } from "./deliveries.ts";
import { Faults } from "./faults.ts";
import { Organisation } from "./organisation.ts";
import { isPoll } from "./own-client.ts";
import type { Seed } from "./seed.ts";
import type { Override } from "./service.ts";
import { type EmulatorState, emptyState } from "./services/index.ts";
import { Stubs } from "./stubs.ts";
import type { NumberedRequest, SeenRequest } from "./view.ts";
import { ZohoApi } from "./zoho-api.ts";

export interface EmulatorOptions {
  /** Default: 127.0.0.1. */
  readonly host?: string;
  /** 0 takes any free one. */
  readonly port: number;
  /** Origin by which clients reach it, for the URLs in its answers. Default: the one that it listens on. */
  readonly baseUrl?: string | undefined;
  /** Contains the samples and the page. */
  readonly packageRoot: string;
  /** How `zoho-hooks` is called in a terminal, for the commands on its page. Default: `npx zoho-hooks`. */
  readonly invocation?: string;
  /** For `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** To start with; it is changed in place. */
  readonly state?: EmulatorState;
  /** What an empty organisation has at the start, and every one after a reset. */
  readonly seed?: Seed | undefined;
  /** The process, for other programs on this machine. */
  readonly owner?: Pick<RunningServer, "pid" | "folder">;
  /** Asked before the services. */
  readonly overrides?: readonly Override[];
  now?(): Date;
  /** Called before a request is answered. */
  onArrival?(request: ApiRequest): void;
  onRequest?(request: NumberedRequest): void;
  onDelivery?(delivery: NumberedDelivery): void;
  /** Called once for each thing that a developer should know, such as a misspelt field. */
  onNote?(message: string): void;
  /** Called for mistakes of the emulator itself, and for connections without a valid request. */
  onTrouble?(message: string): void;
  /** Called for whatever may have changed the state or the lists of requests and deliveries. */
  onChange?(): void;
}

const MAX_BODY_BYTES = 5 * 1024 * 1024;
const MAX_SNAPSHOT_BYTES = 64 * 1024 * 1024;
const MAX_REQUESTS = 10_000;
const MAX_REQUEST_BYTES = 64 * 1024 * 1024;
const MAX_NOTES = 1000;
const CLOSE_GRACE_MS = 200;
const OWN_HOSTS =
  "a browser uses it from its own page, at localhost, an IP address or the name given as --host or --base-url";
const CHANGES_PATH = `${CONTROL_PATH}changes`;

/**
 * Serves one Zoho organisation: its accounts server and the APIs of its products. Rejects with a usage error for an address
 * that cannot be listened on, and for a mistake in the seed.
 */
export async function openEmulator(options: EmulatorOptions): Promise<Emulator> {
  const emulator = new Emulator(options);
  await emulator.open();
  return emulator;
}

/** An organisation behind a server: its APIs, its page and control calls, what comes and goes, and the faults that were planned. */
export class Emulator {
  readonly faults = new Faults();
  readonly stubs = new Stubs();
  readonly requests = new BoundedList<SeenRequest>(MAX_REQUESTS, MAX_REQUEST_BYTES);
  readonly deliveries: Deliveries;
  readonly organisation: Organisation;
  /** Whether answers have a `date` header. */
  readonly settings = { showsClock: true };
  readonly #options: EmulatorOptions;
  readonly #hosts: readonly string[];
  readonly #page: ReturnType<typeof readPage>;
  readonly #changes = new Changes();
  readonly #api: ZohoApi;
  readonly #control: Control;
  #url = "";
  #localUrl = "";
  #server: Awaited<ReturnType<typeof openServer>> | undefined;

  constructor(options: EmulatorOptions) {
    const { host = "127.0.0.1", baseUrl, env, packageRoot, overrides = [] } = options;
    const { faults, stubs, requests } = this;
    const [url, now] = [() => this.#url, () => this.#now().getTime()];
    this.#options = options;
    this.#hosts = [host, ...(baseUrl === undefined ? [] : [new URL(baseUrl).hostname])];
    this.#page = readPage(join(packageRoot, "dist/emulator"));
    const deliveries = new Deliveries({ faults, env, now, onSent: (sent) => this.#onSent(sent) });
    const note = onceEach((message) => options.onNote?.(message));
    const organisation = new Organisation({
      state: options.state ?? emptyState(),
      seed: options.seed,
      deliveries,
      now,
      url,
      note,
    });
    this.deliveries = deliveries;
    this.organisation = organisation;
    this.#api = new ZohoApi({ organisation, stubs, deliveries, overrides, baseUrl, url });
    this.#control = new Control({
      organisation,
      faults,
      stubs,
      deliveries,
      requests,
      packageRoot,
      invocation: options.invocation ?? "npx zoho-hooks",
      url,
      localUrl: () => this.#localUrl,
      now,
      advance: (ms) => this.advance(ms),
      reset: () => this.reset(),
      restore: (state) => this.restore(state),
    });
  }

  /** Listens. Rejects with a usage error for an address that cannot be listened on. */
  async open(): Promise<void> {
    const { host = "127.0.0.1", port, baseUrl } = this.#options;
    const onTrouble = (message: string): void => this.#options.onTrouble?.(message);
    this.#server = await openServer(
      { host, port },
      (incoming, response) => {
        this.#serve(incoming, response).catch((error: unknown) => {
          onTrouble(errorText(error));
          if (response.headersSent) response.destroy();
          else sendAnswer(response, errorAnswer(500, "INTERNAL_ERROR", "Internal server error occurred."), undefined);
        });
      },
      { maxBody: MAX_BODY_BYTES, onProtocolError: onTrouble },
    );
    this.#localUrl = reachableOrigin(host, this.#server.port);
    this.#url = baseUrl ?? this.#localUrl;
  }

  async close(): Promise<void> {
    this.#changes.close();
    await Promise.all([this.deliveries.close(), this.#server?.close(CLOSE_GRACE_MS)]);
  }

  get url(): string {
    return this.#url;
  }

  /** Address on this machine. */
  get localUrl(): string {
    return this.#localUrl;
  }

  advance(ms: number): void {
    this.organisation.advance(ms);
    this.#changed();
  }

  /** Gives the organisation another state. */
  restore(state: EmulatorState): void {
    this.organisation.restore(state);
    this.#forget();
  }

  /** Puts the organisation back to its start. */
  reset(): void {
    this.organisation.reset();
    this.#forget();
  }

  /** Forgets what was planned for the organisation and what has happened to it. */
  #forget(): void {
    this.faults.clear();
    this.stubs.clear();
    this.deliveries.clear();
    this.requests.clear();
    this.#changed();
  }

  #now(): Date {
    return this.#options.now?.() ?? new Date();
  }

  #changed(): void {
    this.#changes.notify();
    this.#options.onChange?.();
  }

  #onSent(sent: NumberedDelivery): void {
    this.#options.onDelivery?.(sent);
    this.#changed();
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const startedAt = performance.now();
    const isOwn = this.#isOwn(incoming);
    if (this.#refusesOrigin(incoming, response, isOwn)) return;
    const isSnapshot = pathOf(incoming) === `${CONTROL_PATH}restore`;
    const body = await readWholeBody(incoming, isSnapshot ? MAX_SNAPSHOT_BYTES : MAX_BODY_BYTES);
    if (body === undefined) return void response.writeHead(413, { connection: "close" }).end();
    const request = await toRequest(incoming, body, this.#now().getTime());
    if (isOwn) return this.#serveOwn(incoming, response, request);
    this.#options.onArrival?.(request);
    const answer = await this.#answerOrFail(incoming, response, request);
    if (answer !== undefined)
      sendAnswer(response, answer, this.settings.showsClock ? this.#now().toUTCString() : undefined);
    this.#list(request, body.length, Math.round(performance.now() - startedAt), answer);
  }

  #isOwn(incoming: IncomingMessage): boolean {
    const path = pathOf(incoming);
    if (path.startsWith(CONTROL_PATH)) return true;
    return incoming.method === "GET" && (this.#page.has(path) || path === HEALTH_PATH);
  }

  /** A browser names the origin of whatever its pages post, and SDKs name none. */
  #refusesOrigin(incoming: IncomingMessage, response: ServerResponse, isOwn: boolean): boolean {
    if (!isOwn && incoming.headers.origin === undefined) return false;
    const refusal = foreignRefusal(incoming, (name) => isAddressOr(this.#hosts, name), this.#options.baseUrl);
    if (refusal === undefined) return false;
    const body = { error: refusal.reason, hint: OWN_HOSTS };
    sendAnswer(response, { status: refusal.status, body, headers: SECURITY_HEADERS }, undefined);
    return true;
  }

  /** The page, control calls and `/healthz`. They are not listed, and no fault applies to them. */
  async #serveOwn(incoming: IncomingMessage, response: ServerResponse, request: ApiRequest): Promise<void> {
    if (request.path === HEALTH_PATH) {
      const health = healthReply(incoming, () => ({ command: "emulate", ...this.#options.owner }), false);
      return sendReply(response, health);
    }
    const file = this.#page.get(request.path);
    if (file !== undefined) return sendBytes(response, 200, file.type, file.bytes);
    if (request.method === "GET" && request.path === CHANGES_PATH) return this.#changes.watch(response);
    const { status, body } = await this.#control.answer(request);
    sendAnswer(response, { status, body, headers: SECURITY_HEADERS }, undefined);
    if (request.method !== "GET") this.#changed();
  }

  /** Zoho's answer, or the one of a planned fault. Undefined where the client gets none, or is gone. */
  async #answerOrFail(
    incoming: IncomingMessage,
    response: ServerResponse,
    request: ApiRequest,
  ): Promise<(Answer & { body: string }) | undefined> {
    const fault = this.faults.requests.take(request);
    if (fault === "cut") incoming.socket.destroy();
    if (fault === "cut" || fault === "silence") return undefined;
    const planned = typeof fault === "function" ? fault(this.organisation.wordingFor(request)) : fault;
    const isUsual = planned === undefined || "delayMs" in planned;
    const found = isUsual ? await this.#api.answer(request) : planned;
    const answer = { ...found, body: textOfBody(found.body) };
    if (planned !== undefined && isUsual) await untilClosed(response, planned.delayMs);
    return response.destroyed ? undefined : answer;
  }

  #list(request: ApiRequest, bytes: number, ms: number, answer: Partial<Answer & { body: string }> = {}): void {
    if (isPoll(request)) return;
    const { at, method, path, query, headers, text } = request;
    const { status, lacks, hint, body = "" } = answer;
    const entry = this.requests.add(
      { at, method, path, query: query.toString(), headers, body: text, answer: body, status, ms, lacks, hint },
      bytes + body.length + 1000,
    );
    this.#options.onRequest?.(entry);
    this.#changed();
  }
}

/** Passes on each message once. */
function onceEach(tell: (message: string) => void): (message: string) => void {
  const told = new Set<string>();
  return (message) => {
    if (told.has(message) || told.size >= MAX_NOTES) return;
    told.add(message);
    tell(message);
  };
}

function pathOf({ url = "/" }: IncomingMessage): string {
  return url.split("?", 1)[0] || "/";
}

async function toRequest(incoming: IncomingMessage, body: Buffer, at: number): Promise<ApiRequest> {
  const { method = "", url = "/", headers } = incoming;
  const text = body.toString("utf8");
  const path = pathOf(incoming);
  const [, search = ""] = url.split("?", 2);
  const query = new URLSearchParams(search);
  const type = headers["content-type"] ?? "";
  const parsed = text === "" ? undefined : parseJson(text);
  const form = type.startsWith("multipart/") ? await readMultipart(body, type) : new URLSearchParams(text || search);
  return { method, path, query, headers, text, form, json: parsed?.ok ? parsed.value : undefined, at };
}

/** Zoho's own clients send their token requests as multipart. The value of a file is its name. */
async function readMultipart(body: Buffer, type: string): Promise<URLSearchParams> {
  const parsing = new Response(new Uint8Array(body), { headers: { "content-type": type } }).formData();
  const form = await parsing.catch(() => new FormData());
  const fields = [...form].map(([name, value]): [string, string] => [
    name,
    typeof value === "string" ? value : value.name,
  ]);
  return new URLSearchParams(fields);
}

/** Resolves after a time, or once the client is gone. */
function untilClosed(response: ServerResponse, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(finish, ms);
    response.once("close", finish);
  });
}

function sendAnswer(response: ServerResponse, answer: Answer, date: string | undefined): void {
  const { body, status } = answer;
  const headers = { "content-type": "application/json;charset=UTF-8", ...(date === undefined ? {} : { date }) };
  response.sendDate = false;
  response.writeHead(status, { ...headers, ...answer.headers });
  response.end(status === 204 ? undefined : textOfBody(body));
}

function textOfBody(body: unknown): string {
  return typeof body === "string" ? body : (JSON.stringify(body) ?? "");
}
