import { z } from "zod";
import type { Probe } from "../../../contract/product.ts";
import type { HeaderPair } from "../../../delivery/delivery.ts";
import { wire } from "../../../products/desk/wire.ts";
import { writeKeySet } from "../../../proofs/keys.ts";
import { isRecord } from "../../../util/json.ts";
import { type Answer, Refusal, type Wording, wordingOf } from "../../answer.ts";
import { publishedKey, publishedSecrets } from "../../published.ts";
import type { Call, Handler, Routes } from "../../routes.ts";
import { defineService } from "../../service.ts";
import { memberOf, members, textOf } from "../../state.ts";
import { type Data, flawIn, type Operation, type Row, Store, type StoreState, storeState } from "../store.ts";

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
const hookSchema = z.object({ id: z.string(), body: members });

type DeskHook = z.infer<typeof hookSchema>;

export const desk = defineService<StoreState<DeskHook>>({
  name: "desk",
  schema: storeState(hookSchema),
  empty: () => ({ hooks: [], tables: {}, nextId: "1892000000004203471" }),
  open: (own, parts) => new Desk(own, parts),
});

const API = "/api/v1";
const wording: Wording = wordingOf(
  {
    noToken: [401, "UNAUTHORIZED", "You are not authenticated to perform this operation."],
    badToken: [401, "INVALID_OAUTH", "The OAuth Token you provided is invalid."],
    badScope: [403, "SCOPE_MISMATCH", "The OAuth token does not have access"],
    wrongMethod: [405, "METHOD_NOT_ALLOWED", "not here"],
    lacking: [404, "URL_NOT_FOUND", "The URL you requested could not be found."],
    tooMany: [429, "TOO_MANY_REQUESTS", "You have exceeded the allowed number of requests."],
    broken: [500, "INTERNAL_SERVER_ERROR", "An internal server error occurred."],
  },
  (errorCode, message) => ({ errorCode, message }),
);

interface Module {
  readonly title: string;
  readonly singular: string;
  readonly required: readonly string[];
  readonly usual: Data;
}

/** https://github.com/zoho/zohodesk-oas: `Ticket.json`, `Contact.json` */
const MODULES: Readonly<Record<string, Module>> = {
  tickets: {
    title: "Ticket",
    singular: "ticket",
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
    singular: "contact",
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
export class Desk extends Store<DeskHook> {
  readonly product = "desk";
  readonly orgId = "60017843";
  readonly paths = /^\/(api\/v1\/|\.well-known\/jwks\.json$)/;
  readonly fail = wording;
  readonly routes: Routes = {
    // The public keys that verify its tokens, which everybody may read.
    "public GET /.well-known/jwks.json": () => ({ status: 200, body: writeKeySet(publishedKey) }),
    [`GET ${API}/organizations`]: ({ scopes }) =>
      scopes.includes("Desk.basic.READ")
        ? { status: 200, body: { data: [{ id: this.orgId, companyName: "Acme" }] } }
        : wording("badScope"),
    [`GET ${API}/webhooks`]: this.#allowed("webhooks", () => this.#listHooks()),
    [`POST ${API}/webhooks`]: this.#allowed("webhooks", ({ json }) => this.#saveHook(json)),
    [`GET ${API}/webhooks/{id}`]: this.#ofHook((hook) => ({ status: 200, body: shownHook(hook) })),
    [`PATCH ${API}/webhooks/{id}`]: this.#ofHook((hook, { json }) => this.#saveHook(json, hook)),
    [`DELETE ${API}/webhooks/{id}`]: this.#ofHook((hook) => {
      this.dropHook(hook.id);
      return { status: 200, body: "" };
    }),
    ...Object.assign({}, ...Object.keys(MODULES).map((module) => this.#routesOf(module))),
  };
  protected readonly notFound = wording("lacking");
  protected readonly moduleNames = Object.keys(MODULES);
  /** Header of the call that is answered now. */
  #sourceId: string | undefined;

  protected subscription({ body }: DeskHook) {
    const { url, subscriptions, isEnabled } = body;
    return { url: String(url), events: Object.keys(Object(subscriptions)), enabled: isEnabled !== false };
  }

  subscribe(_product: string, given: Data): void {
    const refusal = refusalOf(given, undefined);
    if (refusal !== undefined) throw new Refusal(refusal);
    this.#storeHook(given);
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

  #routesOf(module: string): Routes {
    const { singular } = MODULES[module] as Module;
    const allowed = (handle: Handler) => this.#allowed(module, handle);
    return {
      [`GET ${API}/${module}`]: allowed(({ query }) => this.#list(module, query)),
      [`POST ${API}/${module}`]: allowed(({ json }) => ({ status: 200, body: this.create(module, Object(json)) })),
      [`GET ${API}/${module}/{id}`]: allowed(({ params }) => ({
        status: 200,
        body: this.shown(module, this.find(module, params.id ?? "")),
      })),
      [`PATCH ${API}/${module}/{id}`]: allowed(({ params, json }) => ({
        status: 200,
        body: this.change(module, params.id ?? "", Object(json)),
      })),
      [`POST ${API}/${module}/moveToTrash`]: this.#allowed(
        module,
        ({ json }) => this.#trash(module, `${singular}Ids`, json),
        "DELETE",
      ),
    };
  }

  /** A handler for a token with a scope of the module, and for the organisation's id. */
  #allowed(module: string, handle: Handler, operation?: string): Handler {
    return (call) => {
      if ((call.headers.orgid ?? call.query.get("orgId")) !== this.orgId)
        return failure(403, "FORBIDDEN", "The orgId is missing or not yours");
      const needed = operation ?? SCOPES[call.method];
      const has = (group: string): boolean => call.scopes.includes(`Desk.${group}.${needed}`);
      const isAllowed =
        module === "webhooks"
          ? (has("settings") && has("events")) || has("webhooks")
          : has(module) || call.scopes.includes(`Desk.${module}.ALL`);
      if (!isAllowed) return wording("badScope");
      const { sourceid } = call.headers;
      this.#sourceId = typeof sourceid === "string" ? sourceid : undefined;
      try {
        return handle(call);
      } finally {
        this.#sourceId = undefined;
      }
    };
  }

  #list(module: string, query: URLSearchParams): Answer {
    const [from, limit] = [Number(query.get("from") ?? 0), Number(query.get("limit") ?? 25)];
    if (!(from >= 0 && limit >= 1 && limit <= 100))
      return unprocessable("The value passed for the 'from' or 'limit' query parameter is invalid.");
    const rows = this.page(module, from, limit).map((row) => this.shown(module, row));
    return rows.length === 0 ? { status: 204 } : { status: 200, body: { data: rows } };
  }

  #trash(module: string, name: string, json: unknown): Answer {
    const given: unknown = Object(json)[name];
    const ids = Array.isArray(given) ? given.map(textOf) : [];
    const known = this.table(module);
    if (ids.length === 0 || !ids.every((each) => Object.hasOwn(known, each))) return invalid(`/${name}`);
    for (const each of new Set(ids)) this.remove(module, each);
    return { status: 204 };
  }

  #listHooks(): Answer {
    return this.hooks.length === 0 ? { status: 204 } : { status: 200, body: { data: this.hooks.map(shownHook) } };
  }

  #ofHook(handle: (hook: DeskHook, call: Call) => Answer | Promise<Answer>): Handler {
    return this.#allowed("webhooks", (call) => {
      const hook = this.hooks.find((each) => each.id === call.params.id);
      return hook === undefined ? failure(404, "URL_NOT_FOUND", "no such webhook") : handle(hook, call);
    });
  }

  /** Creates a webhook, or changes `hook`. */
  async #saveHook(json: unknown, hook?: DeskHook): Promise<Answer> {
    const body: Data = isRecord(json) ? json : {};
    const refusal = refusalOf(body, hook?.body.url);
    if (refusal !== undefined) return refusal;
    const { url = hook?.body.url } = body;
    if (url !== hook?.body.url && !(await this.#answersProbe(String(url))))
      return unprocessable("Validation failed for the condition : The endpoint failed to respond with status code 200");
    return { status: 200, body: shownHook(this.#storeHook(body, hook)) };
  }

  #storeHook(body: Data, hook?: DeskHook): DeskHook {
    const isEnabled = true;
    const saved = hook ?? this.addHook({ id: this.newId(), body: { type: "CUSTOMER_WEBHOOK", isEnabled } });
    saved.body = { ...saved.body, ...body };
    return saved;
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

/** Why Desk refuses a webhook, apart from its URL's answer to the probe. `oldUrl`: the one that it has already. */
function refusalOf(body: Data, oldUrl: unknown): Answer | undefined {
  const stranger = Object.keys(body).find((key) => !KEYS.includes(key));
  if (stranger !== undefined) return invalid(`/${stranger}`);
  const { url = oldUrl, subscriptions, isEnabled = true } = body;
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
  return undefined;
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

function failure(status: number, errorCode: string, message: string): Answer {
  return { status, body: { errorCode, message } };
}
