import { HEADER_NAME, type HeaderPair } from "../delivery/delivery.ts";
import { withQuery } from "../delivery/target.ts";
import { books } from "../products/books.ts";
import { isRecord, parseJson, writeJson } from "../util/json.ts";
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
import { type FinanceHook, type FinanceState, memberOf, nextId, type Records, type StoredRecord } from "./state.ts";

type Data = Readonly<Record<string, unknown>>;

const BOOKS = "/books/v3";
const ROOTS: Readonly<Record<string, string>> = { [BOOKS]: "ZohoBooks", "/inventory/v1": "ZohoInventory" };
const OPERATIONS: Readonly<Record<string, string>> = { GET: "READ", POST: "CREATE", PUT: "UPDATE", DELETE: "DELETE" };
const ENTITIES = ["customer", "item", "estimate", "invoice", "salesorder", "purchaseorder", "expense"];
const ARGUMENTS = [
  ...["webhook_name", "description", "entity", "method", "url", "headers", "query_parameters", "body_type"],
  ...["raw_data", "form_data", "secret"],
];
/** Faster settings calls are rejected. */
const PAUSE_MS = 600;
const MAX_PER_PAGE = 200;
/** Types of workflow rules by what happens to a record. */
const RULES = { add: ["add", "add_edit"], edit: ["add_edit"], delete: ["delete"] } as const;
const [, wire] = books.formats;

interface Module {
  /** Wraps its record in answers and deliveries. */
  readonly key: string;
  /** Name in webhooks and rules. */
  readonly entity: string;
  readonly title: string;
  /** Group of its scopes. */
  readonly scope: string;
  readonly required: readonly string[];
  /** Members of a new record, and by their type what a client may write. */
  readonly usual: Data;
}

/** https://www.zoho.com/books/api/v3/ */
const MODULES: Readonly<Record<string, Module>> = {
  contacts: {
    key: "contact",
    entity: "customer",
    title: "contact",
    scope: "contacts",
    required: ["contact_name"],
    usual: {
      contact_name: "",
      company_name: "",
      contact_type: "customer",
      status: "active",
      currency_code: "USD",
      payment_terms: 0,
      payment_terms_label: "Due on Receipt",
      outstanding_receivable_amount: 0,
      billing_address: {},
      shipping_address: {},
      contact_persons: [],
      custom_fields: [],
    },
  },
  items: {
    key: "item",
    entity: "item",
    title: "item",
    scope: "settings",
    required: ["name", "rate"],
    usual: { name: "", sku: "", description: "", status: "active", custom_fields: [] },
  },
  invoices: {
    key: "invoice",
    entity: "invoice",
    title: "invoice",
    scope: "invoices",
    required: ["customer_id", "line_items"],
    usual: {
      status: "draft",
      reference_number: "",
      customer_id: "",
      currency_code: "USD",
      exchange_rate: 1,
      tax_total: 0,
      line_items: [],
      custom_fields: [],
      billing_address: {},
      shipping_address: {},
    },
  },
};

/** Records of Books, and webhooks and workflow rules of one Books and one Inventory organisation. */
export class Finance implements Service, RecordStore {
  readonly product = "books";
  readonly organizationId = "10234695";
  /** The answer to creating a workflow rule. */
  ruleTrouble: Answer | undefined;
  /** The page size of the list of webhooks, whatever is requested. */
  pageSize = MAX_PER_PAGE;
  #calledAt = Number.NEGATIVE_INFINITY;
  readonly #state: { finance: FinanceState };
  readonly #deliveries: Pick<Deliveries, "send">;
  readonly #now: () => number;

  constructor(state: { finance: FinanceState }, deliveries: Pick<Deliveries, "send">, now: () => number) {
    this.#state = state;
    this.#deliveries = deliveries;
    this.#now = now;
  }

  get hooks(): readonly FinanceHook[] {
    return this.#state.finance.hooks;
  }

  subscriptions(): readonly Subscription[] {
    return this.hooks.map(({ id, root, body: { url, entity }, rules }) => ({
      product: root === BOOKS ? "books" : "inventory",
      id,
      url: String(url),
      events: [String(entity)],
      // A webhook without a rule is never called.
      enabled: rules.length > 0,
    }));
  }

  modules() {
    const { contacts, items, invoices } = this.#state.finance;
    return counted({ contacts, items, invoices });
  }

  list(module: string, limit: number): readonly ApiRecord[] {
    const records = newestFirst(this.#records(module)).slice(0, limit);
    return records.map((record) => ({ id: record.id, ...shown(module, record) }));
  }

  create(module: string, given: Data): ApiRecord {
    const data = this.#checked(module, given, moduleOf(module).usual);
    const now = this.#now();
    const record = { id: nextId(this.#state.finance), createdAt: now, modifiedAt: now, data };
    this.#records(module)[record.id] = record;
    return this.#written("add", module, record);
  }

  change(module: string, id: string, given: Data): ApiRecord {
    const record = this.#record(module, id);
    record.data = this.#checked(module, given, record.data);
    record.modifiedAt = this.#now();
    return this.#written("edit", module, record);
  }

  remove(module: string, id: string): void {
    const record = this.#record(module, id);
    delete this.#records(module)[id];
    this.#written("delete", module, record);
  }

  answer(request: ApiRequest, scopes: readonly string[]): Answer | undefined {
    const root = Object.keys(ROOTS).find((each) => request.path.startsWith(`${each}/`));
    if (root === undefined) return undefined;
    const path = request.path.slice(root.length);
    const [, name = "", recordId] = /^\/(\w+)(?:\/(\d+))?$/.exec(path) ?? [];
    const module = root === BOOKS ? memberOf(MODULES, name) : undefined;
    const operation = memberOf(OPERATIONS, request.method);
    if (!scopes.includes(`${ROOTS[root]}.${module?.scope ?? "settings"}.${operation}`))
      return fault(401, 57, "You are not authorized to perform this operation");
    if (path === "/organizations") {
      const organizations = [{ organization_id: this.organizationId, name: "Acme" }];
      return { status: 200, body: { code: 0, message: "success", organizations } };
    }
    if (request.query.get("organization_id") !== this.organizationId)
      return fault(400, 4, "Invalid value passed for organization_id");
    if (module !== undefined) return this.#answerRecords(request, name, module, recordId);
    if (path.startsWith("/settings/")) {
      const isTooSoon = this.#now() - this.#calledAt < PAUSE_MS;
      this.#calledAt = this.#now();
      if (isTooSoon) return fault(429, 1070, "too many requests");
    }
    if (path === "/settings/workflows" && request.method === "POST") return this.#addRule(root, request.json);
    if (path === "/settings/webhooks" && request.method === "POST") return this.#createHook(root, request.json);
    if (path === "/settings/webhooks" && request.method === "GET") return this.#listHooks(root, request.query);
    const id = /^\/settings\/webhooks\/(\d+)$/.exec(path)?.[1];
    if (id === undefined || request.method !== "DELETE") return fault(404, 5, "Invalid URL Passed");
    if (!this.hooks.some((hook) => hook.id === id)) return fault(404, 1002, "Webhook does not exist.");
    this.#state.finance.hooks = this.hooks.filter((hook) => hook.id !== id);
    return { status: 200, body: { code: 0, message: "The webhook has been deleted." } };
  }

  #answerRecords(request: ApiRequest, name: string, { key, title }: Module, id: string | undefined): Answer {
    const { method, query } = request;
    const one = (status: number, message: string, { id: _, ...record }: ApiRecord): Answer => ({
      status,
      body: { code: 0, message, [key]: record },
    });
    if (method === "POST" && id === undefined)
      return one(201, `The ${title} has been created.`, this.create(name, dataOf(request)));
    if (method === "PUT" && id !== undefined)
      return one(200, `The ${title} has been updated.`, this.change(name, id, dataOf(request)));
    if (method === "DELETE" && id !== undefined) {
      this.remove(name, id);
      return { status: 200, body: { code: 0, message: `The ${title} has been deleted.` } };
    }
    if (method !== "GET") return fault(405, 5, "Invalid URL Passed");
    if (id !== undefined) return one(200, "success", { id, ...shown(name, this.#record(name, id)) });
    const page = Number(query.get("page") ?? 1);
    const perPage = Number(query.get("per_page") ?? MAX_PER_PAGE);
    if (!(page >= 1)) return fault(400, 4, "Invalid value passed for page");
    if (!(perPage >= 1 && perPage <= MAX_PER_PAGE)) return fault(400, 4, "Invalid value passed for per_page");
    const rows = newestFirst(this.#records(name));
    const records = rows.slice((page - 1) * perPage, page * perPage).map((record) => shown(name, record));
    const page_context = { page, per_page: perPage, has_more_page: rows.length > page * perPage };
    return { status: 200, body: { code: 0, message: "success", [name]: records, page_context } };
  }

  #records(module: string): Records {
    moduleOf(module);
    return this.#state.finance[module as "contacts" | "items" | "invoices"];
  }

  #record(module: string, id: string): StoredRecord {
    const { title } = moduleOf(module);
    const record = memberOf(this.#records(module), id);
    if (record !== undefined) return record;
    throw new Refusal(fault(404, 1002, `${title.slice(0, 1).toUpperCase()}${title.slice(1)} does not exist.`));
  }

  /** The members of the record once it is written. */
  #checked(module: string, given: Data, before: Data): Data {
    const { usual, required } = moduleOf(module);
    const misfit = misfitIn(module === "invoices" ? withTextId(given) : given, usual);
    if (misfit !== undefined) throw new Refusal(wrong(misfit));
    const data: Data = { ...before, ...given };
    const missing = required.find((name) => isEmpty(data[name]));
    if (missing !== undefined) throw new Refusal(wrong(missing));
    if (module === "items" && typeof data.rate !== "number") throw new Refusal(wrong("rate"));
    return module === "invoices" ? this.#withTotals(data) : data;
  }

  /** An invoice with its customer's name, the parts of its lines, and their sum. */
  #withTotals(data: Data): Data {
    const { contacts, items } = this.#state.finance;
    const customer = memberOf(contacts, String(data.customer_id));
    if (customer === undefined) throw new Refusal(wrong("customer_id"));
    const line_items = (data.line_items as readonly unknown[]).map((each) => {
      const line: Data = Object(each);
      const item = memberOf(items, String(line.item_id));
      if (line.item_id !== undefined && item === undefined) throw new Refusal(wrong("item_id"));
      const { name = item?.data.name, rate = item?.data.rate, quantity = 1 } = line;
      if (typeof rate !== "number" || typeof quantity !== "number") throw new Refusal(wrong("line_items"));
      const line_item_id = line.line_item_id ?? nextId(this.#state.finance);
      return { ...line, line_item_id, name, rate, quantity, item_total: cents(rate * quantity) };
    });
    const sub_total = cents(line_items.reduce((sum, { item_total }) => sum + item_total, 0));
    const total = cents(sub_total + Number(data.tax_total));
    const customer_id = customer.id;
    return {
      ...data,
      customer_id,
      customer_name: customer.data.contact_name,
      line_items,
      sub_total,
      total,
      balance: total,
    };
  }

  /** Runs the rules of what happened to a record, and returns it. */
  #written(operation: keyof typeof RULES, module: string, record: StoredRecord): ApiRecord {
    const { entity, key } = moduleOf(module);
    const data = shown(module, record);
    // A rule for customers is not one for vendors, which are contacts, too.
    const isOther = module === "contacts" && record.data.contact_type !== entity;
    for (const hook of isOther ? [] : this.hooks) {
      if (hook.root !== BOOKS || hook.body.entity !== entity) continue;
      const types: readonly string[] = RULES[operation];
      for (const { type } of hook.rules) if (types.includes(type)) this.#post(hook, key, data);
    }
    return { id: record.id, ...data };
  }

  /** Posts the whole record: a body that the user designed is not filled in. */
  #post({ body }: FinanceHook, key: string, record: Data): void {
    const method = String(body.method);
    const parameters = new URLSearchParams(
      pairsOf(body.query_parameters).map(([name, value]): [string, string] => [name, value]),
    );
    this.#deliveries.send({
      product: this.product,
      format: {
        ...wire,
        encode: (data) => ({ method, contentType: "application/json", body: Buffer.from(writeJson(data)) }),
      },
      event: key,
      url: withQuery(String(body.url), parameters.toString()),
      headers: pairsOf(body.headers),
      body: { [key]: record },
      secrets: onlyKey("secret", body.secret === undefined ? undefined : String(body.secret)),
    });
  }

  #createHook(root: string, json: unknown): Answer {
    const body = isRecord(json) ? json : {};
    const stranger = Object.keys(body).find((key) => !ARGUMENTS.includes(key));
    if (stranger !== undefined) return wrong(stranger);
    const { url, webhook_name: name, description = "", entity, method, secret = "" } = body;
    if (typeof url !== "string" || !/^https?:/.test(url) || !URL.canParse(url) || url.length > 5000)
      return wrong("url");
    if (typeof name !== "string" || name.length > 50) return wrong("webhook_name");
    if (String(description).length > 100) return wrong("description");
    if (!ENTITIES.includes(String(entity))) return wrong("entity");
    if (!["POST", "PUT", "DELETE"].includes(String(method))) return wrong("method");
    if (secret !== "" && !/^[A-Za-z0-9]{12,50}$/.test(String(secret))) return wrong("secret");
    if (!pairsOf(body.headers).every(([header, value]) => HEADER_NAME.test(header) && /^[ -~]*$/.test(value)))
      return wrong("headers");
    const hook: FinanceHook = { id: nextId(this.#state.finance), root, body, rules: [] };
    this.#state.finance.hooks.push(hook);
    return { status: 201, body: { code: 0, message: "done", webhook: { webhook_id: hook.id, ...body } } };
  }

  #addRule(root: string, json: unknown): Answer {
    if (this.ruleTrouble !== undefined) return this.ruleTrouble;
    const body: Data = isRecord(json) ? json : {};
    const { entity, rule_type: type, instant_actions: actions, workflow_name: name } = body;
    const [action] = Array.isArray(actions) ? actions : [];
    const hook = this.hooks.find((each) => each.root === root && each.id === action?.action_id);
    if (hook === undefined || action?.action_type !== "webhook") return fault(400, 15, "no such action");
    if (!["add", "add_edit", "delete"].includes(String(type)) || hook.body.entity !== entity || !name)
      return fault(400, 15, "the rule is not right");
    const id = nextId(this.#state.finance);
    hook.rules.push({ id, type: String(type) });
    return { status: 201, body: { code: 0, message: "done", workflow: { workflow_id: id } } };
  }

  #listHooks(root: string, query: URLSearchParams): Answer {
    const page = Number(query.get("page") ?? 1);
    const own = this.hooks.filter((hook) => hook.root === root);
    const listed = own.slice((page - 1) * this.pageSize, page * this.pageSize);
    const webhooks = listed.map(({ id, body: { secret: _, ...body }, rules }) => ({
      webhook_id: id,
      ...body,
      related_rules: rules.map((rule) => ({ workflow_id: rule.id })),
    }));
    const page_context = { page, has_more_page: own.length > page * this.pageSize };
    return { status: 200, body: { code: 0, message: "success", webhooks, page_context } };
  }
}

function moduleOf(name: string): Module {
  const module = memberOf(MODULES, name);
  if (module !== undefined) return module;
  throw new Refusal(fault(404, 5, "Invalid URL Passed"));
}

/** JSON, or as Zoho's own scripts send it, a form with `JSONString`. */
function dataOf({ json, form }: ApiRequest): Data {
  if (isRecord(json)) return json;
  const parsed = parseJson(form.get("JSONString") ?? "");
  if (parsed.ok && isRecord(parsed.value)) return parsed.value;
  throw new Refusal(fault(400, 2, "Invalid value passed for JSONString"));
}

/** Arguments such as `headers`: a list of `{param_name, param_value}`. */
function pairsOf(list: unknown): readonly HeaderPair[] {
  const pairs: readonly unknown[] = Array.isArray(list) ? list : [];
  return pairs.map((each) => {
    const { param_name: name = "", param_value: value = "" }: Data = Object(each);
    return [String(name), String(value)];
  });
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === "" || (Array.isArray(value) && value.length === 0);
}

/** Short ids may be written as numbers. */
function withTextId(data: Data): Data {
  return Number.isInteger(data.customer_id) ? { ...data, customer_id: String(data.customer_id) } : data;
}

/** A record as the API answers it, and as its webhooks post it. */
function shown(module: string, { id, createdAt, modifiedAt, data }: StoredRecord): Data {
  const { key } = moduleOf(module);
  const created = timeText(createdAt);
  const today = created.slice(0, 10);
  const isInvoice = module === "invoices";
  return {
    [`${key}_id`]: id,
    ...(isInvoice && { invoice_number: `INV-${id.slice(-6)}`, date: today, due_date: data.date ?? today }),
    ...data,
    created_time: created,
    last_modified_time: timeText(modifiedAt),
  };
}

/** `2025-01-15T10:30:00+0000` */
function timeText(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}+0000`;
}

function cents(amount: number): number {
  return Math.round(amount * 100) / 100;
}

function wrong(name: string): Answer {
  return fault(400, 15, `Please ensure that the ${name} is right`);
}

function fault(status: number, code: number, message: string): Answer {
  return { status, body: { code, message } };
}
