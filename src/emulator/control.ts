import type { ServerResponse } from "node:http";
import { eventNames } from "../model/event-names.ts";
import { chosenFormat, requireOneEvent, requireProduct } from "../model/named.ts";
import { SECURITY_HEADERS } from "../page-kit/security.ts";
import { products } from "../products/index.ts";
import { freshData, readBuiltInFixture } from "../samples/fixtures.ts";
import { UserError, usageError } from "../util/errors.ts";
import { isHttpUrl } from "../util/hosts.ts";
import { isRecord, jsonAt } from "../util/json.ts";
import { parseDuration, parseTimeout, readDuration } from "../util/units.ts";
import {
  type Answer,
  type ApiRequest,
  failureOf,
  type RecordStore,
  Refusal,
  type Subscription,
  storeOf,
  type Wording,
} from "./answer.ts";
import type { BoundedList } from "./bounded-list.ts";
import type { Deliveries, NumberedDelivery } from "./deliveries.ts";
import { DELIVERY_FAULTS, type Faults, type RequestFault, requireTimes } from "./faults.ts";
import { requireKnown, requireOneOf } from "./members.ts";
import type { Organisation } from "./organisation.ts";
import { isPoll } from "./own-client.ts";
import { exportCommand, publishedSecrets } from "./published.ts";
import { beginningsOf } from "./sample-record.ts";
import type { EmulatorState } from "./services/index.ts";
import { readSnapshot, snapshotOf } from "./snapshot.ts";
import { requirePath, type Stubs } from "./stubs.ts";
import type { DeliveryView, EmulatorView, SampleProduct, SeenRequest, WholeDelivery } from "./view.ts";

export const CONTROL_PATH = "/_emulator/";

interface Parts {
  readonly organisation: Organisation;
  readonly faults: Faults;
  readonly stubs: Stubs;
  readonly deliveries: Deliveries;
  readonly requests: BoundedList<SeenRequest>;
  /** How `zoho-hooks` is called in a terminal. */
  readonly invocation: string;
  readonly packageRoot: string;
  url(): string;
  localUrl(): string;
  now(): number;
  advance(ms: number): void;
  reset(): void;
  restore(state: EmulatorState): void;
}

const SHOWN_REQUESTS = 100;
const SHOWN_DELIVERIES = 200;
const MAX_RECORDS = 10_000;

/**
 * What a call takes: parameters of a GET, members of another's body. Those of `fail`, `answer` and `restore` are checked where they
 * are read.
 */
const TAKEN: Readonly<Record<string, readonly string[]>> = {
  "GET state": [],
  "GET records": ["product", "module", "limit"],
  "POST records": ["product", "module", "action", "id", "data"],
  "GET beginnings": ["product", "module"],
  "POST subscriptions": ["product", "id", "action"],
  "GET requests": ["after"],
  "GET requests/N": [],
  "GET deliveries": ["after", "settled"],
  "GET deliveries/N": [],
  "POST deliveries/N/again": [],
  "GET samples": [],
  "POST deliver": ["product", "event", "to", "format"],
  "POST advance": ["by"],
  "POST reset": [],
  "GET snapshot": [],
  "POST code": ["scope"],
};

/** Answers the calls under `/_emulator/`, which docs/emulator.md describes. */
export class Control {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async answer(request: ApiRequest): Promise<Answer> {
    try {
      return { status: 200, body: await this.#call(request) };
    } catch (error) {
      if (error instanceof Refusal) {
        const { status, body: refused } = error.answer;
        return { status, body: { error: error.message, hint: "Zoho would answer this", answer: refused } };
      }
      if (!(error instanceof UserError)) throw error;
      const { message, hint, code } = error;
      return { status: code === NOT_FOUND ? 404 : 400, body: { error: message, hint } };
    }
  }

  async #call(request: ApiRequest): Promise<unknown> {
    const { organisation, deliveries, requests, advance, reset } = this.#parts;
    const call = `${request.method} ${request.path.slice(CONTROL_PATH.length)}`;
    const [, n = "", again] = /^(?:GET|POST) (?:deliveries|requests)\/(\d{1,15})(\/again)?$/.exec(call) ?? [];
    const body = isRecord(request.json) ? request.json : {};
    const name = n === "" ? call : call.replace(n, "N");
    const known = TAKEN[name];
    const given = request.method === "GET" ? Object.fromEntries(request.query) : body;
    if (known !== undefined) requireKnown(given, known, `taken by ${name}`);
    switch (name) {
      case "GET state":
        return this.#state();
      case "GET records":
        return { records: this.#records(request.query) };
      case "POST records":
        await deliveries.room();
        return { record: this.#write(body) };
      case "GET beginnings": {
        const [product, module] = ["product", "module"].map((name) =>
          requiredText(Object.fromEntries(request.query), name),
        );
        const store = this.#store({ product });
        return beginningsOf(store.product, module ?? "", (other) => store.list(other, 1)[0]);
      }
      case "POST subscriptions":
        this.#endSubscription(body);
        return {};
      case "GET requests":
        return { requests: after(requests, request.query), dropped: requests.dropped };
      case "GET requests/N": {
        const found = requests.find(Number(n));
        if (found === undefined) throw notFound(`there is no request ${n}`, "GET /_emulator/requests lists them");
        return found;
      }
      case "GET deliveries":
        if (request.query.has("settled")) await deliveries.settled();
        return {
          deliveries: after(deliveries.sent, request.query).map(wholeDelivery),
          dropped: deliveries.sent.dropped,
        };
      case "GET deliveries/N":
      case "POST deliveries/N/again": {
        const found = deliveries.sent.find(Number(n));
        if (found === undefined) throw notFound(`there is no delivery ${n}`, "GET /_emulator/deliveries lists them");
        if (again !== undefined) deliveries.sendAgain(found.n);
        return wholeDelivery(found);
      }
      case "GET samples":
        return { samples: samples() };
      case "POST deliver":
        return this.#deliver(body);
      case "POST fail":
        planFault(this.#parts.faults, body);
        return {};
      case "POST answer":
        // As it is written: a client may read its numbers of 19 digits.
        this.#parts.stubs.add(typeof body.body === "string" ? body : { ...body, body: jsonAt(request.text, ["body"]) });
        return {};
      case "POST advance":
        advance(readAge(requiredText(body, "by")));
        return {};
      case "POST reset":
        reset();
        return { seeded: organisation.hasSeed };
      case "GET snapshot":
        return snapshotOf(organisation.state);
      case "POST restore":
        this.#parts.restore(readSnapshot(request.json, "the body", "GET /_emulator/snapshot answers one"));
        return {};
      case "POST code": {
        const code = organisation.accounts.grant(requiredText(body, "scope").split(/[\s,]+/));
        if (code !== undefined) return { code };
        throw usageError("access_denied: more than ten codes in ten minutes", "POST /_emulator/advance by 10m");
      }
      default:
        throw notFound(`there is no control call ${request.method} ${request.path}`, "docs/emulator.md lists them");
    }
  }

  #state(): EmulatorView {
    const { organisation, url, localUrl, invocation, faults, now, requests, deliveries } = this.#parts;
    return {
      url: url(),
      invocation,
      variables: exportCommand(invocation, { url: url(), localUrl: localUrl() }),
      faults: { answers: faults.requests.remaining, deliveries: faults.deliveries.remaining },
      now: now(),
      modules: organisation.stores.flatMap((store) =>
        store.modules().map((each) => ({ product: store.product, ...each })),
      ),
      subscriptions: organisation.subscriptions(),
      requests: newest(requests, SHOWN_REQUESTS).map(
        ({ headers: _headers, body: _body, answer: _answer, ...shown }) => shown,
      ),
      deliveries: newest(deliveries.sent, SHOWN_DELIVERIES).map(shownDelivery),
      dropped: { requests: requests.dropped, deliveries: deliveries.sent.dropped },
    };
  }

  #records(query: URLSearchParams) {
    const { product, module, limit = "200" } = Object.fromEntries(query);
    const count = Math.min(Number(limit) || 0, MAX_RECORDS);
    return this.#store({ product }).list(requiredText({ module }, "module"), count);
  }

  #write(body: Body): unknown {
    const store = this.#store(body);
    const module = requiredText(body, "module");
    const action = requireOneOf(body, "action", ["create", "change", "delete"]);
    const { data = {} } = body;
    if (!isRecord(data)) throw usageError("data is not an object");
    if (action === "create") return store.create(module, data);
    const id = requiredText(body, "id");
    if (action === "change") return store.change(module, id, data);
    store.remove(module, id);
    return { id };
  }

  #endSubscription(body: Body): void {
    const [product, id] = [requiredText(body, "product"), requiredText(body, "id")];
    const action = requireOneOf(body, "action", ["expire", "delete"]);
    const { services } = this.#parts.organisation;
    const isIt = (each: Subscription): boolean => each.product === product && each.id === id;
    const service = services.find((each) => each.subscriptions().some(isIt));
    if (service === undefined)
      throw notFound(`${product} has no channel or webhook ${id}`, "GET /_emulator/state lists them");
    if (action === "delete") service.unsubscribe(product, id);
    else if (service.expire === undefined)
      throw usageError(`webhooks of ${product} do not expire`, "action delete ends it");
    else service.expire(product, id);
  }

  #store(body: Body): RecordStore {
    return storeOf(this.#parts.organisation.stores, requiredText(body, "product"));
  }

  /** Posts a new sample of any product, also of those without an API here, signed with the published secrets. */
  #deliver(body: Body) {
    const { packageRoot, deliveries, now } = this.#parts;
    const product = requireProduct(products, requiredText(body, "product"));
    const [name, url] = [requiredText(body, "event"), requiredText(body, "to")];
    if (!isHttpUrl(url))
      throw usageError(`to: ${JSON.stringify(url)} is not a URL`, "such as http://127.0.0.1:3000/webhooks/zoho/crm");
    const format = chosenFormat(product, body.format === undefined ? undefined : requiredText(body, "format"), name);
    const sample = { product, format, name: requireOneEvent(product, format, name).name };
    const event = sample.name;
    const fixture = readBuiltInFixture(packageRoot, sample);
    if (fixture === undefined) throw usageError(`there is no sample of ${product.id} ${event}`);
    const fresh = freshData(sample, fixture, new Date(now()));
    deliveries.send({ product: product.id, format, event, url, body: fresh, secrets: publishedSecrets });
    return { product: product.id, format: format.id, event, url };
  }
}

/** What `deliver` takes, for the page to choose from. */
function samples(): readonly SampleProduct[] {
  return products.map(({ id, title, formats }) => ({
    product: id,
    name: title,
    events: [...new Set(formats.flatMap(eventNames))],
  }));
}

/** The page's event stream: one message whenever something changed, at most four a second. */
export class Changes {
  readonly #watchers = new Set<ServerResponse>();
  #timer: NodeJS.Timeout | undefined;

  watch(response: ServerResponse): void {
    this.#watchers.add(response);
    response.once("close", () => this.#watchers.delete(response));
    response.writeHead(200, { ...SECURITY_HEADERS, "content-type": "text/event-stream" });
    response.write("data: {}\n\n");
  }

  notify(): void {
    if (this.#watchers.size === 0) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      for (const each of this.#watchers) if (!each.writableNeedDrain) each.write("data: {}\n\n");
    }, CHANGES_PAUSE_MS);
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const each of this.#watchers) each.destroy();
  }
}

const CHANGES_PAUSE_MS = 250;

/** Members of a fault of either kind. */
const FAULT_MEMBERS = { answer: ["answer", "times", "path", "retryAfter"], delivery: ["delivery", "times", "product"] };

/** Plans a fault of the next answers or of the next deliveries. Throws a usage error for a mistake in it. */
export function planFault(faults: Faults, given: Body): void {
  const { answer, delivery, times = 1 } = given;
  if ((answer === undefined) === (delivery === undefined)) throw usageError("either answer or delivery must be given");
  const kind = delivery === undefined ? "answer" : "delivery";
  requireKnown(given, FAULT_MEMBERS[kind], `for a fault of kind ${kind}`);
  const count = requireTimes(times);
  const optional = (name: string): string | undefined =>
    given[name] === undefined ? undefined : requiredText(given, name);
  const [path = "", retryAfter, product] = ["path", "retryAfter", "product"].map(optional);
  if (kind === "delivery") {
    const fault = DELIVERY_FAULTS.find((each) => each === delivery);
    if (fault === undefined)
      throw usageError(`delivery: ${JSON.stringify(delivery)} is not one of ${DELIVERY_FAULTS.join(", ")}`);
    const id = product === undefined ? undefined : requireProduct(products, product).id;
    faults.deliveries.add(fault, count, (each) => id === undefined || each.product === id);
    return;
  }
  if (path !== "") requirePath(path, "it is the start of a path, such as /crm/v8/Leads");
  faults.requests.add(
    requestFault(answer, retryAfter),
    count,
    (request) => request.path.startsWith(path) && !isPoll(request),
  );
}

function requestFault(answer: unknown, retryAfter: string | undefined): RequestFault {
  if (answer === "silence" || answer === "cut") return answer;
  if (typeof answer === "string" && readDuration(answer) !== undefined)
    return { delayMs: parseTimeout(answer, "answer") };
  return failedAnswer(answer, afterHeader(retryAfter));
}

function failedAnswer(answer: unknown, headers: Readonly<Record<string, string>>): (fail: Wording) => Answer {
  const status = Number(answer);
  if (typeof answer !== "number" || !Number.isInteger(status) || status < 400 || status > 599)
    throw usageError(
      `answer: ${JSON.stringify(answer)} is not a status from 400 to 599, silence, cut or a delay such as 3s`,
      `a fault of deliveries is one of ${DELIVERY_FAULTS.join(", ")}`,
    );
  return (fail) => {
    const worded = fail(failureOf(status), { status });
    return { ...worded, headers: { ...worded.headers, ...headers } };
  };
}

function afterHeader(text: string | undefined): Readonly<Record<string, string>> {
  return text === undefined ? {} : { "retry-after": String(Math.ceil(parseDuration(text, "retryAfter") / 1000)) };
}

/** `6d` as milliseconds. */
export function readAge(text: string): number {
  const ms = parseDuration(text, "by");
  if (ms > 0 && ms <= MAX_AGE_MS) return ms;
  throw usageError(`by: ${JSON.stringify(text)} is not more than 0 and at most 3650d`);
}

/** Ten years: times stay within what a Date can hold. */
const MAX_AGE_MS = 3650 * 86_400_000;

/** A delivery as control calls and `startZoho` show it. */
export function wholeDelivery(sent: NumberedDelivery): WholeDelivery {
  const { method, headers, body } = sent.delivery;
  const named = headers.map(([name, value]) => [name.toLowerCase(), value]);
  return { ...shownDelivery(sent), method, headers: Object.fromEntries(named), body: body.toString("utf8") };
}

function shownDelivery({ delivery, ...rest }: NumberedDelivery): DeliveryView {
  return { ...rest, url: delivery.url };
}

function newest<Item>(list: BoundedList<Item>, count: number) {
  return list.items.slice(-count).reverse();
}

function after<Item>(list: BoundedList<Item>, query: URLSearchParams) {
  const n = Number(query.get("after") ?? 0);
  return list.items.slice(Math.max(0, n - list.dropped));
}

type Body = Readonly<Record<string, unknown>>;

/** A number is taken too: an id that is a number of JSON. */
function requiredText(body: Body, name: string): string {
  const value = body[name];
  if (typeof value === "number") return String(value);
  if (typeof value === "string" && value !== "") return value;
  throw usageError(`${name} is ${value === undefined ? "missing" : "not a text"}`);
}

const NOT_FOUND = "not_found";

function notFound(message: string, hint: string): UserError {
  return new UserError("usage", message, hint, NOT_FOUND);
}
