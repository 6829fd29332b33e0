import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { Probe } from "../contract/product.ts";
import type { HeaderPair } from "../delivery/delivery.ts";
import type { Secrets } from "../delivery/secrets.ts";
import { wire } from "../products/desk/wire.ts";
import { writeKeySet } from "../proofs/keys.ts";
import { isRecord } from "../util/json.ts";
import {
  type Answer,
  type ApiRecord,
  type ApiRequest,
  type RecordStore,
  Refusal,
  type Service,
  type Subscription,
} from "./answer.ts";
import type { Deliveries } from "./deliveries.ts";
import { counted, misfitIn, newestFirst, onlyKey } from "./records.ts";
import { type DeskHook, type EmulatorState, memberOf, nextId, type Records, type StoredRecord } from "./state.ts";

type Data = Readonly<Record<string, unknown>>;

const EVENTS = new Set<string>(wire.events.map(({ name }) => name));
const KEYS = ["name", "description", "url", "isEnabled", "ignoreSourceId", "includeEventsFrom", "subscriptions"];
const FILTERS: Readonly<Record<string, RegExp>> = {
  departmentIds:
    /^((Ticket|Ticket_Comment|Task|Call|Event)_(Add|Update)|Ticket_Thread_Add|IM_(Message_(Add|Status)|Session_Status))$/,
  fields: /^Ticket_Update$/,
  includePrevState:
    /^(Ticket|Task|Call|Event|Account|Agent|Article|Article_Translation|Contact|Department|KBRootCategory|KBSection|TimeEntry)_Update$/,
  direction: /^Ticket_Thread_Add$/,
};
const OPERATIONS: Readonly<Record<string, string>> = {
  GET: "READ",
  POST: "CREATE",
  PATCH: "UPDATE",
  DELETE: "DELETE",
};

interface Module {
  /** Start of its events: `Ticket_Add`. */
  readonly event: string;
  readonly required: readonly string[];
  /** Members of a new record, and by their type what a client may write. */
  readonly usual: Data;
}

/** https://github.com/zoho/zohodesk-oas: `Ticket.json`, `Contact.json` */
const MODULES: Readonly<Record<string, Module>> = {
  tickets: {
    event: "Ticket",
    required: ["subject", "departmentId", "contactId"],
    usual: {
      subject: null,
      description: null,
      status: "Open",
      priority: null,
      category: null,
      subCategory: null,
      classification: null,
      channel: "Web",
      departmentId: null,
      contactId: null,
      accountId: null,
      assigneeId: null,
      teamId: null,
      productId: null,
      email: null,
      phone: null,
      dueDate: null,
      resolution: null,
      threadCount: "0",
      commentCount: "0",
      isEscalated: false,
      isSpam: false,
      cf: {},
    },
  },
  contacts: {
    event: "Contact",
    required: ["lastName"],
    usual: {
      firstName: null,
      lastName: null,
      email: null,
      secondaryEmail: null,
      phone: null,
      mobile: null,
      accountId: null,
      ownerId: null,
      type: null,
      title: null,
      description: null,
      isSpam: false,
      cf: {},
    },
  },
};
/** Written by Desk only: ignored in the data of a client. */
const COMPUTED = new Set(["id", "ticketNumber", "statusType", "closedTime", "createdTime", "modifiedTime", "webUrl"]);
const CLOSED = "Closed";

/** What a write has changed, for the filters of a webhook. */
interface Change {
  readonly sourceId: string | undefined;
  /** Old values of the changed members. */
  readonly before?: Data;
}

/** Tickets, contacts and webhooks of one Desk organisation, by its OpenAPI. A URL is probed before its webhook is saved. */
export class Desk implements Service, RecordStore {
  readonly product = "desk";
  readonly orgId = "60017843";
  /** The organisations of the sign-in. */
  organisations: readonly { readonly id: string; readonly companyName: string }[] = [
    { id: this.orgId, companyName: "Acme" },
  ];
  readonly #state: Pick<EmulatorState, "desk" | "deskKey">;
  readonly #deliveries: Pick<Deliveries, "probe" | "send">;
  readonly #now: () => number;

  constructor(
    state: Pick<EmulatorState, "desk" | "deskKey">,
    deliveries: Pick<Deliveries, "probe" | "send">,
    now: () => number,
  ) {
    this.#state = state;
    this.#deliveries = deliveries;
    this.#now = now;
  }

  get hooks(): readonly DeskHook[] {
    return this.#state.desk.hooks;
  }

  /** Made on first use: it takes 100 ms. */
  get #privateKey(): string {
    this.#state.deskKey ??= generateKeyPairSync("rsa", {
      modulusLength: 2048,
      publicKeyEncoding: { type: "spki", format: "pem" },
      privateKeyEncoding: { type: "pkcs8", format: "pem" },
    }).privateKey;
    return this.#state.deskKey;
  }

  /** The key of its tokens. */
  get secrets(): Secrets {
    return onlyKey("privateKey", this.#privateKey);
  }

  /** The public keys that verify Desk's tokens, which everybody may read. */
  keySet(): Answer {
    return { status: 200, body: writeKeySet(createPublicKey(this.#privateKey)) };
  }

  subscriptions(): readonly Subscription[] {
    return this.hooks.map(({ id, body: { url, subscriptions, isEnabled } }) => ({
      product: this.product,
      id,
      url: String(url),
      events: Object.keys(Object(subscriptions)),
      enabled: isEnabled !== false,
    }));
  }

  modules() {
    const { tickets, contacts } = this.#state.desk;
    return counted({ tickets, contacts });
  }

  list(module: string, limit: number): readonly ApiRecord[] {
    return newestFirst(this.#records(module))
      .slice(0, limit)
      .map((record) => shown(module, record));
  }

  create(module: string, given: Data, sourceId?: string): ApiRecord {
    const records = this.#records(module);
    const { usual, event } = moduleOf(module);
    const data = { ...usual, ...this.#checked(module, given, usual, sourceId) };
    const now = this.#now();
    const record: StoredRecord = { id: nextId(this.#state.desk), createdAt: now, modifiedAt: now, data };
    setClosed(record, now);
    records[record.id] = record;
    this.#post(`${event}_Add`, this.#payload(module, record), { sourceId });
    return shown(module, record);
  }

  change(module: string, id: string, given: Data, sourceId?: string): ApiRecord {
    const record = this.#record(module, id);
    const written = this.#checked(module, given, record.data, sourceId);
    const changed = Object.entries(written).filter(([name, value]) => !isDeepStrictEqual(value, record.data[name]));
    if (changed.length === 0) return shown(module, record);
    const before = Object.fromEntries(changed.map(([name]) => [name, memberOf(record.data, name) ?? null]));
    record.data = { ...record.data, ...written };
    record.modifiedAt = this.#now();
    setClosed(record, record.modifiedAt);
    this.#post(`${moduleOf(module).event}_Update`, this.#payload(module, record), { sourceId, before });
    return shown(module, record);
  }

  remove(module: string, id: string, sourceId?: string): void {
    const { data } = this.#record(module, id);
    delete this.#records(module)[id];
    this.#post(`${moduleOf(module).event}_Delete`, { id }, { sourceId }, data.departmentId);
  }

  async answer(request: ApiRequest, scopes: readonly string[]): Promise<Answer | undefined> {
    const path = /^\/api\/v1\/(organizations|webhooks|tickets|contacts)(?:\/(\d+|moveToTrash))?$/.exec(request.path);
    if (path === null) return undefined;
    const [, module = "", id] = path;
    const operation = id === "moveToTrash" ? "DELETE" : memberOf(OPERATIONS, request.method);
    if (module === "organizations") {
      return scopes.includes("Desk.basic.READ")
        ? { status: 200, body: { data: this.organisations } }
        : fault(403, "SCOPE_MISMATCH", "The OAuth token does not have access");
    }
    if ((request.headers.orgid ?? request.query.get("orgId")) !== this.orgId)
      return fault(403, "FORBIDDEN", "The orgId is missing or not yours");
    if (operation === undefined) return fault(405, "METHOD_NOT_ALLOWED", "not here");
    const has = (group: string): boolean => scopes.includes(`Desk.${group}.${operation}`);
    const isAllowed =
      module === "webhooks"
        ? (has("settings") && has("events")) || has("webhooks")
        : has(module) || scopes.includes(`Desk.${module}.ALL`);
    if (!isAllowed) return fault(403, "SCOPE_MISMATCH", "The OAuth token does not have access");
    return module === "webhooks" ? this.#webhooks(request, id) : this.#answerRecords(request, module, id);
  }

  #answerRecords({ method, json, headers, query }: ApiRequest, module: string, id: string | undefined): Answer {
    const sourceId = typeof headers.sourceid === "string" ? headers.sourceid : undefined;
    const data = isRecord(json) ? json : {};
    if (id === "moveToTrash" && method === "POST") {
      const name = module === "tickets" ? "ticketIds" : "contactIds";
      const ids = Array.isArray(data[name]) ? data[name].map(String) : [];
      if (ids.length === 0) return invalid(`/${name}`, "missing");
      const known = this.#records(module);
      if (ids.some((each) => memberOf(known, each) === undefined)) return invalid(`/${name}`);
      for (const each of new Set(ids)) this.remove(module, each, sourceId);
      return { status: 204 };
    }
    if (method === "POST" && id === undefined) return { status: 200, body: this.create(module, data, sourceId) };
    if (method === "PATCH" && id !== undefined) return { status: 200, body: this.change(module, id, data, sourceId) };
    if (method !== "GET" || id === "moveToTrash") return fault(405, "METHOD_NOT_ALLOWED", "not here");
    if (id !== undefined) return { status: 200, body: shown(module, this.#record(module, id)) };
    const from = Number(query.get("from") ?? 0);
    const limit = Number(query.get("limit") ?? 25);
    if (!(from >= 0)) return outOfRange("from");
    if (!(limit >= 1 && limit <= 100)) return outOfRange("limit");
    const page = this.list(module, from + limit).slice(from);
    return page.length === 0 ? { status: 204 } : { status: 200, body: { data: page } };
  }

  async #webhooks({ method, json }: ApiRequest, id: string | undefined): Promise<Answer> {
    if (method === "POST" && id === undefined) return this.#saveHook(isRecord(json) ? json : {});
    if (method === "GET" && id === undefined)
      return this.hooks.length === 0 ? { status: 204 } : { status: 200, body: { data: this.hooks.map(shownHook) } };
    const hook = this.hooks.find((each) => each.id === id);
    if (hook === undefined) return fault(404, "URL_NOT_FOUND", "no such webhook");
    if (method === "PATCH") return this.#saveHook(isRecord(json) ? json : {}, hook);
    if (method !== "DELETE") return { status: 200, body: shownHook(hook) };
    this.#dropHook(hook.id);
    return { status: 200, body: "" };
  }

  /** Creates a webhook, or changes `hook`. */
  async #saveHook(body: Data, hook?: DeskHook): Promise<Answer> {
    const stranger = Object.keys(body).find((key) => !KEYS.includes(key));
    if (stranger !== undefined) return invalid(`/${stranger}`);
    const { url = hook?.body.url, subscriptions, isEnabled = true } = body;
    if (typeof url !== "string") return invalid("/url", "missing");
    if (typeof isEnabled !== "boolean") return invalid("/isEnabled");
    if (!isRecord(subscriptions)) return invalid("/subscriptions", "missing");
    for (const [event, filter] of Object.entries(subscriptions)) {
      const at = `/subscriptions/${event}`;
      if (!EVENTS.has(event)) return invalid(at);
      if (filter === null) continue;
      const names = Object.keys(Object(filter));
      // Zoho expects null instead of {} without a filter.
      if (names.length === 0 || !names.every((name) => memberOf(FILTERS, name)?.test(event))) return invalid(at);
    }
    if (url !== hook?.body.url && !(await this.#answersProbe(url))) {
      const message = "Validation failed for the condition : The endpoint failed to respond with status code 200";
      return fault(422, "UNPROCESSABLE_ENTITY", message);
    }
    const saved = hook ?? { id: nextId(this.#state.desk), body: { type: "CUSTOMER_WEBHOOK", isEnabled } };
    saved.body = { ...saved.body, ...body };
    if (hook === undefined) this.#state.desk.hooks.push(saved);
    return { status: 200, body: shownHook(saved) };
  }

  /** A GET must get 200, or else a POST of `{}`. */
  async #answersProbe(url: string): Promise<boolean> {
    const probes: readonly Probe[] = wire.probes;
    for (const { method = "POST", contentType, body } of probes) {
      const headers: HeaderPair[] = contentType === "" ? [] : [["content-type", contentType]];
      const delivery = { method, url, headers, body };
      const { withinMs: timeoutMs } = wire.answer;
      if ((await this.#deliveries.probe({ product: "desk", event: "probe", delivery, timeoutMs })) === 200) return true;
    }
    return false;
  }

  #dropHook(id: string): void {
    this.#state.desk.hooks = this.hooks.filter((hook) => hook.id !== id);
  }

  #records(module: string): Records {
    moduleOf(module);
    return this.#state.desk[module as "tickets" | "contacts"];
  }

  #record(module: string, id: string): StoredRecord {
    const record = memberOf(this.#records(module), id);
    if (record !== undefined) return record;
    throw new Refusal(fault(404, "URL_NOT_FOUND", "The URL you requested could not be found."));
  }

  /** What may be written. `before`: the record that it goes into, or the usual members of a new one. */
  #checked(module: string, given: Data, before: Data, sourceId: string | undefined): Data {
    const { usual, required } = moduleOf(module);
    const { contact, ...rest } = given;
    const written = Object.fromEntries(
      Object.entries(rest)
        .filter(([name]) => !COMPUTED.has(name))
        // Ids may be written as numbers.
        .map(([name, value]) => [name, name.endsWith("Id") && Number.isInteger(value) ? String(value) : value]),
    );
    const misfit = misfitIn(written, usual);
    if (misfit !== undefined) throw new Refusal(invalid(`/${misfit}`));
    const isTicket = module === "tickets";
    const data = {
      ...written,
      ...(isTicket && isRecord(contact) && { contactId: this.#contactOf(contact, sourceId) }),
    };
    const merged: Data = { ...before, ...data };
    const missing = required.find((name) => (merged[name] ?? "") === "");
    if (missing !== undefined) throw new Refusal(invalid(`/${missing}`, "missing"));
    if (isTicket && memberOf(this.#records("contacts"), String(merged.contactId)) === undefined && "contactId" in data)
      throw new Refusal(invalid("/contactId"));
    if (isTicket && !/^\d+$/.test(String(merged.departmentId))) throw new Refusal(invalid("/departmentId"));
    return data;
  }

  /** Id of the contact with that address, or of a new one: a ticket may name its contact by its members. */
  #contactOf(contact: Data, sourceId: string | undefined): string {
    const { email } = contact;
    const known = Object.values(this.#records("contacts")).find(
      ({ data }) => typeof email === "string" && data.email === email,
    );
    return known?.id ?? this.create("contacts", contact, sourceId).id;
  }

  #payload(module: string, record: StoredRecord): Data {
    const contact = memberOf(this.#state.desk.contacts, String(record.data.contactId));
    if (module !== "tickets" || contact === undefined) return shown(module, record);
    const { firstName, lastName, email, phone, mobile, accountId } = contact.data;
    const inTicket = { id: contact.id, firstName, lastName, email, phone, mobile, accountId };
    return { ...shown(module, record), contact: inTicket };
  }

  /** Posts an event to the webhooks that want it. Nothing follows from a failure but from 410. */
  #post(event: string, payload: Data, { sourceId, before = {} }: Change, departmentId = payload.departmentId): void {
    for (const { id, body } of this.hooks) {
      const { url, isEnabled, ignoreSourceId } = body;
      const subscriptions: Data = Object(body.subscriptions);
      if (isEnabled === false || !Object.hasOwn(subscriptions, event)) continue;
      if (sourceId !== undefined && sourceId === ignoreSourceId) continue;
      const { departmentIds, fields, includePrevState }: Data = Object(subscriptions[event]);
      if (Array.isArray(departmentIds) && !departmentIds.map(String).includes(String(departmentId))) continue;
      if (Array.isArray(fields) && !fields.some((name) => Object.hasOwn(before, String(name)))) continue;
      const prevState = includePrevState === true ? { prevState: before } : {};
      const eventTime = String(this.#now());
      this.#deliveries.send({
        product: this.product,
        format: wire.configure({ issuer: `orgId:${this.orgId}`, audience: `webhookId:${id}` }),
        event,
        url: String(url),
        body: [{ payload, ...prevState, eventTime, eventType: event, orgId: this.orgId }],
        secrets: this.secrets,
        timeoutMs: wire.answer.withinMs,
        onAnswer: (status) => {
          if (status === wire.answer.removedBy) this.#dropHook(id);
        },
      });
    }
  }
}

function moduleOf(name: string): Module {
  const module = memberOf(MODULES, name);
  if (module !== undefined) return module;
  throw new Refusal(fault(404, "URL_NOT_FOUND", "The URL you requested could not be found."));
}

function setClosed(record: StoredRecord, now: number): void {
  if (record.data.status === CLOSED) record.closedAt ??= now;
  else delete record.closedAt;
}

/** A record as the API answers it. */
function shown(module: string, { id, createdAt, modifiedAt, closedAt, data }: StoredRecord): ApiRecord {
  const times = { createdTime: timeText(createdAt), modifiedTime: timeText(modifiedAt) };
  if (module !== "tickets") return { id, ...data, ...times };
  const { status } = data;
  return {
    id,
    ticketNumber: String(Number(id.slice(-6))),
    ...data,
    statusType: status === CLOSED || status === "On Hold" ? status : "Open",
    webUrl: `https://desk.zoho.com/support/acme/ShowHomePage.do#Cases/dv/${id}`,
    ...times,
    closedTime: closedAt === undefined ? null : timeText(closedAt),
  };
}

function timeText(at: number): string {
  return new Date(at).toISOString();
}

function shownHook({ id, body }: DeskHook): Data {
  return { id, ...body };
}

function invalid(fieldName: string, errorType = "invalid"): Answer {
  const message = `The value passed for field '${fieldName}' does not match the allowed values.`;
  return {
    status: 422,
    body: { errorCode: "INVALID_DATA", message, errors: [{ fieldName, errorType, errorMessage: "" }] },
  };
}

function outOfRange(parameter: string): Answer {
  return fault(422, "UNPROCESSABLE_ENTITY", `The value passed for the '${parameter}' query parameter is invalid.`);
}

function fault(status: number, errorCode: string, message: string): Answer {
  return { status, body: { errorCode, message } };
}
