import { isRecord } from "../util/json.ts";
import { type Answer, type ApiRequest, errorAnswer, Refusal, type Service } from "./answer.ts";
import { parseCriteria } from "./criteria.ts";
import {
  answerResults,
  invalidParameter,
  isAllowed,
  missing,
  page,
  scopeMismatch,
  wrongMethod,
  zohoTime,
} from "./crm-api.ts";
import { describeField, describeModule, findModule, type Module, modulesOf, USER } from "./modules.ts";
import { invalidModule, type Records } from "./records.ts";
import { memberOf, textOf } from "./state.ts";

const MAX_WRITTEN = 100;
/** Fields by which an upsert finds duplicates. */
const MAX_CHECKED = 10;
interface Call extends ApiRequest {
  readonly store: Records;
  readonly version: number;
  /** Whether the token has a scope for this method. */
  may(resource: string): boolean;
}

/** Records, modules, fields, users and organisation of CRM, Bigin and Recruit. */
export class Crm implements Service {
  readonly #stores: readonly Records[];

  constructor(stores: readonly Records[]) {
    this.#stores = stores;
  }

  answer(request: ApiRequest, scopes: readonly string[]): Answer | undefined {
    const [, product = "", version, rest = ""] = /^\/(\w+)\/v(\d(?:\.\d)?)\/(.+)$/.exec(request.path) ?? [];
    const store = this.#stores.find((each) => each.product === product);
    if (store === undefined) return undefined;
    const may = (resource: string): boolean => isAllowed(scopes, product, resource, request.method);
    const call: Call = { ...request, store, version: Number(version), may };
    const [first = "", ...path] = rest.split("/");
    if (first === "settings") return this.#settings(call, path);
    if (first === "users" || first === "org") return this.#account(call, first, path);
    const module = findModule(product, first);
    if (module !== undefined) return this.#records(call, module, path.join("/"));
    // Other APIs have names in lower case.
    return /^[A-Z]\w*$/.test(first) ? invalidModule() : undefined;
  }

  #settings(
    { store, method, query, version, may }: Call,
    [kind = "", name, more]: readonly string[],
  ): Answer | undefined {
    if (!["modules", "fields", "related_lists"].includes(kind) || more !== undefined) return undefined;
    if (method !== "GET") return wrongMethod();
    if (!may(`settings.${kind}`)) return scopeMismatch();
    if (kind === "modules" && name === undefined)
      return { status: 200, body: { modules: modulesOf(store.product).map(describeModule) } };
    const wanted = kind === "modules" ? name : query.get("module");
    if (!wanted) return missing("module");
    const module = findModule(store.product, wanted);
    if (module === undefined) return invalidModule();
    if (kind === "modules") return { status: 200, body: { modules: [describeModule(module)] } };
    const fields = [...module.fields.values()].filter(({ id }) => name === undefined || id === name);
    if (kind === "related_lists" || fields.length === 0) return { status: 204 };
    return { status: 200, body: { fields: fields.map((field) => describeField(field, version)) } };
  }

  #account({ method, may }: Call, kind: "users" | "org", [id, more]: readonly string[]): Answer | undefined {
    if (more !== undefined) return undefined;
    if (method !== "GET") return wrongMethod();
    if (!may(kind)) return scopeMismatch();
    if (kind === "org") return { status: 200, body: { org: [ORGANISATION] } };
    if (id !== undefined && id !== USER.id) return { status: 204 };
    return {
      status: 200,
      body: { users: [USER_DETAILS], info: { per_page: 200, count: 1, page: 1, more_records: false } },
    };
  }

  #records(call: Call, module: Module, path: string): Answer | undefined {
    const { store, method, query, may } = call;
    const isRecordPath = /^\d+$/.test(path);
    if (!isRecordPath && !["", "upsert", "search", "deleted", "actions/count"].includes(path)) return undefined;
    if (!may(`modules.${module.apiName.replaceAll("_", "")}`)) return scopeMismatch();
    const route = `${method} ${isRecordPath ? "id" : path}`;
    if (route === "GET id") return this.#one(call, module, path);
    if (route === "GET ") return this.#list(call, module);
    if (route === "GET search") return this.#search(call, module);
    if (route === "GET deleted") return this.#deleted(call, module);
    if (route === "GET actions/count") return { status: 200, body: { count: store.count(module) } };
    if (route === "DELETE id") return answerResults("data", store.removeAll(module, [path]), 200);
    if (route === "DELETE ") {
      const ids = (query.get("ids") ?? "").split(",").filter((id) => id !== "");
      if (ids.length === 0) return missing("ids");
      if (ids.length > MAX_WRITTEN) return invalidParameter("ids");
      return answerResults("data", store.removeAll(module, ids), 200);
    }
    if (!["POST ", "PUT ", "PUT id", "POST upsert"].includes(route)) return wrongMethod();
    const items = itemsOf(call.json);
    if (route === "POST ") return answerResults("data", store.createAll(module, items), 201);
    if (route === "PUT ") return answerResults("data", store.changeAll(module, items), 200);
    if (route === "PUT id") {
      const [item] = items;
      const changes = [isRecord(item) ? { ...item, id: path } : item];
      return answerResults("data", store.changeAll(module, changes), 200);
    }
    const api_name = "duplicate_check_fields";
    const asked = Object(call.json)[api_name];
    const fields = Array.isArray(asked) && asked.length > 0 ? asked.map(textOf) : [module.unique];
    if (fields.length > MAX_CHECKED)
      return errorAnswer(400, "INVALID_DATA", "invalid data", { api_name, maximum_length: MAX_CHECKED });
    return answerResults("data", store.upsertAll(module, items, fields), 200);
  }

  #one({ store, query }: Call, module: Module, id: string): Answer {
    const record = store.find(module, id);
    if (record === undefined) return { status: 204 };
    return { status: 200, body: { data: [store.shown(module, [id, record], query.get("fields")?.split(","))] } };
  }

  #list(call: Call, module: Module): Answer {
    const { store, query, version, headers } = call;
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

  #search({ store, query }: Call, module: Module): Answer {
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

  #deleted(call: Call, module: Module): Answer {
    const by = { name: USER.name, id: USER.id };
    const rows = call.query.get("type") === "permanent" ? [] : call.store.deleted(module).toReversed();
    return page(call.query, "data", rows, ({ id, name, deletedAt }) => ({
      deleted_by: by,
      id,
      display_name: name,
      type: "recycle",
      created_by: by,
      deleted_time: zohoTime(deletedAt),
    }));
  }
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

const USER_DETAILS = {
  ...{ id: USER.id, full_name: USER.name, first_name: "Patricia", last_name: "Boyle", email: USER.email },
  ...{ status: "active", role: { name: "CEO", id: "554023000000015966" } },
  time_zone: "Asia/Kolkata",
  profile: { name: "Administrator", id: "554023000000015972" },
};
const ORGANISATION = {
  ...{ id: "554023000000000001", company_name: "Acme", zgid: "60017843", primary_email: USER.email },
  ...{ currency: "US Dollar", iso_code: "USD", currency_symbol: "$", time_zone: "Asia/Kolkata" },
};
