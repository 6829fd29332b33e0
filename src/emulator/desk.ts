import type { Probe } from "../contract/product.ts";
import type { HeaderPair } from "../delivery/delivery.ts";
import { wire } from "../products/desk/wire.ts";
import type { Answer, ApiRequest, Service } from "./answer.ts";
import type { Deliveries } from "./deliveries.ts";
import type { DeskHook, DeskState } from "./state.ts";

const EVENTS = /^(Ticket|Contact|Account|Task|Agent|Article)_(Comment_|Thread_|Attachment_)?(Add|Update|Delete)$/;
const KEYS = ["name", "description", "url", "isEnabled", "ignoreSourceId", "includeEventsFrom", "subscriptions"];
const FILTERS: Readonly<Record<string, RegExp>> = {
  departmentIds: /^(Ticket_(Add|Update|Comment_Add|Comment_Update|Thread_Add)|Task_(Add|Update))$/,
  fields: /^Ticket_Update$/,
  includePrevState: /^(Ticket|Task|Account|Agent|Article|Contact)_Update$/,
  direction: /^Ticket_Thread_Add$/,
};

/** Desk's webhooks of one organisation, by its OpenAPI, with a probe of the URL before creation. */
export class Desk implements Service {
  readonly orgId = "60017843";
  /** The organisations of the sign-in. */
  organisations: readonly { readonly id: string; readonly companyName: string }[] = [
    { id: this.orgId, companyName: "Acme" },
  ];
  #next = 1892000000004203471n;

  readonly #state: { desk: DeskState };

  readonly #deliveries: Pick<Deliveries, "probe" | "send">;

  constructor(state: { desk: DeskState }, deliveries: Pick<Deliveries, "probe" | "send">) {
    this.#state = state;
    this.#deliveries = deliveries;
  }

  get hooks(): readonly DeskHook[] {
    return this.#state.desk.hooks;
  }

  async answer(request: ApiRequest, scopes: readonly string[]): Promise<Answer | undefined> {
    if (request.path === "/api/v1/organizations") {
      return scopes.includes("Desk.basic.READ")
        ? { status: 200, body: { data: this.organisations } }
        : fault(403, "SCOPE_MISMATCH", "The OAuth token does not have access");
    }
    const [, id] = /^\/api\/v1\/webhooks(?:\/(\d+))?$/.exec(request.path) ?? ["", undefined];
    if (!/^\/api\/v1\/webhooks(\/\d+)?$/.test(request.path)) return undefined;
    if (request.headers.orgid !== this.orgId) return fault(403, "FORBIDDEN", "The orgId is missing or not yours");
    const operation = { GET: "READ", POST: "CREATE", DELETE: "DELETE" }[request.method];
    if (operation === undefined) return fault(405, "METHOD_NOT_ALLOWED", "not here");
    const both = ["settings", "events"].every((each) => scopes.includes(`Desk.${each}.${operation}`));
    if (!both && !scopes.includes(`Desk.webhooks.${operation}`))
      return fault(403, "SCOPE_MISMATCH", "The OAuth token does not have access");
    if (request.method === "POST") return this.#create(request.json);
    if (request.method === "DELETE") return this.#delete(id);
    if (this.hooks.length === 0) return { status: 204 };
    return { status: 200, body: { data: this.hooks.map((hook) => ({ id: hook.id, ...hook.body })) } };
  }

  async #create(json: unknown): Promise<Answer> {
    const body = (json ?? {}) as Record<string, unknown>;
    const stranger = Object.keys(body).find((key) => !KEYS.includes(key));
    if (stranger !== undefined) return invalid(`/${stranger}`);
    if (typeof body.url !== "string") return invalid("/url", "missing");
    const { subscriptions } = body;
    if (typeof subscriptions !== "object" || subscriptions === null) return invalid("/subscriptions", "missing");
    for (const [event, filter] of Object.entries(subscriptions)) {
      const at = `/subscriptions/${event}`;
      if (!EVENTS.test(event)) return invalid(at);
      if (filter === null) continue;
      const names = Object.keys(filter as object);
      // Zoho expects null instead of {} without a filter.
      if (names.length === 0 || names.some((name) => FILTERS[name]?.test(event) !== true)) return invalid(at);
    }
    if (!(await this.#answersProbe(body.url))) {
      const message = "Validation failed for the condition : The endpoint failed to respond with status code 200";
      return fault(422, "UNPROCESSABLE_ENTITY", message);
    }
    const hook = { id: String(this.#next++), body: { type: "CUSTOMER_WEBHOOK", ...body } };
    this.#state.desk.hooks.push(hook);
    return { status: 200, body: { id: hook.id, ...hook.body } };
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

  #delete(id: string | undefined): Answer {
    if (!this.hooks.some((hook) => hook.id === id)) return fault(404, "URL_NOT_FOUND", "no such webhook");
    this.#state.desk.hooks = this.hooks.filter((hook) => hook.id !== id);
    return { status: 200, body: "" };
  }
}

function invalid(fieldName: string, errorType = "invalid"): Answer {
  const message = `The value passed for field '${fieldName}' does not match the allowed values.`;
  return {
    status: 422,
    body: { errorCode: "INVALID_DATA", message, errors: [{ fieldName, errorType, errorMessage: "" }] },
  };
}

function fault(status: number, errorCode: string, message: string): Answer {
  return { status, body: { errorCode, message } };
}
