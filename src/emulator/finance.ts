import type { Answer, ApiRequest, Service } from "./answer.ts";
import { type FinanceHook, type FinanceState, nextId } from "./state.ts";

const ROOTS: Readonly<Record<string, string>> = { "/books/v3": "ZohoBooks", "/inventory/v1": "ZohoInventory" };
const ENTITIES = ["customer", "item", "estimate", "invoice", "salesorder", "purchaseorder", "expense"];
const ARGUMENTS = [
  ...["webhook_name", "description", "entity", "method", "url", "headers", "query_parameters", "body_type"],
  ...["raw_data", "form_data", "secret"],
];
/** Faster settings calls are rejected. */
const PAUSE_MS = 600;

/** Webhooks and workflow rules of one Books and one Inventory organisation. */
export class Finance implements Service {
  readonly organizationId = "10234695";
  /** The answer to creating a workflow rule. */
  ruleTrouble: Answer | undefined;
  /** The page size of the list, whatever is requested. */
  pageSize = 200;
  #calledAt = Number.NEGATIVE_INFINITY;
  readonly #now: () => number;

  readonly #state: { finance: FinanceState };

  constructor(state: { finance: FinanceState }, now: () => number) {
    this.#state = state;
    this.#now = now;
  }

  get hooks(): readonly FinanceHook[] {
    return this.#state.finance.hooks;
  }

  answer(request: ApiRequest, scopes: readonly string[]): Answer | undefined {
    const root = Object.keys(ROOTS).find((each) => request.path.startsWith(`${each}/`));
    if (root === undefined) return undefined;
    const path = request.path.slice(root.length);
    const operation = { GET: "READ", POST: "CREATE", PUT: "UPDATE", DELETE: "DELETE" }[request.method];
    if (!scopes.includes(`${ROOTS[root]}.settings.${operation}`))
      return fault(401, 57, "You are not authorized to perform this operation");
    if (path === "/organizations") {
      const organizations = [{ organization_id: this.organizationId, name: "Acme" }];
      return { status: 200, body: { code: 0, message: "success", organizations } };
    }
    if (request.query.get("organization_id") !== this.organizationId)
      return fault(400, 4, "Invalid value passed for organization_id");
    if (path.startsWith("/settings/")) {
      const isTooSoon = this.#now() - this.#calledAt < PAUSE_MS;
      this.#calledAt = this.#now();
      if (isTooSoon) return fault(429, 1070, "too many requests");
    }
    if (path === "/settings/workflows" && request.method === "POST") return this.#addRule(root, request.json);
    if (path === "/settings/webhooks" && request.method === "POST") return this.#create(root, request.json);
    if (path === "/settings/webhooks" && request.method === "GET") return this.#list(root, request.query);
    const id = /^\/settings\/webhooks\/(\d+)$/.exec(path)?.[1];
    if (id === undefined || request.method !== "DELETE") return fault(404, 5, "Invalid URL Passed");
    if (!this.hooks.some((hook) => hook.id === id)) return fault(404, 1002, "Webhook does not exist.");
    this.#state.finance.hooks = this.hooks.filter((hook) => hook.id !== id);
    return { status: 200, body: { code: 0, message: "The webhook has been deleted." } };
  }

  #create(root: string, json: unknown): Answer {
    const body = (json ?? {}) as Record<string, unknown>;
    const refused = (name: string): Answer => fault(400, 15, `Please ensure that the ${name} is right`);
    const stranger = Object.keys(body).find((key) => !ARGUMENTS.includes(key));
    if (stranger !== undefined) return refused(stranger);
    const { url, webhook_name: name, description = "", entity, method, secret = "" } = body;
    if (typeof url !== "string" || url === "" || url.length > 5000) return refused("url");
    if (typeof name !== "string" || name.length > 50) return refused("webhook_name");
    if (String(description).length > 100) return refused("description");
    if (!ENTITIES.includes(String(entity))) return refused("entity");
    if (!["POST", "PUT", "DELETE"].includes(String(method))) return refused("method");
    if (secret !== "" && !/^[A-Za-z0-9]{12,50}$/.test(String(secret))) return refused("secret");
    const hook: FinanceHook = { id: nextId(this.#state.finance), root, body, rules: [] };
    this.#state.finance.hooks.push(hook);
    return { status: 201, body: { code: 0, message: "done", webhook: { webhook_id: hook.id, ...body } } };
  }

  #addRule(root: string, json: unknown): Answer {
    if (this.ruleTrouble !== undefined) return this.ruleTrouble;
    const {
      entity,
      rule_type: type,
      instant_actions: actions,
      workflow_name: name,
    } = (json ?? {}) as {
      readonly [key: string]: unknown;
    };
    const [action] = Array.isArray(actions) ? actions : [];
    const hook = this.hooks.find((each) => each.root === root && each.id === action?.action_id);
    if (hook === undefined || action?.action_type !== "webhook") return fault(400, 15, "no such action");
    if (!["add", "add_edit", "delete"].includes(String(type)) || hook.body.entity !== entity || !name)
      return fault(400, 15, "the rule is not right");
    const id = nextId(this.#state.finance);
    hook.rules.push({ id, type: String(type) });
    return { status: 201, body: { code: 0, message: "done", workflow: { workflow_id: id } } };
  }

  #list(root: string, query: URLSearchParams): Answer {
    const page = Number(query.get("page") ?? 1);
    const own = this.hooks.filter((hook) => hook.root === root);
    const shown = own.slice((page - 1) * this.pageSize, page * this.pageSize);
    const webhooks = shown.map(({ id, body: { secret: _, ...body }, rules }) => ({
      webhook_id: id,
      ...body,
      related_rules: rules.map((rule) => ({ workflow_id: rule.id })),
    }));
    const page_context = { page, has_more_page: own.length > page * this.pageSize };
    return { status: 200, body: { code: 0, message: "success", webhooks, page_context } };
  }
}

function fault(status: number, code: number, message: string): Answer {
  return { status, body: { code, message } };
}
