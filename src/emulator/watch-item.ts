import type { Fault } from "./answer.ts";

/** One channel in one module. */
export interface Row {
  product: string;
  channelId: string;
  module: string;
  events: string[];
  notifyUrl: string;
  token: string | null;
  expiresAt: number;
  related: boolean;
  values: boolean;
  condition: unknown;
}

export type Item = Readonly<Record<string, unknown>>;

export const MODULES: Readonly<Record<string, string>> = {
  Leads: "554023000000000125",
  Accounts: "554023000000000127",
  Contacts: "554023000000000129",
  Deals: "554023000000000131",
  Calls: "554023000000000133",
  Candidates: "554023000000000135",
};

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** The longest lifetime by product; Zoho silently cuts longer ones to an hour. */
function longestMs(product: string): number {
  return product === "crm" ? 7 * DAY_MS : DAY_MS;
}

/** Why Zoho rejects an item of a POST or PUT; undefined if it accepts it. */
export function itemFault(item: Item, product: string): Fault | undefined {
  for (const name of ["channel_id", "events", "notify_url"]) {
    if (item[name] === undefined) {
      return { code: "MANDATORY_NOT_FOUND", message: "required field not found", details: { api_name: name } };
    }
  }
  if (!/^-?\d{1,19}$/.test(String(item.channel_id))) return invalid("channel_id", { expected_data_type: "bigint" });
  const { events, notify_url, token, channel_expiry } = item;
  if (!Array.isArray(events) || events.length === 0) return invalid("events", { expected_data_type: "jsonarray" });
  for (const event of events) {
    const [, module = "", verb] = /^(\w+)\.(create|edit|delete|all)$/.exec(String(event)) ?? [];
    if (verb === undefined) return invalid("events");
    if (MODULES[module] === undefined) {
      return {
        code: "INVALID_MODULE",
        message: "the module name given seems to be invalid",
        details: { api_name: "events" },
      };
    }
  }
  if (notify_url !== undefined && !URL.canParse(String(notify_url))) return invalid("notify_url");
  if (token !== undefined && (typeof token !== "string" || token.length > 50)) {
    return invalid("token", { maximum_length: 50 });
  }
  if (channel_expiry !== undefined && expiry(channel_expiry) === undefined) {
    return invalid("channel_expiry", { expected_data_type: "datetime" });
  }
  return conditionFault(item.notification_condition, product);
}

function conditionFault(value: unknown, product: string): Fault | undefined {
  if (value === undefined) return undefined;
  if (product !== "crm" || !Array.isArray(value)) return invalid("notification_condition");
  for (const condition of value) {
    if (condition?.type !== "field_selection") return invalid("type", { supported_values: ["field_selection"] });
    const { api_name, id } = condition.module ?? {};
    if (api_name === undefined || id === undefined) {
      return {
        code: "EXPECTED_FIELD_MISSING",
        message: "expected field missing",
        details: { expected_fields: ["api_name", "id"] },
      };
    }
    if (MODULES[api_name] !== id) {
      return { code: "AMBIGUITY_DURING_PROCESSING", message: "the module name and id do not match" };
    }
    if (!groupOk(condition.field_selection)) return invalid("group");
    if (JSON.stringify(condition).split('"field":').length - 1 > 10) return invalid("field_selection");
  }
  return undefined;
}

/** At most two objects in a group; a leaf is a field with name and id. */
function groupOk(selection: unknown): boolean {
  if (typeof selection !== "object" || selection === null) return false;
  const { field, group, group_operator } = selection as Record<string, unknown>;
  if (field !== undefined) return typeof field === "object" && field !== null && "id" in field && "api_name" in field;
  return (
    Array.isArray(group) && group.length === 2 && /^(and|or)$/.test(String(group_operator)) && group.every(groupOk)
  );
}

/** Only without fractions of a second and with an offset. */
function expiry(value: unknown): number | undefined {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)$/.test(String(value))) return undefined;
  const time = Date.parse(String(value));
  return Number.isNaN(time) ? undefined : time;
}

function grantedExpiry(item: Item, product: string, now: number): number {
  const asked = expiry(item.channel_expiry);
  return asked === undefined || asked > now + longestMs(product) ? now + HOUR_MS : asked;
}

/** The rows of an item, one for each module, with `.all` expanded and Zoho's defaults. */
export function rowsOf(item: Item, product: string, now: number): Row[] {
  const events = (item.events as readonly string[]).flatMap((event) => {
    const [module, verb] = event.split(".");
    return verb === "all" ? ["edit", "create", "delete"].map((each) => `${module}.${each}`) : [event];
  });
  const modules = [...new Set(events.map((event) => event.split(".")[0] ?? ""))];
  const conditions = Array.isArray(item.notification_condition) ? item.notification_condition : [];
  return modules.map((module) => ({
    product,
    channelId: String(item.channel_id),
    module,
    events: [...new Set(events.filter((event) => event.startsWith(`${module}.`)))],
    notifyUrl: String(item.notify_url ?? ""),
    token: typeof item.token === "string" ? item.token : null,
    expiresAt: grantedExpiry(item, product, now),
    related: item.notify_on_related_action !== false,
    values: item.return_affected_field_values === true,
    condition: withNulls(conditions.find((each) => each?.module?.api_name === module) ?? null),
  }));
}

/** Leaves of a condition come back with fields that were never sent. */
function withNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withNulls);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([name, each]) => [name, withNulls(each)]);
  return Object.fromEntries("field" in value ? [...entries, ["group_operator", null], ["group", null]] : entries);
}

function invalid(name: string, details: Readonly<Record<string, unknown>> = {}): Fault {
  return {
    code: "INVALID_DATA",
    message: "invalid data",
    details: { api_name: name, json_path: `$.watch[0].${name}`, ...details },
  };
}
