import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { HEADER_NAME } from "../../../delivery/delivery.ts";
import { withQuery } from "../../../delivery/target.ts";
import { books } from "../../../products/books.ts";
import { isHttpUrl } from "../../../util/hosts.ts";
import { isRecord, parseJson, writeJson } from "../../../util/json.ts";
import { type Answer, type ApiRequest, Refusal, type Wording, wordingOf } from "../../answer.ts";
import { selected } from "../../parameters.ts";
import type { Call, Handler, Routes } from "../../routes.ts";
import { allows } from "../../scopes.ts";
import { defineService } from "../../service.ts";
import { memberOf, members, textOf } from "../../state.ts";
import { type Data, flawIn, type Operation, onlyKey, type Row, Store, type StoreState, storeState } from "../store.ts";
import { filterOf, OWN_PARAMETERS, sorted, UNMODELLED } from "./lists.ts";
import { type FinanceModule, MODULES } from "./modules.ts";

const BOOKS = "/books/v3";
const ROOTS: Readonly<Record<string, string>> = { [BOOKS]: "ZohoBooks", "/inventory/v1": "ZohoInventory" };
const ENTITIES = ["customer", "item", "estimate", "invoice", "salesorder", "purchaseorder", "expense"];
const ARGUMENTS = [
  "webhook_name",
  "description",
  "entity",
  "method",
  "url",
  "headers",
  "query_parameters",
  "body_type",
  "raw_data",
  "form_data",
  "secret",
];
/** A settings call is rejected if this many came within the pause before it. */
const BURST = 2;
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
    noToken: [401, 57, "You are not authorized to perform this operation"],
    badToken: [401, 57, "You are not authorized to perform this operation"],
    badScope: [401, 57, "You are not authorized to perform this operation"],
    wrongMethod: [405, 5, "Invalid URL Passed"],
    lacking: [404, 5, "Invalid URL Passed"],
    unmodelled: [501, 5, "The emulator does not model this"],
    tooMany: [429, 1070, "too many requests"],
    broken: [500, 1001, "Internal Error"],
  },
  (code, message) => ({ code, message }),
);

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
  #calledAt: readonly number[] = [];

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
    const { key, required, usual, party } = MODULES[module] as FinanceModule;
    const data = { ...usual, ...given };
    const isMissing = (name: string): boolean =>
      [[], "", null].some((none) => isDeepStrictEqual(memberOf<unknown>(data, name) ?? null, none));
    const flaw =
      required.find(isMissing) ??
      flawIn(wire, key, { [key]: this.shown(module, { id: "0", record: { data, createdAt: 0, changedAt: 0 } }) });
    if (flaw !== undefined) throw wrong(flaw);
    if (module === "customerpayments") this.#checkApplied(data);
    return { ...data, ...this.#partyOf(party, data), ...(required.includes("line_items") && this.#totalsOf(data)) };
  }

  /** The name of a document's customer or vendor. */
  #partyOf(party: FinanceModule["party"], data: Data): Data {
    if (party === undefined) return {};
    const id = textOf(data[`${party}_id`]);
    const contact = memberOf(this.table("contacts"), id);
    if (contact === undefined) throw wrong(`${party}_id`);
    return { [`${party}_id`]: id, [`${party}_name`]: contact.data.contact_name };
  }

  /** Throws a Refusal for a payment of invoices that do not exist. */
  #checkApplied({ invoices }: Data): void {
    const isKnown = (each: unknown): boolean =>
      memberOf(this.table("invoices"), textOf(Object(each).invoice_id)) !== undefined;
    if (!Array.isArray(invoices) || !invoices.every(isKnown)) throw wrong("invoices");
  }

  /** The parts of a document's lines, their sum, and what is left to pay of it. */
  #totalsOf(data: Data): Data {
    if (!Array.isArray(data.line_items) || !data.line_items.every(isRecord)) throw wrong("line_items");
    const line_items = data.line_items.map((line: Data): Data & { readonly item_total: number } => {
      const item = memberOf(this.table("items"), String(line.item_id))?.data;
      const { name = item?.name, rate = item?.rate, quantity = 1, line_item_id = this.newId() } = line;
      const item_total = cents(Number(rate) * Number(quantity));
      if (Number.isNaN(item_total) || (line.item_id !== undefined && item === undefined)) throw wrong("line_items");
      return { ...line, line_item_id, name, rate, quantity, item_total };
    });
    const sub_total = cents(line_items.reduce((sum, { item_total }) => sum + item_total, 0));
    const total = cents(sub_total + Number(data.tax_total));
    return { line_items, sub_total, total, balance: cents(total - Number(data.payment_made ?? 0)) };
  }

  protected shown(module: string, { id, record: { data, createdAt, changedAt } }: Row): Data {
    const [created = "", changed] = [createdAt, changedAt].map(
      (at) => `${new Date(at).toISOString().slice(0, 19)}+0000`,
    );
    const { key, number } = MODULES[module] as FinanceModule;
    const date = created.slice(0, 10);
    return {
      [`${key}_id`]: id,
      ...(number !== undefined && { [number[0]]: `${number[1]}-${id.slice(-6)}` }),
      ...(!["contacts", "items"].includes(module) && { date }),
      ...(module === "invoices" && { due_date: data.date ?? date }),
      ...(module === "expenses" && { total: data.amount }),
      ...data,
      created_time: created,
      last_modified_time: changed,
    };
  }

  /** Runs the rules: each posts the whole record, as a body that the user designed is not filled in. */
  protected written(operation: Operation, module: string, row: Row): void {
    const { entity, key } = MODULES[module] as FinanceModule;
    if (operation === "add" && module === "customerpayments") this.#apply(row.record.data);
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
          format: { ...wire, sender: { ...wire.sender, encode } },
          event: key,
          url: withQuery(String(body.url), query.toString()),
          headers: pairsOf(body.headers),
          body: { [key]: this.shown(module, row) },
          secrets: onlyKey("secret", body.secret),
        });
      }
    }
  }

  /** Pays what a payment names of its invoices. */
  #apply({ invoices }: Data): void {
    for (const { invoice_id, amount_applied } of invoices as readonly Data[]) {
      const { data } = this.find("invoices", textOf(invoice_id)).record;
      const payment_made = cents(Number(data.payment_made ?? 0) + (Number(amount_applied) || 0));
      const status = payment_made >= Number(data.total) ? "paid" : "partially_paid";
      this.change("invoices", textOf(invoice_id), { payment_made, status });
    }
  }

  reset(): void {
    this.#calledAt = [];
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
    const { key, scope, statuses = {} } = MODULES[module] as FinanceModule;
    const allowed = (handle: Handler) => this.#allowed(BOOKS, scope, handle);
    const one = (message: string, id: string, status = 200): Answer => ({
      status,
      body: { code: 0, message, [key]: this.shown(module, this.find(module, id)) },
    });
    return {
      [`GET ${BOOKS}/${module}`]: allowed((call) => this.#list(module, call)),
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
      ...Object.fromEntries(
        Object.entries(statuses).map(([name, status]) => [
          `POST ${BOOKS}/${module}/{id}/${NAMED_STATUS.includes(name) ? name : `status/${name}`}`,
          allowed(({ params }) => {
            this.change(module, params.id ?? "", { status });
            return { status: 200, body: { code: 0, message: `The ${key} has been marked as ${status}.` } };
          }),
        ]),
      ),
    };
  }

  #scoped(root: string, scope: string, handle: Handler): Handler {
    return (call) => (allows(call.scopes, `${ROOTS[root]}.${scope}`, call.method) ? handle(call) : wording("badScope"));
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
      const recent = this.#calledAt.filter((at) => this.now() - at < PAUSE_MS);
      this.#calledAt = [...recent, this.now()].slice(-BURST);
      return recent.length >= BURST ? wording("tooMany") : handle(call);
    };
  }

  #list(module: string, call: Call): Answer {
    const { query } = call;
    const page = Number(query.get("page") ?? 1);
    const per_page = Number(query.get("per_page") ?? MAX_PER_PAGE);
    if (!(page >= 1 && per_page >= 1 && per_page <= MAX_PER_PAGE))
      return failure(400, 4, "Invalid value passed for page or per_page");
    const rows = this.rows(module).map((row) => this.shown(module, row));
    const filter = (name: string) => filterOf(MODULES[module] as FinanceModule, name, query);
    const parameters = { filter, unmodelled: [...UNMODELLED, "filter_by"], own: OWN_PARAMETERS };
    const found = sorted(selected(call, rows, parameters, this), query);
    const shown = found.slice((page - 1) * per_page, page * per_page);
    const page_context = { page, per_page, has_more_page: found.length > page * per_page };
    return { status: 200, body: { code: 0, message: "success", [module]: shown, page_context } };
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

/** Calls that have no `status/` in their path. */
const NAMED_STATUS = ["active", "inactive"];

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
