import type { Probe } from "../contract/product.ts";
import type { HeaderPair } from "../delivery/delivery.ts";
import { wire } from "../products/desk/wire.ts";
import { writeKeySet } from "../proofs/keys.ts";
import { isRecord } from "../util/json.ts";
import { type Answer, type ApiRequest, Refusal, type Service } from "./answer.ts";
import { publishedKey, publishedSecrets } from "./published.ts";
import { type DeskHook, memberOf, textOf } from "./state.ts";
import { type Data, flawIn, type Operation, type Row, Store } from "./store.ts";

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
const SCOPES: Readonly<Record<string, string>> = { GET: "READ", POST: "CREATE", PATCH: "UPDATE", DELETE: "DELETE" };
const VERBS = { add: "Add", edit: "Update", delete: "Delete" } as const;
const TRASH = "moveToTrash";

interface Module {
  readonly title: string;
  readonly required: readonly string[];
  readonly usual: Data;
}

/** https://github.com/zoho/zohodesk-oas: `Ticket.json`, `Contact.json` */
const MODULES: Readonly<Record<string, Module>> = {
  tickets: {
    title: "Ticket",
    required: ["subject", "departmentId", "contactId"],
    usual: {
      ...empty("subject description priority category subCategory classification departmentId contactId accountId"),
      ...empty("assigneeId teamId productId email phone dueDate resolution"),
      ...{ status: "Open", channel: "Web", threadCount: "0", commentCount: "0" },
      ...{ isEscalated: false, isSpam: false, cf: {} },
    },
  },
  contacts: {
    title: "Contact",
    required: ["lastName"],
    usual: {
      ...empty("firstName lastName email secondaryEmail phone mobile accountId ownerId type title description"),
      ...{ isSpam: false, cf: {} },
    },
  },
};
/** Members that only Desk writes: ignored in the data of a client. */
const COMPUTED = new Set(["id", "ticketNumber", "statusType", "closedTime", "createdTime", "modifiedTime", "webUrl"]);

/** Tickets, contacts and webhooks of one Desk organisation, by its OpenAPI. A URL is probed before its webhook is saved. */
export class Desk extends Store<DeskHook> implements Service {
  readonly product = "desk";
  readonly orgId = "60017843";
  protected readonly notFound = failure(404, "URL_NOT_FOUND", "The URL you requested could not be found.");
  /** Header of the call that is answered now. */
  #sourceId: string | undefined;

  /** The public keys that verify its tokens, which everybody may read. */
  keySet(): Answer {
    return { status: 200, body: writeKeySet(publishedKey) };
  }

  protected subscription({ body }: DeskHook) {
    const { url, subscriptions, isEnabled } = body;
    return { url: String(url), events: Object.keys(Object(subscriptions)), enabled: isEnabled !== false };
  }

  protected checked(module: string, given: Data): Data {
    const { title, required, usual } = MODULES[module] as Module;
    const data = { ...usual, ...Object.fromEntries(Object.entries(given).filter(([name]) => !COMPUTED.has(name))) };
    const missing = required.find((name) => (memberOf<unknown>(data, name) ?? "") === "");
    if (missing !== undefined) throw new Refusal(invalid(`/${missing}`, "missing"));
    const payload = this.shown(module, { id: "0", record: { data, createdAt: 0, changedAt: 0 } });
    const event = { payload, eventTime: "0", eventType: `${title}_Add`, orgId: this.orgId };
    const flaw = flawIn(wire, event.eventType, [event]);
    if (flaw !== undefined) throw new Refusal(invalid(`/${flaw}`));
    const contact = memberOf<unknown>(data, "contactId");
    if (typeof contact === "string" && memberOf(this.table("contacts"), contact) === undefined)
      throw new Refusal(invalid("/contactId"));
    return data;
  }

  protected shown(module: string, { id, record: { data, createdAt, changedAt } }: Row): Data {
    const [createdTime, modifiedTime] = [createdAt, changedAt].map((at) => new Date(at).toISOString());
    if (module === "contacts") return { id, ...data, createdTime, modifiedTime };
    const { status } = data;
    return {
      id,
      ticketNumber: String(Number(id.slice(-6))),
      ...data,
      statusType: status === "Closed" || status === "On Hold" ? status : "Open",
      webUrl: `https://desk.zoho.com/support/acme/ShowHomePage.do#Cases/dv/${id}`,
      createdTime,
      modifiedTime,
      closedTime: status === "Closed" ? modifiedTime : null,
    };
  }

  /** Posts an event to the webhooks that want it. Nothing follows from a failure but from 410. */
  protected written(operation: Operation, module: string, row: Row, before: Data): void {
    const event = `${(MODULES[module] as Module).title}_${VERBS[operation]}`;
    const payload = operation === "delete" ? { id: row.id } : this.#payload(module, row);
    const { departmentId } = row.record.data;
    for (const { id, body } of this.hooks) {
      const subscriptions: Data = Object(body.subscriptions);
      if (body.isEnabled === false || !Object.hasOwn(subscriptions, event)) continue;
      if (this.#sourceId !== undefined && this.#sourceId === body.ignoreSourceId) continue;
      const { departmentIds, fields, includePrevState }: Data = Object(subscriptions[event]);
      if (Array.isArray(departmentIds) && !departmentIds.map(String).includes(String(departmentId))) continue;
      if (Array.isArray(fields) && !fields.some((name) => Object.hasOwn(before, String(name)))) continue;
      const prevState = includePrevState === true ? { prevState: before } : {};
      const eventTime = String(this.now());
      this.deliveries.send({
        product: this.product,
        format: wire.configure({ issuer: `orgId:${this.orgId}`, audience: `webhookId:${id}` }),
        event,
        url: String(body.url),
        body: [{ payload, ...prevState, eventTime, eventType: event, orgId: this.orgId }],
        secrets: publishedSecrets,
        timeoutMs: wire.answer.withinMs,
        onAnswer: (status) => {
          if (status === wire.answer.removedBy) this.dropHook(id);
        },
      });
    }
  }

  /** Deliveries name the contact of a ticket. */
  #payload(module: string, row: Row): Data {
    const found = memberOf(this.table("contacts"), String(row.record.data.contactId));
    if (module !== "tickets" || found === undefined) return this.shown(module, row);
    const { firstName, lastName, email, phone, mobile, accountId } = found.data;
    const contact = { id: row.record.data.contactId, firstName, lastName, email, phone, mobile, accountId };
    return { ...this.shown(module, row), contact };
  }

  async answer(request: ApiRequest, scopes: readonly string[]): Promise<Answer | undefined> {
    const path = /^\/api\/v1\/(organizations|webhooks|tickets|contacts)(?:\/(\d+|moveToTrash))?$/.exec(request.path);
    if (path === null) return undefined;
    const [, module = "", id] = path;
    if (module === "organizations") {
      return scopes.includes("Desk.basic.READ")
        ? { status: 200, body: { data: [{ id: this.orgId, companyName: "Acme" }] } }
        : failure(403, "SCOPE_MISMATCH", "The OAuth token does not have access");
    }
    if ((request.headers.orgid ?? request.query.get("orgId")) !== this.orgId)
      return failure(403, "FORBIDDEN", "The orgId is missing or not yours");
    const operation = id === TRASH ? "DELETE" : memberOf(SCOPES, request.method);
    if (operation === undefined) return notAllowed();
    const has = (group: string): boolean => scopes.includes(`Desk.${group}.${operation}`);
    const isAllowed =
      module === "webhooks"
        ? (has("settings") && has("events")) || has("webhooks")
        : has(module) || scopes.includes(`Desk.${module}.ALL`);
    if (!isAllowed) return failure(403, "SCOPE_MISMATCH", "The OAuth token does not have access");
    if (module === "webhooks") return this.#webhooks(request, id);
    const { sourceid } = request.headers;
    this.#sourceId = typeof sourceid === "string" ? sourceid : undefined;
    try {
      return this.#records(request, module, id);
    } finally {
      this.#sourceId = undefined;
    }
  }

  #records({ method, json, query }: ApiRequest, module: string, id: string | undefined): Answer {
    const data = isRecord(json) ? json : {};
    if (id === TRASH) {
      const name = module === "tickets" ? "ticketIds" : "contactIds";
      const ids = Array.isArray(data[name]) ? data[name].map(textOf) : [];
      const known = this.table(module);
      if (method !== "POST") return notAllowed();
      if (ids.length === 0 || !ids.every((each) => Object.hasOwn(known, each))) return invalid(`/${name}`);
      for (const each of new Set(ids)) this.remove(module, each);
      return { status: 204 };
    }
    if (method === "POST" && id === undefined) return { status: 200, body: this.create(module, data) };
    if (method === "PATCH" && id !== undefined) return { status: 200, body: this.change(module, id, data) };
    if (method !== "GET") return notAllowed();
    if (id !== undefined) return { status: 200, body: this.shown(module, this.find(module, id)) };
    const [from, limit] = [Number(query.get("from") ?? 0), Number(query.get("limit") ?? 25)];
    if (!(from >= 0 && limit >= 1 && limit <= 100))
      return unprocessable("The value passed for the 'from' or 'limit' query parameter is invalid.");
    const rows = this.page(module, from, limit).map((row) => this.shown(module, row));
    return rows.length === 0 ? { status: 204 } : { status: 200, body: { data: rows } };
  }

  async #webhooks({ method, json }: ApiRequest, id: string | undefined): Promise<Answer> {
    const body = isRecord(json) ? json : {};
    if (id === undefined && method === "POST") return this.#saveHook(body);
    if (id === undefined && this.hooks.length === 0) return { status: 204 };
    if (id === undefined) return { status: 200, body: { data: this.hooks.map(shownHook) } };
    const hook = this.hooks.find((each) => each.id === id);
    if (hook === undefined) return failure(404, "URL_NOT_FOUND", "no such webhook");
    if (method === "PATCH") return this.#saveHook(body, hook);
    if (method === "GET") return { status: 200, body: shownHook(hook) };
    this.dropHook(hook.id);
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
      const filters = Object.entries(Object(filter));
      const isFit = ([name, value]: [string, unknown]): boolean =>
        memberOf(FILTERS, name)?.test(event) === true && [value].flat().every((each) => typeof each !== "object");
      // Zoho expects null instead of {} without a filter.
      if (filters.length === 0 || !filters.every(isFit)) return invalid(at);
    }
    if (url !== hook?.body.url && !(await this.#answersProbe(url)))
      return unprocessable("Validation failed for the condition : The endpoint failed to respond with status code 200");
    const saved = hook ?? this.addHook({ id: this.newId(), body: { type: "CUSTOMER_WEBHOOK", isEnabled } });
    saved.body = { ...saved.body, ...body };
    return { status: 200, body: shownHook(saved) };
  }

  /** A GET must get 200, or else a POST of `{}`. */
  async #answersProbe(url: string): Promise<boolean> {
    const about = { product: "desk", event: "probe", timeoutMs: wire.answer.withinMs };
    const probes: readonly Probe[] = wire.probes;
    for (const { method = "POST", contentType, body } of probes) {
      const headers: HeaderPair[] = contentType === "" ? [] : [["content-type", contentType]];
      if ((await this.deliveries.probe(about, { method, url, headers, body })) === 200) return true;
    }
    return false;
  }
}

/** Members without a value. */
function empty(names: string): Data {
  return Object.fromEntries(names.split(" ").map((name) => [name, null]));
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

function unprocessable(message: string): Answer {
  return failure(422, "UNPROCESSABLE_ENTITY", message);
}

function notAllowed(): Answer {
  return failure(405, "METHOD_NOT_ALLOWED", "not here");
}

function failure(status: number, errorCode: string, message: string): Answer {
  return { status, body: { errorCode, message } };
}
