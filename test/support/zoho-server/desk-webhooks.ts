import type { Answer, SeenRequest } from "./answer.ts";

interface Hook {
  readonly id: string;
  readonly body: Readonly<Record<string, unknown>>;
}

const EVENTS = /^(Ticket|Contact|Account|Task|Agent|Article)_(Comment_|Thread_|Attachment_)?(Add|Update|Delete)$/;
const KEYS = ["name", "description", "url", "isEnabled", "ignoreSourceId", "includeEventsFrom", "subscriptions"];
const FILTERS: Readonly<Record<string, RegExp>> = {
  departmentIds: /^(Ticket_(Add|Update|Comment_Add|Comment_Update|Thread_Add)|Task_(Add|Update))$/,
  fields: /^Ticket_Update$/,
  includePrevState: /^(Ticket|Task|Account|Agent|Article|Contact)_Update$/,
  direction: /^Ticket_Thread_Add$/,
};

/** Desk's webhooks of one organisation, by its OpenAPI, with a probe of the URL before creation. */
export class DeskWebhooks {
  readonly orgId = "60017843";
  /** The organisations of the sign-in. */
  organisations: readonly { readonly id: string; readonly companyName: string }[] = [
    { id: this.orgId, companyName: "Acme" },
  ];
  hooks: Hook[] = [];
  #next = 1892000000004203471n;

  async answer(request: SeenRequest, scopes: readonly string[]): Promise<Answer | undefined> {
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
    if (!(await answersProbe(body.url))) {
      const message = "Validation failed for the condition : The endpoint failed to respond with status code 200";
      return fault(422, "UNPROCESSABLE_ENTITY", message);
    }
    const hook = { id: String(this.#next++), body: { type: "CUSTOMER_WEBHOOK", ...body } };
    this.hooks.push(hook);
    return { status: 200, body: { id: hook.id, ...hook.body } };
  }

  #delete(id: string | undefined): Answer {
    if (!this.hooks.some((hook) => hook.id === id)) return fault(404, "URL_NOT_FOUND", "no such webhook");
    this.hooks = this.hooks.filter((hook) => hook.id !== id);
    return { status: 200, body: "" };
  }
}

/** A GET must get 200, or else a POST of `{}`. */
async function answersProbe(url: string): Promise<boolean> {
  const form = { "content-type": "application/x-www-form-urlencoded" };
  const ok = (sent: Promise<Response>): Promise<boolean> =>
    sent.then(
      (response) => response.status === 200,
      () => false,
    );
  return (await ok(fetch(url))) || ok(fetch(url, { method: "POST", body: "{}", headers: form }));
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
