import { isRecord } from "../../../util/json.ts";
import type { Refusal } from "../../answer.ts";
import { textOf } from "../../state.ts";
import { refuseItem } from "./api.ts";
import type { CrmModule } from "./modules.ts";
import type { ChannelRow } from "./state.ts";

export type Item = Readonly<Record<string, unknown>>;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** The longest lifetime; Zoho silently cuts longer ones to an hour. */
export function longestMs(product: string, version: number): number {
  return product === "crm" && version >= 4 ? 7 * DAY_MS : DAY_MS;
}

/** Throws a Refusal for an item that Zoho rejects. */
export function checkItem(
  item: Item,
  find: (module: string) => CrmModule | undefined,
  { product, method }: { readonly product: string; readonly method: string },
): void {
  const required = ["channel_id", "events", ...(method === "PATCH" ? [] : ["notify_url"])];
  const api_name = required.find((name) => item[name] === undefined);
  if (api_name !== undefined)
    throw refuseItem({ code: "MANDATORY_NOT_FOUND", message: "required field not found", details: { api_name } });
  if (!/^-?\d{1,19}$/.test(textOf(item.channel_id))) throw invalid("channel_id", { expected_data_type: "bigint" });
  const { events, notify_url, token, channel_expiry } = item;
  if (!Array.isArray(events) || events.length === 0) throw invalid("events", { expected_data_type: "jsonarray" });
  for (const event of events) {
    const [, module = "", verb] = /^(\w+)\.(create|edit|delete|all)$/.exec(textOf(event)) ?? [];
    if (verb === undefined) throw invalid("events");
    const message = "the module name given seems to be invalid";
    if (find(module)?.isWatchable !== true)
      throw refuseItem({ code: "INVALID_MODULE", message, details: { api_name: "events" } });
  }
  if (notify_url !== undefined && !URL.canParse(textOf(notify_url))) throw invalid("notify_url");
  if (token !== undefined && (typeof token !== "string" || token.length > 50))
    throw invalid("token", { maximum_length: 50 });
  if (channel_expiry !== undefined && instant(channel_expiry) === undefined)
    throw invalid("channel_expiry", { expected_data_type: "datetime" });
  if (item.notification_condition !== undefined) checkCondition(item.notification_condition, find, product);
}

function checkCondition(value: unknown, find: (module: string) => CrmModule | undefined, product: string): void {
  if (product !== "crm" || !Array.isArray(value)) throw invalid("notification_condition");
  for (const condition of value) {
    if (condition?.type !== "field_selection") throw invalid("type", { supported_values: ["field_selection"] });
    const { api_name, id } = condition.module ?? {};
    const details = { expected_fields: ["api_name", "id"] };
    if (api_name === undefined || id === undefined)
      throw refuseItem({ code: "EXPECTED_FIELD_MISSING", message: "expected field missing", details });
    const message = "the module name and id do not match";
    if (find(textOf(api_name))?.id !== id) throw refuseItem({ code: "AMBIGUITY_DURING_PROCESSING", message });
    if (!groupOk(condition.field_selection)) throw invalid("group");
    if (JSON.stringify(condition).split('"field":').length - 1 > 10) throw invalid("field_selection");
  }
}

/** At most two objects in a group; a leaf is a field with name and id. */
function groupOk(selection: unknown): boolean {
  const { field, group, group_operator }: Item = Object(selection);
  if (field !== undefined) return isRecord(field) && "id" in field && "api_name" in field;
  const isGroup = Array.isArray(group) && group.length === 2 && /^(and|or)$/.test(textOf(group_operator));
  return isGroup && group.every(groupOk);
}

/** A time in a request, only without fractions of a second and with an offset. */
export function instant(value: unknown): number | undefined {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)$/.test(textOf(value))) return undefined;
  const time = Date.parse(textOf(value));
  return Number.isNaN(time) ? undefined : time;
}

function grantedExpiry(item: Item, { product, version, now }: RowOptions): number {
  const asked = instant(item.channel_expiry);
  return asked === undefined || asked > now + longestMs(product, version) ? now + HOUR_MS : asked;
}

export interface RowOptions {
  readonly product: string;
  readonly version: number;
  readonly now: number;
}

/** The events of an item by module, with `.all` expanded. */
export function eventsOf(item: Item): ReadonlyMap<string, readonly string[]> {
  const modules = new Map<string, string[]>();
  for (const event of item.events as readonly string[]) {
    const [module = "", verb = ""] = event.split(".");
    const events = (verb === "all" ? ["edit", "create", "delete"] : [verb]).map((each) => `${module}.${each}`);
    modules.set(module, [...new Set([...(modules.get(module) ?? []), ...events])]);
  }
  return modules;
}

/** The rows of an item, one for each module, with Zoho's defaults. */
export function rowsOf(item: Item, options: RowOptions): ChannelRow[] {
  const conditions = Array.isArray(item.notification_condition) ? item.notification_condition : [];
  return [...eventsOf(item)].map(([module, events]) => ({
    product: options.product,
    channelId: textOf(item.channel_id),
    module,
    events: [...events],
    notifyUrl: textOf(item.notify_url),
    token: typeof item.token === "string" ? item.token : null,
    expiresAt: grantedExpiry(item, options),
    related: item.notify_on_related_action !== false,
    values: item.return_affected_field_values === true,
    condition: withNulls(conditions.find((each) => each?.module?.api_name === module) ?? null),
  }));
}

/** The rows of a channel after a PATCH: what it leaves out stays, but for the token, which becomes null. */
export function patchedRows(rows: readonly ChannelRow[], item: Item, options: RowOptions): ChannelRow[] {
  const [first] = rows;
  const patched = rowsOf(item, options).map((row): ChannelRow => {
    const old = rows.find((each) => each.module === row.module) ?? { ...first, events: [], condition: null };
    const kept = (name: string): boolean => item[name] === undefined;
    return {
      ...row,
      events: [...new Set([...old.events, ...row.events])],
      notifyUrl: kept("notify_url") ? (old.notifyUrl ?? "") : row.notifyUrl,
      expiresAt: kept("channel_expiry") ? (old.expiresAt ?? row.expiresAt) : row.expiresAt,
      related: kept("notify_on_related_action") ? (old.related ?? row.related) : row.related,
      values: kept("return_affected_field_values") ? (old.values ?? row.values) : row.values,
      condition: kept("notification_condition") ? old.condition : row.condition,
    };
  });
  return [...rows.filter(({ module }) => !patched.some((row) => row.module === module)), ...patched];
}

/** Whether changed fields fulfil the condition of a channel; one without is always told. */
export function isTold(condition: unknown, changed: readonly string[]): boolean {
  if (!isRecord(condition)) return true;
  const { field_selection, field, group, group_operator } = condition;
  if (isRecord(field_selection)) return isTold(field_selection, changed);
  if (isRecord(field)) return changed.includes(textOf(field.api_name));
  if (!Array.isArray(group)) return true;
  const told = group.map((each) => isTold(each, changed));
  return group_operator === "and" ? !told.includes(false) : told.includes(true);
}

/** Leaves of a condition come back with fields that were never sent. */
function withNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withNulls);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([name, each]) => [name, withNulls(each)]);
  return Object.fromEntries("field" in value ? [...entries, ["group_operator", null], ["group", null]] : entries);
}

function invalid(name: string, details: Readonly<Record<string, unknown>> = {}): Refusal {
  const place = { api_name: name, json_path: `$.watch[0].${name}` };
  return refuseItem({ code: "INVALID_DATA", message: "invalid data", details: { ...place, ...details } });
}
