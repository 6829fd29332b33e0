import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { HEADER_NAME } from "../../../delivery/delivery.ts";
import { withQuery } from "../../../delivery/target.ts";
import { books } from "../../../products/books.ts";
import { isHttpUrl } from "../../../util/hosts.ts";
import { isRecord, parseJson, writeJson } from "../../../util/json.ts";
import { type Answer, type ApiRequest, Refusal, type Wording, wordingOf } from "../../answer.ts";
import type { Handler, Routes } from "../../routes.ts";
import { defineService } from "../../service.ts";
import { memberOf, members, textOf } from "../../state.ts";
import { type Data, flawIn, type Operation, onlyKey, type Row, Store, type StoreState, storeState } from "../store.ts";

const BOOKS = "/books/v3";
const ROOTS: Readonly<Record<string, string>> = { [BOOKS]: "ZohoBooks", "/inventory/v1": "ZohoInventory" };
const SCOPES: Readonly<Record<string, string>> = { GET: "READ", POST: "CREATE", PUT: "UPDATE", DELETE: "DELETE" };
const ENTITIES = ["customer", "item", "estimate", "invoice", "salesorder", "purchaseorder", "expense"];
const ARGUMENTS = [
  ...["webhook_name", "description", "entity", "method", "url", "headers", "query_parameters", "body_type"],
  ...["raw_data", "form_data", "secret"],
];
/** Faster settings calls are rejected. */
const PAUSE_MS = 600;
const MAX_PER_PAGE = 200;
/** Types of workflow rules that run when a record is written. */
const RULES: Readonly<Record<Operation, readonly string[]>> = {
  add: ["add", "add_edit"],
  edit: ["add_edit"],
  delete: ["delete"],
};
const RULE_TYPES = [...new Set(Object.values(RULES).flat())];
const [, wire] = books.formats;
const hookSchema = z.object({
  id: z.string(),
  root: z.string(),
  body: members,
  rules: z.array(z.object({ id: z.string(), type: z.string() })),
});

type FinanceHook = z.infer<typeof hookSchema>;

export const finance = defineService<StoreState<FinanceHook>>({
  name: "finance",
  schema: storeState(hookSchema),
  empty: () => ({ hooks: [], tables: {}, nextId: "460000000026049" }),
  open: (own, parts) => new Finance(own, parts),
});

const wording: Wording = wordingOf(
  {
    noToken: [401, 14, "Invalid value passed for authtoken"],
    badToken: [401, 14, "Invalid value passed for authtoken"],
    badScope: [401, 57, "You are not authorized to perform this operation"],
    wrongMethod: [405, 5, "Invalid URL Passed"],
    lacking: [404, 5, "Invalid URL Passed"],
    tooMany: [429, 1070, "too many requests"],
    broken: [500, 1001, "Internal Error"],
  },
  (code, message) => ({ code, message }),
);

interface Module {
  /** Wraps its record in answers and deliveries. */
  readonly key: string;
  /** Name in webhooks and rules. */
  readonly entity: string;
  /** Group of its scopes. */
  readonly scope: string;
  readonly required: readonly string[];
  readonly usual: Data;
}

/** https://www.zoho.com/books/api/v3/ */
const MODULES: Readonly<Record<string, Module>> = {
  contacts: {
    ...{ key: "contact", entity: "customer", scope: "contacts", required: ["contact_name"] },
    usual: {
      ...{ company_name: "", contact_type: "customer", status: "active", currency_code: "USD", payment_terms: 0 },
      ...{ payment_terms_label: "Due on Receipt", outstanding_receivable_amount: 0, billing_address: {} },
      ...{ shipping_address: {}, contact_persons: [], custom_fields: [] },
    },
  },
  items: {
    ...{ key: "item", entity: "item", scope: "settings", required: ["name", "rate"] },
    usual: { sku: "", description: "", status: "active", custom_fields: [] },
  },
  invoices: {
    ...{ key: "invoice", entity: "invoice", scope: "invoices", required: ["customer_id", "line_items"] },
    usual: {
      ...{ status: "draft", reference_number: "", currency_code: "USD", exchange_rate: 1, tax_total: 0 },
      ...{ custom_fields: [], billing_address: {}, shipping_address: {} },
    },
  },
};

/** Records of Books, and webhooks and workflow rules of one Books and one Inventory organisation. */
export class Finance extends Store<FinanceHook> {
  readonly product = "books";
  readonly paths = /^\/(books\/v3|inventory\/v1)\//;
  readonly fail = wording;
  readonly routes: Routes = Object.assign(
    {},
    ...Object.keys(ROOTS).map((root) => this.#routesOfRoot(root)),
    ...Object.keys(MODULES).map((module) => this.#routesOfModule(module)),
  );
  protected readonly moduleNames = Object.keys(MODULES);
  readonly organizationId = "10234695";
  /** The page size of the list of webhooks, whatever is requested. */
  pageSize = MAX_PER_PAGE;
  protected readonly notFound = failure(404, 1002, "Resource does not exist.");
  #calledAt = Number.NEGATIVE_INFINITY;

  /** A webhook without a rule is never called. */
  protected subscription({ root, body, rules }: FinanceHook) {
    const product = root === BOOKS ? "books" : "inventory";
    return { product, url: String(body.url), events: [String(body.entity)], enabled: rules.length > 0 };
  }

  /** `rules`: the types of its workflow rules, without which it is never called. */
  subscribe(_product: string, { rules = ["add_edit", "delete"], ...body }: Data): void {
    const types = Array.isArray(rules) ? rules.map(textOf) : [];
    if (!types.every((type) => RULE_TYPES.includes(type))) throw wrong("rules");
    const hook = this.#storeHook(BOOKS, body);
    for (const type of types) hook.rules.push({ id: this.newId(), type });
  }

  protected checked(module: string, given: Data): Data {
    const { key, required, usual } = MODULES[module] as Module;
    const data = { ...usual, ...given };
    const isMissing = (name: string): boolean =>
      [[], "", null].some((none) => isDeepStrictEqual(memberOf<unknown>(data, name) ?? null, none));
    const flaw =
      required.find(isMissing) ??
      flawIn(wire, key, { [key]: this.shown(module, { id: "0", record: { data, createdAt: 0, changedAt: 0 } }) });
    if (flaw !== undefined) throw wrong(flaw);
    return module === "invoices" ? this.#withTotals(data) : data;
  }

  /** An invoice with its customer's name, the parts of its lines, and their sum. */
  #withTotals(data: Data): Data {
    const customer_id = String(data.customer_id);
    const customer = memberOf(this.table("contacts"), customer_id);
    if (customer === undefined) throw wrong("customer_id");
    const line_items = (data.line_items as readonly Data[]).map((line): Data & { readonly item_total: number } => {
      const item = memberOf(this.table("items"), String(line.item_id))?.data;
      const { name = item?.name, rate = item?.rate, quantity = 1, line_item_id = this.newId() } = line;
      const item_total = cents(Number(rate) * Number(quantity));
      if (Number.isNaN(item_total) || (line.item_id !== undefined && item === undefined)) throw wrong("line_items");
      return { ...line, line_item_id, name, rate, quantity, item_total };
    });
    const sub_total = cents(line_items.reduce((sum, { item_total }) => sum + item_total, 0));
    const total = cents(sub_total + Number(data.tax_total));
    const customer_name = customer.data.contact_name;
    return { ...data, customer_id, customer_name, line_items, sub_total, total, balance: total };
  }

  protected shown(module: string, { id, record: { data, createdAt, changedAt } }: Row): Data {
    const [created = "", changed] = [createdAt, changedAt].map(
      (at) => `${new Date(at).toISOString().slice(0, 19)}+0000`,
    );
    const date = created.slice(0, 10);
    return {
      [`${(MODULES[module] as Module).key}_id`]: id,
      ...(module === "invoices" && { invoice_number: `INV-${id.slice(-6)}`, date, due_date: data.date ?? date }),
      ...data,
      created_time: created,
      last_modified_time: changed,
    };
  }

  /** Runs the rules: each posts the whole record, as a body that the user designed is not filled in. */
  protected written(operation: Operation, module: string, row: Row): void {
    const { entity, key } = MODULES[module] as Module;
    // A vendor is a contact, too.
    if (module === "contacts" && row.record.data.contact_type !== entity) return;
    for (const { root, body, rules } of this.hooks) {
      if (root !== BOOKS || body.entity !== entity) continue;
      const query = new URLSearchParams(pairsOf(body.query_parameters));
      const encode = (data: unknown) => ({
        method: String(body.method),
        contentType: "application/json",
        body: Buffer.from(writeJson(data)),
      });
      for (const { type } of rules) {
        if (!RULES[operation].includes(type)) continue;
        this.deliveries.send({
          product: this.product,
          format: { ...wire, encode },
          event: key,
          url: withQuery(String(body.url), query.toString()),
          headers: pairsOf(body.headers),
          body: { [key]: this.shown(module, row) },
          secrets: onlyKey("secret", body.secret),
        });
      }
    }
  }

  reset(): void {
    this.#calledAt = Number.NEGATIVE_INFINITY;
  }

  #routesOfRoot(root: string): Routes {
    const settings = (handle: Handler) => this.#allowed(root, "settings", this.#paced(handle));
    return {
      [`GET ${root}/organizations`]: this.#scoped(root, "settings", () => ({
        status: 200,
        body: {
          code: 0,
          message: "success",
          organizations: [{ organization_id: this.organizationId, name: "Acme" }],
        },
      })),
      [`POST ${root}/settings/workflows`]: settings(({ json }) => this.#addRule(root, json)),
      [`POST ${root}/settings/webhooks`]: settings(({ json }) => this.#createHook(root, json)),
      [`GET ${root}/settings/webhooks`]: settings(({ query }) => this.#listHooks(root, query)),
      [`DELETE ${root}/settings/webhooks/{id}`]: settings(({ params }) =>
        this.dropHook(params.id ?? "")
          ? { status: 200, body: { code: 0, message: "The webhook has been deleted." } }
          : failure(404, 1002, "Webhook does not exist."),
      ),
    };
  }

  #routesOfModule(module: string): Routes {
    const { key, scope } = MODULES[module] as Module;
    const allowed = (handle: Handler) => this.#allowed(BOOKS, scope, handle);
    const one = (message: string, id: string, status = 200): Answer => ({
      status,
      body: { code: 0, message, [key]: this.shown(module, this.find(module, id)) },
    });
    return {
      [`GET ${BOOKS}/${module}`]: allowed(({ query }) => this.#list(module, query)),
      [`POST ${BOOKS}/${module}`]: allowed((call) =>
        one(`The ${key} has been created.`, this.create(module, dataOf(call)).id, 201),
      ),
      [`GET ${BOOKS}/${module}/{id}`]: allowed(({ params }) => one("success", params.id ?? "")),
      [`PUT ${BOOKS}/${module}/{id}`]: allowed((call) =>
        one(`The ${key} has been updated.`, this.change(module, call.params.id ?? "", dataOf(call)).id),
      ),
      [`DELETE ${BOOKS}/${module}/{id}`]: allowed(({ params }) => {
        this.remove(module, params.id ?? "");
        return { status: 200, body: { code: 0, message: `The ${key} has been deleted.` } };
      }),
    };
  }

  #scoped(root: string, scope: string, handle: Handler): Handler {
    return (call) =>
      call.scopes.includes(`${ROOTS[root]}.${scope}.${SCOPES[call.method]}`) ? handle(call) : wording("badScope");
  }

  #allowed(root: string, scope: string, handle: Handler): Handler {
    return this.#scoped(root, scope, (call) =>
      call.query.get("organization_id") === this.organizationId
        ? handle(call)
        : failure(400, 4, "Invalid value passed for organization_id"),
    );
  }

  #paced(handle: Handler): Handler {
    return (call) => {
      const isTooSoon = this.now() - this.#calledAt < PAUSE_MS;
      this.#calledAt = this.now();
      return isTooSoon ? wording("tooMany") : handle(call);
    };
  }

  #list(module: string, query: URLSearchParams): Answer {
    const page = Number(query.get("page") ?? 1);
    const per_page = Number(query.get("per_page") ?? MAX_PER_PAGE);
    if (!(page >= 1 && per_page >= 1 && per_page <= MAX_PER_PAGE))
      return failure(400, 4, "Invalid value passed for page or per_page");
    const rows = this.page(module, (page - 1) * per_page, per_page + 1);
    const page_context = { page, per_page, has_more_page: rows.length > per_page };
    const records = rows.slice(0, per_page).map((row) => this.shown(module, row));
    return { status: 200, body: { code: 0, message: "success", [module]: records, page_context } };
  }

  #createHook(root: string, json: unknown): Answer {
    const body = isRecord(json) ? json : {};
    const { id } = this.#storeHook(root, body);
    return { status: 201, body: { code: 0, message: "done", webhook: { webhook_id: id, ...body } } };
  }

  #storeHook(root: string, body: Data): FinanceHook {
    const stranger = Object.keys(body).find((key) => !ARGUMENTS.includes(key));
    if (stranger !== undefined) throw wrong(stranger);
    const { url, webhook_name: name, description = "", entity, method, secret = "" } = body;
    if (typeof url !== "string" || !isHttpUrl(url) || url.length > 5000) throw wrong("url");
    if (typeof name !== "string" || name.length > 50) throw wrong("webhook_name");
    if (typeof description !== "string" || description.length > 100) throw wrong("description");
    if (!ENTITIES.includes(entity as string)) throw wrong("entity");
    if (!["POST", "PUT", "DELETE"].includes(method as string)) throw wrong("method");
    if (typeof secret !== "string" || !/^([A-Za-z0-9]{12,50})?$/.test(secret)) throw wrong("secret");
    if (!pairsOf(body.headers).every(([header, value]) => HEADER_NAME.test(header) && /^[ -~]*$/.test(value)))
      throw wrong("headers");
    return this.addHook({ id: this.newId(), root, body, rules: [] });
  }

  #addRule(root: string, json: unknown): Answer {
    const body: Data = isRecord(json) ? json : {};
    const { entity, rule_type: type, instant_actions: actions, workflow_name: name } = body;
    const [action] = Array.isArray(actions) ? actions : [];
    const hook = this.hooks.find((each) => each.root === root && each.id === action?.action_id);
    if (hook === undefined || action?.action_type !== "webhook") return failure(400, 15, "no such action");
    if (!RULE_TYPES.includes(type as string) || hook.body.entity !== entity || !name)
      return failure(400, 15, "the rule is not right");
    const id = this.newId();
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

/** JSON, or as Zoho's own scripts send it, a form with `JSONString`. */
function dataOf({ json, form }: ApiRequest): Data {
  const parsed = isRecord(json) ? { ok: true, value: json } : parseJson(form.get("JSONString") ?? "");
  if ("value" in parsed && isRecord(parsed.value)) return parsed.value;
  throw new Refusal(failure(400, 2, "Invalid value passed for JSONString"));
}

/** Arguments such as `headers`: a list of `{param_name, param_value}`. */
function pairsOf(list: unknown): [string, string][] {
  const pairs: readonly unknown[] = Array.isArray(list) ? list : [];
  return pairs.map((each) => {
    const { param_name: name = "", param_value: value = "" }: Data = Object(each);
    return [textOf(name), textOf(value)];
  });
}

function cents(amount: number): number {
  return Math.round(amount * 100) / 100;
}

function wrong(name: string): Refusal {
  return new Refusal(failure(400, 15, `Please ensure that the ${name} is right`));
}

function failure(status: number, code: number, message: string): Answer {
  return { status, body: { code, message } };
}
