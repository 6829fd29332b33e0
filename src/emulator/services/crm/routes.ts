import { isRecord } from "../../../util/json.ts";
import { type Answer, errorAnswer, Refusal } from "../../answer.ts";
import type { Call, Handler, Routes } from "../../routes.ts";
import { memberOf, textOf, type User } from "../../state.ts";
import { answerResults, invalidParameter, isAllowed, missing, page, scopeMismatch, zohoTime } from "./api.ts";
import { parseCriteria } from "./criteria.ts";
import { describeField, describeModule, findModule, type Module, modulesOf } from "./modules.ts";
import { invalidModule, type Records } from "./records.ts";
import { DEFAULT_USER, type Users } from "./users.ts";

const MAX_WRITTEN = 100;
/** Fields by which an upsert finds duplicates. */
const MAX_CHECKED = 10;
const API = "/{product}/v{version}";

/** A call of one of the products. */
interface ApiCall extends Call {
  readonly store: Records;
  readonly version: number;
  /** Whether the token has a scope for this method. */
  may(resource: string): boolean;
}

/** A call for one module. */
interface ModuleCall extends ApiCall {
  readonly module: Module;
}

/** Records, modules, fields, users and organisation of CRM, Bigin and Recruit. */
export function recordRoutes(stores: readonly Records[], users: Users): Routes {
  const api =
    (resource: string, answer: (call: ApiCall) => Answer | undefined): Handler =>
    (call) => {
      const { product = "", version } = call.params;
      const store = stores.find((each) => each.product === product);
      if (store === undefined) return undefined;
      const may = (wanted: string): boolean => isAllowed(call.scopes, product, wanted, call.method);
      const made = { ...call, store, version: Number(version), may };
      return resource !== "" && !may(resource) ? scopeMismatch() : answer(made);
    };
  const inModule = (answer: (call: ModuleCall) => Answer): Handler =>
    api("", (call) => {
      const name = call.params.module ?? "";
      const module = findModule(call.store.product, name);
      // Other APIs have names in lower case.
      if (module === undefined) return /^[A-Z]\w*$/.test(name) ? invalidModule() : undefined;
      if (!call.may(`modules.${module.apiName.replaceAll("_", "")}`)) return scopeMismatch();
      return answer({ ...call, module });
    });
  const settings = (kind: string, answer: (call: ModuleCall) => Answer): Handler =>
    api(`settings.${kind}`, (call) => {
      const wanted = call.params.module ?? call.query.get("module");
      if (!wanted) return missing("module");
      const module = findModule(call.store.product, wanted);
      return module === undefined ? invalidModule() : answer({ ...call, module });
    });
  return {
    [`GET ${API}/settings/modules`]: api("settings.modules", ({ store }) => ({
      status: 200,
      body: { modules: modulesOf(store.product).map(describeModule) },
    })),
    [`GET ${API}/settings/modules/{module}`]: settings("modules", ({ module }) => ({
      status: 200,
      body: { modules: [describeModule(module)] },
    })),
    [`GET ${API}/settings/fields`]: settings("fields", listFields),
    [`GET ${API}/settings/fields/{id}`]: settings("fields", listFields),
    [`GET ${API}/settings/related_lists`]: settings("related_lists", () => ({ status: 204 })),
    [`GET ${API}/org`]: api("org", () => ({ status: 200, body: { org: [ORGANISATION] } })),
    [`GET ${API}/users`]: api("users", ({ query }) => page(query, "users", users.all, (user) => user)),
    [`GET ${API}/users/{id}`]: api("users", ({ params }) => {
      const user = users.find(params.id ?? "");
      return user === undefined ? { status: 204 } : { status: 200, body: { users: [user] } };
    }),
    [`GET ${API}/{module}`]: inModule(list),
    [`POST ${API}/{module}`]: inModule(({ store, module, json }) =>
      answerResults("data", store.createAll(module, itemsOf(json)), 201),
    ),
    [`PUT ${API}/{module}`]: inModule(({ store, module, json }) =>
      answerResults("data", store.changeAll(module, itemsOf(json)), 200),
    ),
    [`DELETE ${API}/{module}`]: inModule(removeSome),
    [`GET ${API}/{module}/search`]: inModule(search),
    [`GET ${API}/{module}/deleted`]: inModule((call) => listDeleted(call, users.current)),
    [`GET ${API}/{module}/actions/count`]: inModule(({ store, module }) => ({
      status: 200,
      body: { count: store.count(module) },
    })),
    [`POST ${API}/{module}/upsert`]: inModule(upsert),
    [`GET ${API}/{module}/{id}`]: inModule(readOne),
    [`PUT ${API}/{module}/{id}`]: inModule(changeOne),
    [`DELETE ${API}/{module}/{id}`]: inModule(({ store, module, params }) =>
      answerResults("data", store.removeAll(module, [params.id ?? ""]), 200),
    ),
  };
}

function listFields({ module, params, version }: ModuleCall): Answer {
  const fields = [...module.fields.values()].filter(({ id }) => params.id === undefined || id === params.id);
  if (fields.length === 0) return { status: 204 };
  return { status: 200, body: { fields: fields.map((field) => describeField(field, version)) } };
}

function list(call: ModuleCall): Answer {
  const { store, module, query, version, headers } = call;
  // https://www.zoho.com/crm/developer/docs/api/v8/get-records.html
  if (!query.get("fields") && version >= (store.product === "crm" ? 3 : 2) && store.product !== "recruit")
    return missing("fields");
  const since = Date.parse(String(headers["if-modified-since"] ?? ""));
  const ids = query.get("ids")?.split(",");
  const rows = store.rows(module).filter(([id]) => ids === undefined || ids.includes(id));
  const changed = rows.filter(([, { changedAt }]) => !(changedAt < since));
  if (changed.length === 0 && rows.length > 0) return { status: 304 };
  const sortBy = query.get("sort_by");
  if (sortBy === "Created_Time") changed.sort(([, a], [, b]) => b.createdAt - a.createdAt);
  if (sortBy === "Modified_Time") changed.sort(([, a], [, b]) => b.changedAt - a.changedAt);
  if (query.get("sort_order") === "asc") changed.reverse();
  return page(query, "data", changed, (row) => store.shown(module, row, query.get("fields")?.split(",")));
}

function readOne({ store, module, query, params }: ModuleCall): Answer {
  const { id = "" } = params;
  const record = store.find(module, id);
  if (record === undefined) return { status: 204 };
  return { status: 200, body: { data: [store.shown(module, [id, record], query.get("fields")?.split(","))] } };
}

function search({ store, module, query }: ModuleCall): Answer {
  const kind = ["criteria", "email", "phone", "word"].find((each) => query.get(each));
  if (kind === undefined) return missing("criteria");
  const given = query.get(kind) ?? "";
  const wanted = given.toLowerCase();
  const matches = kind === "criteria" ? parseCriteria(given) : undefined;
  const rows = store.rows(module).filter(([id, record]) => {
    if (matches !== undefined)
      return matches((path) => {
        const [name = "", member = ""] = path.split(".");
        const value = name === "id" ? id : store.value(module, record, name);
        return member === "" || !isRecord(value) ? value : memberOf(value, member);
      });
    return Object.entries(record.data).some(([name, value]) => {
      if (typeof value !== "string") return false;
      if (kind === "word") return value.toLowerCase().includes(wanted);
      return module.fields.get(name)?.type === kind && value.toLowerCase() === wanted;
    });
  });
  return page(query, "data", rows, (row) => store.shown(module, row, query.get("fields")?.split(",")));
}

function listDeleted({ store, module, query }: ModuleCall, { full_name: name, id }: User): Answer {
  const by = { name, id };
  const rows = query.get("type") === "permanent" ? [] : store.deleted(module).toReversed();
  return page(query, "data", rows, ({ id, name, deletedAt }) => ({
    deleted_by: by,
    id,
    display_name: name,
    type: "recycle",
    created_by: by,
    deleted_time: zohoTime(deletedAt),
  }));
}

function changeOne({ store, module, params, json }: ModuleCall): Answer {
  const [item] = itemsOf(json);
  const changes = [isRecord(item) ? { ...item, id: params.id } : item];
  return answerResults("data", store.changeAll(module, changes), 200);
}

function upsert({ store, module, json }: ModuleCall): Answer {
  const items = itemsOf(json);
  const api_name = "duplicate_check_fields";
  const asked = Object(json)[api_name];
  const fields = Array.isArray(asked) && asked.length > 0 ? asked.map(textOf) : [module.unique];
  if (fields.length > MAX_CHECKED)
    return errorAnswer(400, "INVALID_DATA", "invalid data", { api_name, maximum_length: MAX_CHECKED });
  return answerResults("data", store.upsertAll(module, items, fields), 200);
}

function removeSome({ store, module, query }: ModuleCall): Answer {
  const ids = (query.get("ids") ?? "").split(",").filter((id) => id !== "");
  if (ids.length === 0) return missing("ids");
  if (ids.length > MAX_WRITTEN) return invalidParameter("ids");
  return answerResults("data", store.removeAll(module, ids), 200);
}

/** The items of a write. Throws a Refusal where there are none. */
function itemsOf(json: unknown): readonly unknown[] {
  const refuse = (code: string, message: string, details: Readonly<Record<string, unknown>>) =>
    new Refusal(errorAnswer(400, code, message, details));
  if (!isRecord(json)) throw refuse("INVALID_DATA", "body", { expected_data_type: "jsonobject" });
  const { data } = json;
  const place = { api_name: "data", json_path: "$.data" };
  if (data === undefined) throw refuse("MANDATORY_NOT_FOUND", "required field not found", place);
  if (!Array.isArray(data) || data.length === 0)
    throw refuse("INVALID_DATA", "invalid data", { expected_data_type: "jsonarray", ...place });
  if (data.length > MAX_WRITTEN)
    throw refuse("INVALID_DATA", "invalid data", { maximum_length: MAX_WRITTEN, ...place });
  return data;
}

const ORGANISATION = {
  id: "554023000000000001",
  company_name: "Acme",
  zgid: "60017843",
  primary_email: DEFAULT_USER.email,
  currency: "US Dollar",
  iso_code: "USD",
  currency_symbol: "$",
  time_zone: "Asia/Kolkata",
};
