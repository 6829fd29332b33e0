import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { HEALTH_PATH } from "../delivery/paths.ts";
import { openServer, sendReply } from "../receiver/http-server.ts";
import { readWholeBody } from "../receiver/read-body.ts";
import { healthReply, type RunningServer } from "../receiver/routes.ts";
import { errorText } from "../util/errors.ts";
import { reachableOrigin } from "../util/hosts.ts";
import { parseJson } from "../util/json.ts";
import { readPage, sendBytes } from "../web/page-files.ts";
import { foreignRefusal, isAddressOr, SECURITY_HEADERS } from "../web/security.ts";
import { Accounts, tokenOf } from "./accounts.ts";
import {
  type Answer,
  type ApiRequest,
  defaultWording,
  errorAnswer,
  Refusal,
  type Subscription,
  Unmodelled,
  type Wording,
} from "./answer.ts";
import { BoundedList } from "./bounded-list.ts";
import { Changes, CONTROL_PATH, Control } from "./control.ts";
import { Deliveries, type NumberedDelivery } from "./deliveries.ts";
import { Faults } from "./faults.ts";
import { isPoll } from "./own-client.ts";
import { compileRoutes, findRoute } from "./routes.ts";
import { plant, type Seed } from "./seed.ts";
import type { Override, Service } from "./service.ts";
import { definitions, type EmulatorState, emptyState } from "./services/index.ts";
import { age } from "./state.ts";
import { Stubs, stubCommand } from "./stubs.ts";
import type { NumberedRequest, SeenRequest } from "./view.ts";

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

export type Emulator = Awaited<ReturnType<typeof openEmulator>>;

const MAX_BODY_BYTES = 5 * 1024 * 1024;
const MAX_SNAPSHOT_BYTES = 64 * 1024 * 1024;
const MAX_REQUESTS = 10_000;
const MAX_REQUEST_BYTES = 64 * 1024 * 1024;
const MAX_NOTES = 1000;
const CLOSE_GRACE_MS = 200;
const OWN_HOSTS =
  "a browser uses it from its own page, at localhost, an IP address or the name given as --host or --base-url";
/** A client has no token yet when it comes here. */
const ACCOUNTS_PATH = "/oauth/";
const CHANGES_PATH = `${CONTROL_PATH}changes`;

/**
 * Serves one Zoho organisation: its accounts server and the APIs of its products. Rejects with a usage error for an address
 * that cannot be listened on, and for a mistake in the seed.
 */
export async function openEmulator(options: EmulatorOptions) {
  const { host = "127.0.0.1", baseUrl, onTrouble = () => {} } = options;
  const hosts = [host, ...(baseUrl === undefined ? [] : [new URL(baseUrl).hostname])];
  const now = options.now ?? (() => new Date());
  const clock = (): number => now().getTime();
  const state = options.state ?? emptyState();
  const faults = new Faults();
  const stubs = new Stubs();
  const changes = new Changes();
  const changed = (): void => {
    changes.notify();
    options.onChange?.();
  };
  const onSent = (sent: NumberedDelivery): void => {
    options.onDelivery?.(sent);
    changed();
  };
  const deliveries = new Deliveries({ faults, env: options.env, now: clock, onSent });
  const requests = new BoundedList<SeenRequest>(MAX_REQUESTS, MAX_REQUEST_BYTES);
  const accounts = new Accounts(state, clock);
  let url = "";
  let localUrl = "";
  const parts = { deliveries, now: clock, url: () => url, note: onceEach((message) => options.onNote?.(message)) };
  const services = definitions.map((definition) => {
    const service = definition.open(() => state.services[definition.name], parts);
    return { name: definition.name, service, routes: compileRoutes(service.routes) };
  });
  const stores = services.flatMap(({ service }) => service.records);
  const subscriptions = (): readonly Subscription[] => services.flatMap(({ service }) => service.subscriptions());
  const settings = { showsClock: true };
  const page = readPage(join(options.packageRoot, "dist/emulator"));
  /** Ages everything that the organisation holds; the clock stays. */
  const advance = (ms: number): void => {
    const finish = services.map(({ service }) => service.aging?.());
    age(state, ms);
    for (const each of finish) each?.();
    changed();
  };
  /** Gives the organisation another state, and forgets what was planned for the old one and what has happened to it. */
  const restore = (other: EmulatorState): void => {
    Object.assign(state, other);
    for (const { service } of services) service.reset?.();
    faults.clear();
    stubs.clear();
    deliveries.clear();
    requests.clear();
    changed();
  };
  /** Puts the organisation back to its start: the seed, or nothing. */
  const reset = (): void => {
    restore(emptyState());
    if (options.seed === undefined) return;
    plant(
      services.map(({ service }) => service),
      options.seed,
    );
    changed();
  };
  if (options.seed !== undefined) {
    const kept = { ...state };
    try {
      // Also where it is not used now, as a reset will need it.
      reset();
    } catch (error) {
      Object.assign(state, kept);
      throw error;
    }
    if (!isDeepStrictEqual(kept, emptyState())) Object.assign(state, kept);
  }
  const control = new Control({
    state,
    hasSeed: options.seed !== undefined,
    faults,
    stubs,
    deliveries,
    requests,
    stores,
    services: services.map(({ service }) => service),
    invocation: options.invocation ?? "npx zoho-hooks",
    subscriptions,
    advance,
    reset,
    restore,
    now: clock,
    url: () => url,
    localUrl: () => localUrl,
    packageRoot: options.packageRoot,
    makeCode: (scopes) => accounts.grant(scopes),
  });

  const ownerOf = ({ path }: ApiRequest) => services.find(({ service }) => service.paths.test(path));
  const wordingFor = (request: ApiRequest): Wording => ownerOf(request)?.service.fail ?? defaultWording;

  const answerTo = async (request: ApiRequest): Promise<Answer> => {
    const ofAccounts = request.path.startsWith(ACCOUNTS_PATH) ? stubs.take(request) : undefined;
    const answer = ofAccounts ?? accounts.answer(request, baseUrl ?? originOf(request) ?? url);
    if (answer !== undefined) return answer;
    const [found, fail] = [ownerOf(request), wordingFor(request)];
    const route = findRoute(found?.routes ?? [], request);
    const token = tokenOf(request.headers);
    const scopes = route?.isPublic === true ? [] : accounts.scopesOf(token ?? "");
    if (scopes === undefined) return fail(token === undefined ? "noToken" : "badToken");
    const stub = stubs.take(request);
    if (stub !== undefined) return stub;
    const lack = (failure: "lacking" | "unmodelled", lacks: string): Answer => {
      const message = `The emulator does not have ${lacks}. To answer it yourself: ${stubCommand(url, request)}`;
      return { ...fail(failure, { message }), lacks };
    };
    const call = `${request.method} ${request.path}`;
    await deliveries.room();
    try {
      for (const override of options.overrides ?? []) {
        const answered = await override.answer(request, scopes);
        if (answered !== undefined) return answered;
      }
      if (route !== undefined && route.handle === undefined) return fail("wrongMethod");
      const answered = await route?.handle?.({ ...request, scopes, params: route.params });
      if (answered !== undefined) return answered;
    } catch (error) {
      if (error instanceof Refusal) return error.answer;
      if (error instanceof Unmodelled) return lack("unmodelled", `${error.message} of ${call}`);
      throw error;
    }
    return lack("lacking", call);
  };

  /** The page, control calls and `/healthz`. They are not listed, and no fault applies to them. */
  const serveOwn = async (incoming: IncomingMessage, response: ServerResponse, request: ApiRequest) => {
    if (request.path === HEALTH_PATH)
      return sendReply(
        response,
        healthReply(incoming, () => ({ command: "emulate", ...options.owner }), false),
      );
    const file = page.get(request.path);
    if (file !== undefined) return sendBytes(response, 200, file.type, file.bytes);
    if (request.method === "GET" && request.path === CHANGES_PATH) return changes.watch(response);
    const { status, body } = await control.answer(request);
    sendAnswer(response, { status, body, headers: SECURITY_HEADERS }, undefined);
    if (request.method !== "GET") changed();
  };

  const serve = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const startedAt = performance.now();
    const path = pathOf(incoming);
    const isOwn =
      path.startsWith(CONTROL_PATH) || (incoming.method === "GET" && (page.has(path) || path === HEALTH_PATH));
    // A browser names the origin of whatever its pages post, and SDKs name none.
    if (isOwn || incoming.headers.origin !== undefined) {
      const refusal = foreignRefusal(incoming, (name) => isAddressOr(hosts, name), baseUrl);
      if (refusal !== undefined) {
        const body = { error: refusal.reason, hint: OWN_HOSTS };
        return sendAnswer(response, { status: refusal.status, body, headers: SECURITY_HEADERS }, undefined);
      }
    }
    const isSnapshot = path === `${CONTROL_PATH}restore`;
    const read = await readWholeBody(incoming, isSnapshot ? MAX_SNAPSHOT_BYTES : MAX_BODY_BYTES);
    if (read === undefined) return void response.writeHead(413, { connection: "close" }).end();
    const request = await toRequest(incoming, read, clock());
    if (isOwn) return serveOwn(incoming, response, request);
    const seen = ({ status, lacks, body = "" }: Partial<Answer & { body: string }> = {}): void => {
      if (isPoll(request)) return;
      const { at, method, path, query, headers, text } = request;
      const ms = Math.round(performance.now() - startedAt);
      const answered = { answer: body, status, ms, lacks };
      const whole = { at, method, path, query: query.toString(), headers, body: text, ...answered };
      const entry = requests.add(whole, read.length + body.length + 1000);
      options.onRequest?.(entry);
      changed();
    };
    options.onArrival?.(request);
    const fault = faults.requests.take(request);
    if (fault === "cut") incoming.socket.destroy();
    if (fault === "cut" || fault === "silence") return seen();
    const planned = typeof fault === "function" ? fault(wordingFor(request)) : fault;
    const isUsual = planned === undefined || "delayMs" in planned;
    const found = isUsual ? await answerTo(request) : planned;
    const answer = { ...found, body: textOfBody(found.body) };
    if (planned !== undefined && isUsual) await untilClosed(response, planned.delayMs);
    if (response.destroyed) return seen();
    sendAnswer(response, answer, settings.showsClock ? now().toUTCString() : undefined);
    seen(answer);
  };

  const server = await openServer(
    { host, port: options.port },
    (incoming, response) => {
      serve(incoming, response).catch((error: unknown) => {
        onTrouble(errorText(error));
        if (response.headersSent) response.destroy();
        else sendAnswer(response, errorAnswer(500, "INTERNAL_ERROR", "Internal server error occurred."), undefined);
      });
    },
    { maxBody: MAX_BODY_BYTES, onProtocolError: onTrouble },
  );
  localUrl = reachableOrigin(host, server.port);
  url = baseUrl ?? localUrl;

  return {
    url,
    /** Address on this machine. */
    localUrl,
    state,
    faults,
    stubs,
    deliveries,
    requests,
    accounts,
    settings,
    /** One of the services by its name. */
    service: (name: string): Service | undefined => services.find((each) => each.name === name)?.service,
    stores,
    subscriptions,
    advance,
    reset,
    restore,
    async close(): Promise<void> {
      changes.close();
      await Promise.all([deliveries.close(), server.close(CLOSE_GRACE_MS)]);
    },
  };
}

/** Origin from the Host header. It differs from `url` for a client in a container, whose token answers must name it. */
function originOf({ headers: { host = "" } }: ApiRequest): string | undefined {
  return /:\d+$/.test(String(host)) ? `http://${host}` : undefined;
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
