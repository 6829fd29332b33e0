import { isRecord } from "../../../util/json.ts";
import { type Answer, errorAnswer, Refusal, Unmodelled } from "../../answer.ts";
import { type Parameters, selected, type Telling } from "../../parameters.ts";
import type { Call, Handler, Routes } from "../../routes.ts";
import { textOf, type User } from "../../state.ts";
import {
  answerResults,
  invalidParameter,
  isAllowed,
  missing,
  page,
  scopeMismatch,
  tokenPage,
  zohoTime,
} from "./api.ts";
import { inOrder, parseCoql, queryIn } from "./coql.ts";
import { parseCriteria } from "./criteria.ts";
import { type CrmModule, describeField, describeLayout, describeModule, type Modules } from "./modules.ts";
import { invalidModule, type RecordEntry, type Records } from "./records.ts";
import type { Tags } from "./tags.ts";
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
  readonly module: CrmModule;
}

/** What narrows a list of records. Converted leads and records in approval do not exist here. */
const FILTERS: ReadonlyMap<string, (row: RecordEntry, wanted: string) => boolean> = new Map([
  ["ids", ([id], wanted) => wanted.split(",").includes(id)],
  ["converted", (_, wanted) => wanted !== "true"],
  ["approved", (_, wanted) => wanted !== "false"],
]);
const PARAMETERS: Parameters<RecordEntry> = {
  filter: (name) => FILTERS.get(name),
  unmodelled: ["cvid", "territory_id", "include_child"],
  own: ["fields", "page", "per_page", "page_token", "sort_by", "sort_order"],
};
/** https://www.zoho.com/crm/developer/docs/api/v8/get-records.html */
const MAX_FIELDS = 50;
const SORTABLE = ["id", "Created_Time", "Modified_Time"];

interface CrmParts {
  readonly stores: readonly Records[];
  readonly modules: Modules;
  readonly tags: Tags;
  readonly users: Users;
  readonly telling: Telling;
}

/** Records, modules, fields, users and organisation of CRM, Bigin and Recruit. */
export function recordRoutes(parts: CrmParts): Routes {
  const guards = guardsOf(parts);
  return { ...settingsRoutes(parts, guards), ...organisationRoutes(parts, guards), ...moduleRoutes(parts, guards) };
}

type Guards = ReturnType<typeof guardsOf>;

/** Handlers that answer only a token with the scopes for it, about what there is. */
function guardsOf({ stores, modules }: CrmParts) {
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
  const inModule = (answer: (call: ModuleCall) => Answer | undefined): Handler =>
    api("", (call) => {
      const name = call.params.module ?? "";
      const module = modules.find(call.store.product, name);
      // Other APIs have names in lower case.
      if (module === undefined) return /^[A-Z]\w*$/.test(name) ? invalidModule() : undefined;
      if (!call.may(resourceOf(module))) return scopeMismatch();
      return answer({ ...call, module });
    });
  const settings = (kind: string, answer: (call: ModuleCall) => Answer): Handler =>
    api(`settings.${kind}`, (call) => {
      const wanted = call.params.module ?? call.query.get("module");
      if (!wanted) return missing("module");
      const module = modules.find(call.store.product, wanted);
      return module === undefined ? invalidModule() : answer({ ...call, module });
    });
  return { api, inModule, settings };
}

function settingsRoutes({ modules, tags }: CrmParts, { api, settings }: Guards): Routes {
  return {
    [`GET ${API}/settings/modules`]: api("settings.modules", ({ store }) => ({
      status: 200,
      body: { modules: modules.all(store.product).map(describeModule) },
    })),
    [`GET ${API}/settings/modules/{module}`]: settings("modules", ({ module }) => ({
      status: 200,
      body: { modules: [describeModule(module)] },
    })),
    [`GET ${API}/settings/fields`]: settings("fields", listFields),
    [`GET ${API}/settings/fields/{id}`]: settings("fields", listFields),
    [`GET ${API}/settings/layouts`]: settings("layouts", ({ module, version }) => ({
      status: 200,
      body: { layouts: [describeLayout(module, version)] },
    })),
    [`GET ${API}/settings/layouts/{id}`]: settings("layouts", ({ module, version, params }) => {
      const layouts = [describeLayout(module, version)].filter(({ id }) => id === params.id);
      return layouts.length === 0 ? { status: 204 } : { status: 200, body: { layouts } };
    }),
    [`GET ${API}/settings/related_lists`]: settings("related_lists", ({ store, module }) => {
      const related = relatedTo(module, modules.all(store.product)).map(describeRelatedList);
      return { status: 200, body: { related_lists: related } };
    }),
    [`GET ${API}/settings/tags`]: settings("tags", ({ store, module }) => tags.list(store.product, module)),
    [`POST ${API}/settings/tags`]: settings("tags", ({ store, module, json }) =>
      tags.create(store.product, module, json),
    ),
    [`DELETE ${API}/settings/tags/{id}`]: api("settings.tags", ({ store, params }) =>
      tags.remove(store.product, params.id ?? ""),
    ),
  };
}

function organisationRoutes({ modules, users, telling }: CrmParts, { api }: Guards): Routes {
  return {
    [`POST ${API}/coql`]: api("", (call) => answerCoql(call, modules, telling)),
    [`GET ${API}/org`]: api("org", () => ({ status: 200, body: { org: [ORGANISATION] } })),
    [`GET ${API}/users`]: api("users", ({ query }) => page(query, "users", users.all, (user) => user)),
    [`GET ${API}/users/{id}`]: api("users", ({ params }) => {
      const user = users.find(params.id ?? "");
      return user === undefined ? { status: 204 } : { status: 200, body: { users: [user] } };
    }),
  };
}

function moduleRoutes({ modules, tags, users, telling }: CrmParts, { inModule }: Guards): Routes {
  return {
    [`GET ${API}/{module}`]: inModule((call) => list(call, telling)),
    [`POST ${API}/{module}`]: inModule(({ store, module, json }) =>
      answerResults("data", store.createAll(module, itemsOf(json)), 201),
    ),
    [`PUT ${API}/{module}`]: inModule(({ store, module, json }) =>
      answerResults("data", store.changeAll(module, itemsOf(json)), 200),
    ),
    [`DELETE ${API}/{module}`]: inModule(removeSome),
    [`POST ${API}/{module}/actions/add_tags`]: inModule((call) => tags.change(call, "add", undefined)),
    [`POST ${API}/{module}/actions/remove_tags`]: inModule((call) => tags.change(call, "remove", undefined)),
    [`POST ${API}/{module}/{id}/actions/add_tags`]: inModule((call) => tags.change(call, "add", call.params.id)),
    [`POST ${API}/{module}/{id}/actions/remove_tags`]: inModule((call) => tags.change(call, "remove", call.params.id)),
    [`GET ${API}/{module}/search`]: inModule((call) => search(call, telling)),
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
    [`GET ${API}/{module}/{id}/{related}`]: inModule((call) => listRelated(call, modules)),
    [`POST ${API}/{module}/{id}/{related}`]: inModule(({ store, params, json }) => {
      const notes = modules.find(store.product, "Notes");
      if (notes === undefined || params.related?.toLowerCase() !== "notes") return undefined;
      const items = itemsOf(json).map((item) => (isRecord(item) ? { ...item, Parent_Id: { id: params.id } } : item));
      return answerResults("data", store.createAll(notes, items), 201);
    }),
  };
}

/** The group of scopes of a module. */
function resourceOf({ apiName }: CrmModule): string {
  return `modules.${apiName.replaceAll("_", "")}`;
}

function listFields({ module, params, version }: ModuleCall): Answer {
  const fields = [...module.fields.values()].filter(({ id }) => params.id === undefined || id === params.id);
  if (fields.length === 0) return { status: 204 };
  return { status: 200, body: { fields: fields.map((field) => describeField(field, version)) } };
}

function list(call: ModuleCall, telling: Telling): Answer {
  const { store, module, query, headers } = call;
  const fields = query.get("fields")?.split(",");
  if (!fields?.[0] && requiresFields(call)) return missing("fields");
  const sortBy = query.get("sort_by") ?? "id";
  if (isStrict(call) && (fields?.length ?? 0) > MAX_FIELDS)
    return errorAnswer(400, "LIMIT_EXCEEDED", "Fields limit exceeded");
  if (isStrict(call) && !SORTABLE.includes(sortBy)) return invalidParameter("sort_by");
  const since = Date.parse(String(headers["if-modified-since"] ?? ""));
  const rows = selected(call, store.rows(module), PARAMETERS, telling);
  const changed = rows.filter(([, { changedAt }]) => !(changedAt < since));
  if (changed.length === 0 && rows.length > 0) return { status: 304 };
  const sorted = sortedBy(sortBy, changed, store, module);
  if (query.get("sort_order") === "asc") sorted.reverse();
  const show = (row: RecordEntry): unknown => store.shown(module, row, fields);
  return hasPageTokens(call) ? tokenPage(call, sorted, show) : page(query, "data", sorted, show);
}

/** Versions 3 and later of CRM are strict about lists. */
function isStrict({ store, version }: ModuleCall): boolean {
  return store.product === "crm" && version >= 3;
}

function requiresFields(call: ModuleCall): boolean {
  return isStrict(call) || hasPageTokens(call);
}

function hasPageTokens(call: ModuleCall): boolean {
  return isStrict(call) || (call.store.product === "bigin" && call.version >= 2);
}

/** In descending order; older versions sort by any field. */
function sortedBy(name: string, rows: readonly RecordEntry[], store: Records, module: CrmModule): RecordEntry[] {
  if (name === "id") return [...rows];
  const keyOf = ([, record]: RecordEntry): string | number => {
    if (name === "Created_Time") return record.createdAt;
    if (name === "Modified_Time") return record.changedAt;
    const value = store.value(module, record, name);
    return typeof value === "number" ? value : textOf(value);
  };
  return rows.toSorted((a, b) => {
    const [left, right] = [keyOf(a), keyOf(b)];
    return left === right ? 0 : left < right ? 1 : -1;
  });
}

function readOne({ store, module, query, params }: ModuleCall): Answer {
  const { id = "" } = params;
  const record = store.find(module, id);
  if (record === undefined) return { status: 204 };
  return { status: 200, body: { data: [store.shown(module, [id, record], query.get("fields")?.split(","))] } };
}

/** Whether a module has no such field. Where not all of its fields are known, the terminal names it instead. */
function isUnknown(module: CrmModule, path: string, { note }: Telling): boolean {
  const [name = ""] = path.split(".");
  if (module.fields.has(name)) return false;
  if (!module.isComplete) note(`${module.apiName} has no field ${name}; if it is yours, put it in the seed`);
  return module.isComplete;
}

function notSearchable(api_name: string): Answer {
  const reason = "the field is not available for search";
  return errorAnswer(400, "INVALID_QUERY", "Invalid query formed", { reason, api_name });
}

function search({ store, module, query }: ModuleCall, telling: Telling): Answer {
  const kind = ["criteria", "email", "phone", "word"].find((each) => query.get(each));
  if (kind === undefined) return missing("criteria");
  const given = query.get(kind) ?? "";
  const wanted = given.toLowerCase();
  const matches = kind === "criteria" ? parseCriteria(given) : undefined;
  const rows = store.rows(module).filter(([id, record]) => {
    if (matches !== undefined)
      return matches((path) => {
        if (path !== "id" && isUnknown(module, path, telling)) throw new Refusal(notSearchable(path));
        return path === "id" ? id : store.read(module, record, path);
      });
    return Object.entries(record.data).some(([name, value]) => {
      if (typeof value !== "string") return false;
      if (kind === "word") return value.toLowerCase().includes(wanted);
      return module.fields.get(name)?.type === kind && value.toLowerCase() === wanted;
    });
  });
  return page(query, "data", rows, (row) => store.shown(module, row, query.get("fields")?.split(",")));
}

/** https://www.zoho.com/crm/developer/docs/api/v8/get-deleted-records.html: the header is about the time of the deletion. */
function listDeleted({ store, module, query, headers }: ModuleCall, { full_name, id: userId }: User): Answer {
  const by = { name: full_name, id: userId };
  const type = query.get("type") ?? "all";
  // Recruit writes them with a capital.
  if (!/^(all|recycle|permanent)$/i.test(type))
    return errorAnswer(400, "PATTERN_NOT_MATCHED", "Please check whether the input values are correct");
  const since = Date.parse(String(headers["if-modified-since"] ?? ""));
  const deleted = store.deleted(module).filter(({ deletedAt }) => !(deletedAt < since));
  const rows = /^permanent$/i.test(type) ? [] : deleted.toReversed();
  return page(query, "data", rows, ({ id, name, deletedAt }) => ({
    deleted_by: by,
    id,
    display_name: name,
    type: "recycle",
    created_by: by,
    deleted_time: zohoTime(deletedAt),
  }));
}

/** The records of another module that refer to one. */
function listRelated(call: ModuleCall, modules: Modules): Answer | undefined {
  const { store, module, query, params } = call;
  const { id = "", related = "" } = params;
  const list = relatedTo(module, modules.all(store.product)).find(
    ({ module: { apiName } }) => apiName.toLowerCase() === related.toLowerCase(),
  );
  if (list === undefined) return undefined;
  if (!query.get("fields") && hasPageTokens(call)) return missing("fields");
  const refers = ([, { data }]: RecordEntry): boolean =>
    list.fields.some((name) => textOf(Object(data[name]).id) === id);
  const rows = store.find(module, id) === undefined ? [] : store.rows(list.module).filter(refers);
  const show = (row: RecordEntry): unknown => store.shown(list.module, row, query.get("fields")?.split(","));
  return hasPageTokens(call) ? tokenPage(call, rows, show) : page(query, "data", rows, show);
}

/** A module that refers to another, and the fields that do. */
interface RelatedList {
  readonly module: CrmModule;
  readonly fields: readonly string[];
}

function relatedTo(target: CrmModule, all: readonly CrmModule[]): readonly RelatedList[] {
  const lists = all.map((module) => {
    const lookups = [...module.fields.values()].filter(({ type }) => type === "lookup");
    const fields = lookups.filter(({ module: to = "*" }) => to === "*" || to === target.apiName);
    return { module, fields: fields.map(({ apiName }) => apiName) };
  });
  return lists.filter(
    ({ module, fields }) => fields.length > 0 && !(module.apiName === "Notes" && target.apiName === "Notes"),
  );
}

function describeRelatedList({ module: { id, apiName } }: RelatedList, i: number): unknown {
  const label = apiName.replaceAll("_", " ");
  const module = { api_name: apiName, id };
  return {
    id,
    sequence_number: String(i + 1),
    api_name: apiName,
    display_label: label,
    name: label,
    module,
    href: apiName,
  };
}

/** https://www.zoho.com/crm/developer/docs/api/v8/COQL-Overview.html */
function answerCoql(call: ApiCall, modules: Modules, telling: Telling): Answer | undefined {
  const { store, version, json } = call;
  if (store.product === "recruit") return undefined;
  const query = parseCoql(queryIn(json), version);
  const module = modules.find(store.product, query.module);
  if (module === undefined) return invalidModule();
  const mayRead = (resource: string): boolean => isAllowed(call.scopes, store.product, resource, "GET");
  if (!mayRead("coql") || !mayRead(resourceOf(module))) return scopeMismatch();
  if (query.unmodelled !== undefined) throw new Unmodelled(query.unmodelled);
  const stranger = query.named.find((column) => column !== "id" && isUnknown(module, column, telling));
  if (stranger !== undefined)
    return errorAnswer(400, "INVALID_QUERY", "column given seems to be invalid", { column_name: stranger });
  const read = ([id, record]: RecordEntry, column: string): unknown =>
    column === "id" ? id : store.read(module, record, column);
  const found = store.rows(module).filter((row) => query.matches((column) => read(row, column)));
  const rows = inOrder(found.toReversed(), query.order, read);
  const shown = rows.slice(query.offset, query.offset + query.limit);
  if (shown.length === 0) return { status: 204 };
  const data = shown.map((row) =>
    Object.fromEntries([...query.columns.map((column) => [column, read(row, column)]), ["id", row[0]]]),
  );
  const info = { count: shown.length, more_records: rows.length > query.offset + query.limit };
  return { status: 200, body: { data, info } };
}

function changeOne({ store, module, params, json }: ModuleCall): Answer {
  const [item] = itemsOf(json);
  const changes = [isRecord(item) ? { ...item, id: params.id } : item];
  return answerResults("data", store.changeAll(module, changes), 200);
}

function upsert({ store, module, json, headers }: ModuleCall): Answer {
  const items = itemsOf(json);
  const api_name = "duplicate_check_fields";
  const asked = Object(json)[api_name];
  // Such as X-duplicateCheck, which integrations send.
  const header = asked === undefined && Object.keys(headers).find((name) => /duplicate[-_]?check/.test(name));
  const hint = header ? `Zoho ignores the header ${header}: put ${api_name} in the body` : undefined;
  const fields = Array.isArray(asked) && asked.length > 0 ? asked.map(textOf) : [module.unique];
  if (fields.length > MAX_CHECKED)
    return errorAnswer(400, "INVALID_DATA", "invalid data", { api_name, maximum_length: MAX_CHECKED });
  return { ...answerResults("data", store.upsertAll(module, items, fields), 200), hint };
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
