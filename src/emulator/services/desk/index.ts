import { z } from "zod";
import type { HeaderPair } from "../../../delivery/delivery.ts";
import type { Probe } from "../../../model/product.ts";
import { wire } from "../../../products/desk/wire.ts";
import { writeKeySet } from "../../../signatures/keys.ts";
import { isRecord } from "../../../util/json.ts";
import { type Answer, type ApiRecord, Refusal } from "../../answer.ts";
import { selected } from "../../parameters.ts";
import { publishedKey, publishedSecrets } from "../../published.ts";
import type { Call, Handler, Routes } from "../../routes.ts";
import { allows } from "../../scopes.ts";
import { defineService } from "../../service.ts";
import { memberOf, members, textOf } from "../../state.ts";
import { type Data, flawIn, type Operation, type Row, Store, type StoreState, storeState } from "../store.ts";
import { failure, invalid, unprocessable, wording } from "./answers.ts";
import { criterionOf, EXPANDING, matchesAny, paged, sortedBy } from "./lists.ts";
import { AGENT, AGENT_ID, COMPUTED, DEPARTMENT_ID, type DeskModule, MODULES } from "./modules.ts";

const EVENTS = new Set<string>(wire.events.map(({ name }) => name));
const KEYS = ["name", "description", "url", "isEnabled", "ignoreSourceId", "includeEventsFrom", "subscriptions"];
/** Other groups of scopes that allow the calls of a group. */
const OTHER_SCOPES: Readonly<Record<string, readonly (readonly string[])[]>> = {
  webhooks: [["settings", "events"]],
  agents: [["settings"], ["basic"]],
  settings: [["basic"]],
  search: [["tickets"], ["contacts"]],
};
const FILTERS: Readonly<Record<string, RegExp>> = {
  departmentIds:
    /^((Ticket|Ticket_Comment|Task|Call|Event)_(Add|Update)|Ticket_Thread_Add|IM_(Message_(Add|Status)|Session_Status))$/,
  fields: /^Ticket_Update$/,
  includePrevState:
    /^(Ticket|Task|Call|Event|Account|Agent|Article|Article_Translation|Contact|Department|KBRootCategory|KBSection|TimeEntry)_Update$/,
  direction: /^Ticket_Thread_Add$/,
};
const VERBS = { add: "Add", edit: "Update", delete: "Delete" } as const;
const hookSchema = z.object({ id: z.string(), body: members });

type DeskHook = z.infer<typeof hookSchema>;

export const desk = defineService<StoreState<DeskHook>>({
  name: "desk",
  schema: storeState(hookSchema),
  empty: () => {
    const made = (data: Data) => ({ data, createdAt: 0, changedAt: 0 });
    const agents = { [AGENT_ID]: made({ ...MODULES.agents?.usual, ...AGENT }) };
    const department = { name: "Support", isDefault: true, associatedAgentIds: [AGENT_ID] };
    const departments = { [DEPARTMENT_ID]: made({ ...MODULES.departments?.usual, ...department }) };
    return { hooks: [], tables: { agents, departments }, nextId: "1892000000004203471" };
  },
  open: (own, parts) => new Desk(own, parts),
});

const API = "/api/v1";
/** Records and webhooks of one Desk organisation, by its OpenAPI. A URL is probed before its webhook is saved. */
export class Desk extends Store<DeskHook> {
  readonly product = "desk";
  readonly orgId = "60017843";
  readonly paths = /^\/(api\/v1\/|\.well-known\/jwks\.json$)/;
  readonly fail = wording;
  readonly routes: Routes = {
    // The public keys that verify its tokens, which everybody may read.
    "public GET /.well-known/jwks.json": () => ({ status: 200, body: writeKeySet(publishedKey) }),
    [`GET ${API}/organizations`]: ({ scopes }) =>
      allows(scopes, "Desk.basic", "GET")
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
    [`GET ${API}/myinfo`]: this.#allowed("agents", () => this.#one("agents", AGENT_ID)),
    [`GET ${API}/search`]: this.#allowed("search", (call) => this.#searchAny(call)),
    [`GET ${API}/tickets/{id}/conversations`]: this.#allowed("tickets", ({ params, query }) =>
      paged([...this.#children("threads", params.id), ...this.#children("comments", params.id)], query),
    ),
    [`POST ${API}/tickets/{id}/sendReply`]: this.#allowed("tickets", ({ params, json }) =>
      this.#answered(
        "threads",
        this.create("threads", { ...Object(json), ticketId: this.#parent("threads", params.id) }),
      ),
    ),
    [`GET ${API}/contacts/{id}/tickets`]: this.#listOf("tickets", "contactId"),
    [`GET ${API}/accounts/{id}/tickets`]: this.#listOf("tickets", "accountId"),
    [`GET ${API}/accounts/{id}/contacts`]: this.#listOf("contacts", "accountId"),
    ...Object.assign({}, ...Object.keys(MODULES).map((module) => this.#routesOf(module))),
  };
  protected readonly notFound = wording("lacking");
  protected readonly moduleNames = Object.keys(MODULES);
  /** Header of the call that is answered now. */
  #sourceId: string | undefined;

  override modules() {
    return super.modules().filter(({ name }) => MODULES[name]?.isGiven !== true);
  }

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
    const { title, required, usual, parent, references = {} } = MODULES[module] as DeskModule;
    const own = Object.fromEntries(Object.entries(given).filter(([name]) => !COMPUTED.has(name)));
    // A ticket may come with the data of its contact.
    const isAlone = module === "tickets" && (own.contactId ?? "") === "";
    const person = isAlone && isRecord(own.contact) ? own.contact : undefined;
    const data: Data = { ...usual, ...own };
    const missing = [...required, ...(parent === undefined ? [] : [parent.member])].find(
      (name) => (memberOf<unknown>(data, name) ?? "") === "" && !(person !== undefined && name === "contactId"),
    );
    if (missing !== undefined) throw new Refusal(invalid(`/${missing}`, "missing"));
    const payload = this.shown(module, { id: "0", record: { data, createdAt: 0, changedAt: 0 } });
    const event = { payload, eventTime: "0", eventType: `${title}_Add`, orgId: this.orgId };
    const flaw = flawIn(wire, event.eventType, [event]);
    if (flaw !== undefined) throw new Refusal(invalid(`/${flaw}`));
    const all = { ...references, ...(parent && { [parent.member]: parent.module }) };
    for (const [member, target] of Object.entries(all)) {
      const id = memberOf<unknown>(data, member);
      if (typeof id === "string" && memberOf(this.table(target), id) === undefined)
        throw new Refusal(invalid(`/${member}`));
    }
    if (person === undefined) return data;
    const { contact: _, ...rest } = data;
    return { ...rest, contactId: this.#contactIdOf(person) };
  }

  /** The contact with the email address, or a new one. */
  #contactIdOf(person: Data): string {
    const { email } = person;
    const known = this.rows("contacts").find(({ record }) => email !== undefined && record.data.email === email);
    return known?.id ?? this.create("contacts", person).id;
  }

  protected shown(module: string, { id, record: { data, createdAt, changedAt } }: Row): Data {
    const [createdTime, modifiedTime] = [createdAt, changedAt].map((at) => new Date(at).toISOString());
    const { status } = data;
    const countOf = (children: string): string =>
      String(this.rows(children).filter(({ record }) => record.data.ticketId === id).length);
    const computed: Readonly<Record<string, () => Data>> = {
      tickets: () => ({
        threadCount: countOf("threads"),
        commentCount: countOf("comments"),
        statusType: status === "Closed" || status === "On Hold" ? status : "Open",
        webUrl: `${this.url()}/support/acme/ShowHomePage.do#Cases/dv/${id}`,
        closedTime: status === "Closed" ? modifiedTime : null,
      }),
      comments: () => ({ commenterId: AGENT_ID, commentedTime: createdTime }),
      threads: () => ({
        author: { id: AGENT_ID, firstName: AGENT.firstName, lastName: AGENT.lastName, type: "AGENT" },
      }),
    };
    return {
      id,
      ...(module === "tickets" && { ticketNumber: String(Number(id.slice(-6))) }),
      ...data,
      ...memberOf(computed, module)?.(),
      createdTime,
      modifiedTime,
    };
  }

  /** Posts an event to the webhooks that want it. Nothing follows from a failure but from 410. */
  protected written(operation: Operation, module: string, row: Row, before: Data): void {
    const event = `${(MODULES[module] as DeskModule).title}_${VERBS[operation]}`;
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
        format: wire.setup.configure({ issuer: `orgId:${this.orgId}`, audience: `webhookId:${id}` }),
        event,
        url: String(body.url),
        body: [{ payload, ...prevState, eventTime, eventType: event, orgId: this.orgId }],
        secrets: publishedSecrets,
        timeoutMs: wire.sender.answer.withinMs,
        onAnswer: (status) => {
          if (status === wire.sender.answer.removedBy) this.dropHook(id);
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
    const { parent, trash, isFixed = false, scope } = MODULES[module] as DeskModule;
    const path = parent === undefined ? `${API}/${module}` : `${API}/${parent.module}/{parentId}/${module}`;
    const allowed = (handle: Handler) => this.#allowed(scope, handle);
    const owned = (call: Call): Data =>
      (parent && { [parent.member]: this.#parent(module, call.params.parentId) }) ?? {};
    const idIn = (call: Call): string => {
      const { id = "" } = call.params;
      const { data } = this.find(module, id).record;
      if (parent !== undefined && data[parent.member] !== call.params.parentId) throw new Refusal(this.notFound);
      return id;
    };
    return {
      [`GET ${path}`]: allowed((call) => this.#list(module, call, Object.entries(owned(call)))),
      ...(parent === undefined && {
        [`GET ${path}/search`]: this.#allowed("search", (call) => this.#search(module, call)),
      }),
      [`GET ${path}/{id}`]: allowed((call) => this.#one(module, idIn(call))),
      ...(!isFixed && {
        [`POST ${path}`]: allowed((call) =>
          this.#answered(module, this.create(module, { ...Object(call.json), ...owned(call) })),
        ),
        [`PATCH ${path}/{id}`]: allowed((call) =>
          this.#answered(module, this.change(module, idIn(call), Object(call.json))),
        ),
      }),
      ...(trash !== undefined && {
        [`POST ${path}/moveToTrash`]: this.#allowed(scope, ({ json }) => this.#trash(module, trash, json), "DELETE"),
      }),
      ...(trash === undefined &&
        !isFixed && {
          [`DELETE ${path}/{id}`]: allowed((call) => {
            this.remove(module, idIn(call));
            return { status: 204 };
          }),
        }),
    };
  }

  #one(module: string, id: string): Answer {
    return { status: 200, body: this.shown(module, this.find(module, id)) };
  }

  #answered(module: string, { id }: ApiRecord): Answer {
    return this.#one(module, id);
  }

  /** Id of the record that a record below it belongs to. Throws a Refusal for none. */
  #parent(module: string, id = ""): string {
    return this.find((MODULES[module] as DeskModule).parent?.module ?? module, id).id;
  }

  /** The records of a module whose member is the id of the path. */
  #listOf(module: string, member: string): Handler {
    const { scope, references = {} } = MODULES[module] as DeskModule;
    return this.#allowed(scope, (call) => {
      const { id } = this.find(references[member] ?? "", call.params.id ?? "");
      return this.#list(module, call, [[member, id]]);
    });
  }

  /** What belongs to a ticket, as its conversations name it. */
  #children(module: string, ticketId: string | undefined): readonly Data[] {
    const id = this.#parent(module, ticketId);
    const rows = this.rows(module).filter(({ record }) => record.data.ticketId === id);
    return rows.map((row) => ({ ...this.shown(module, row), type: module.slice(0, -1) }));
  }

  /** A handler for a token with a scope of the group, and for the organisation's id. */
  #allowed(scope: string, handle: Handler, method?: string): Handler {
    return (call) => {
      if ((call.headers.orgid ?? call.query.get("orgId")) !== this.orgId)
        return failure(403, "FORBIDDEN", "The orgId is missing or not yours");
      const has = (group: string): boolean => allows(call.scopes, `Desk.${group}`, method ?? call.method);
      const isAllowed = has(scope) || memberOf(OTHER_SCOPES, scope)?.some((groups) => groups.every(has)) === true;
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

  #list(module: string, call: Call, owner: readonly (readonly [member: string, id: unknown])[]): Answer {
    const { filters = {}, unmodelled = [] } = MODULES[module] as DeskModule;
    const rows = this.rows(module).filter(({ record: { data } }) => owner.every(([member, id]) => data[member] === id));
    const filter = (name: string) => {
      const member = memberOf(filters, name);
      return member === undefined
        ? undefined
        : ({ record: { data } }: Row, wanted: string): boolean => matchesAny(data[member], wanted);
    };
    const parameters = { filter, unmodelled, own: ["from", "limit", "sortBy", "orgId"] };
    const found = selected(call, rows, parameters, this).map((row) => this.shown(module, row));
    return paged(sortedBy(found, call.query.get("sortBy") ?? ""), call.query);
  }

  /** `*` in a value stands for anything. A criterion that is not modelled is refused, as all of them narrow. */
  #search(module: string, call: Call): Answer {
    const rows = this.rows(module).map((row) => this.shown(module, row));
    const filter = (name: string) => criterionOf(MODULES[module] as DeskModule, name);
    const own = ["from", "limit", "sortBy", "orgId", "module"];
    const unmodelled = [...call.query.keys()].filter((name) => !own.includes(name) && !EXPANDING.includes(name));
    const found = selected(call, rows, { filter, unmodelled, own }, this);
    const answer = paged(sortedBy(found, call.query.get("sortBy") ?? ""), call.query);
    return answer.status === 200 ? { ...answer, body: { ...Object(answer.body), count: found.length } } : answer;
  }

  /** One word in any module, or in one. */
  #searchAny(call: Call): Answer {
    const wanted = call.query.get("searchStr") ?? "";
    const only = call.query.get("module");
    const modules = Object.entries(MODULES).filter(
      ([name, { parent }]) => parent === undefined && (!only || only === name),
    );
    const found = modules.flatMap(([name, { title }]) =>
      this.rows(name)
        .map((row): Data => ({ ...this.shown(name, row), module: title }))
        .filter((row) => Object.values(row).some((value) => matchesAny(value, `*${wanted}*`))),
    );
    const answer = paged(found, call.query);
    return answer.status === 200 ? { ...answer, body: { ...Object(answer.body), count: found.length } } : answer;
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
    const about = { product: "desk", event: "probe", timeoutMs: wire.sender.answer.withinMs };
    const probes: readonly Probe[] = wire.setup.probes;
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

function shownHook({ id, body }: DeskHook): Data {
  return { id, ...body };
}
