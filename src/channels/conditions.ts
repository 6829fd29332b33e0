import { z } from "zod";
import { textAt, valueAt } from "../delivery/payload.ts";
import { nearest } from "../model/event-names.ts";
import { usageError } from "../util/errors.ts";
import type { ZohoApi } from "../zoho-api/api.ts";
import { replyError } from "../zoho-api/errors.ts";
import { modulesOf } from "./channel.ts";
import { idSchema } from "./client.ts";
import type { WatchProduct } from "./watch-products.ts";

/** https://www.zoho.com/crm/developer/docs/api/v7/notifications/enable.html */
const MAX_FIELDS = 10;

/** Names of fields by the name of their module. */
export type FieldsByModule = Readonly<Record<string, readonly string[]>>;

export interface ProductApi {
  readonly api: ZohoApi;
  readonly product: WatchProduct;
}

/** Reads `--fields`: `Deals:Stage,Amount`, or without the module if the events are of one module only. */
export function readFields(texts: readonly string[], events: readonly string[]): FieldsByModule {
  const modules = modulesOf(events);
  const found: Record<string, readonly string[]> = {};
  const named = new Set<string>();
  for (const text of texts) {
    const at = text.indexOf(":");
    const module = at !== -1 ? text.slice(0, at) : modules.length === 1 ? modules[0] : undefined;
    if (module === undefined)
      throw usageError(`--fields ${text} does not name its module`, `write --fields ${modules[0]}:${text}`);
    if (!modules.some((each) => each.toLowerCase() === module.toLowerCase()))
      throw usageError(`--fields ${text}: the channel watches no event of ${module}`, `modules: ${modules.join(", ")}`);
    if (named.has(module.toLowerCase())) {
      const message = `--fields ${text}: fields of ${module} are already given`;
      throw usageError(message, "give all fields of a module in one --fields");
    }
    named.add(module.toLowerCase());
    const names = text.slice(at + 1).split(",");
    found[module] = names.map((name) => name.trim()).filter((name) => name !== "");
  }
  return found;
}

/** Conditions that limit a channel to edits of some fields. Zoho requires names and ids, so the ids are looked up. */
export async function fieldConditions(
  session: ProductApi,
  fields: FieldsByModule,
  signal?: AbortSignal,
): Promise<readonly unknown[]> {
  const conditions: unknown[] = [];
  for (const [module, names] of Object.entries(fields))
    conditions.push(await fieldCondition(session, module, names, signal));
  return conditions;
}

async function fieldCondition(
  session: ProductApi,
  module: string,
  fields: readonly string[],
  signal: AbortSignal | undefined,
): Promise<unknown> {
  if (fields.length > MAX_FIELDS)
    throw usageError(`${fields.length} fields of ${module} are more than Zoho accepts`, `give at most ${MAX_FIELDS}`);
  if (fields.length === 0) throw usageError(`no field of ${module} is given`, "name one, or leave the fields out");
  const modules = await lookUp(session, "modules", "", "look up modules", signal);
  const chosen = pick(modules, module, "module");
  const name = chosen.api_name;
  const query = `?module=${encodeURIComponent(name)}`;
  const known = await lookUp(session, "fields", query, `look up the fields of ${name}`, signal);
  const [first, ...rest] = fields.map((field) => pick(known, field, `field of ${name}`));
  return { type: "field_selection", module: chosen, field_selection: fieldSelection(first, rest) };
}

/** The module and the fields of a condition; the fields are undefined for one that `fieldConditions` does not make. */
export function fieldsOf(
  condition: unknown,
): readonly [module: string | undefined, fields: readonly string[] | undefined] {
  return [textAt(condition, ["module", "api_name"]), namesOf(valueAt(condition, ["field_selection"]))];
}

function namesOf(selection: unknown): readonly string[] | undefined {
  const name = textAt(selection, ["field", "api_name"]);
  if (name !== undefined) return [name];
  const group = valueAt(selection, ["group"]);
  if (!Array.isArray(group) || textAt(selection, ["group_operator"]) !== "or") return undefined;
  const parts = group.map(namesOf);
  return parts.every((part) => part !== undefined) ? parts.flat() : undefined;
}

interface Named {
  readonly api_name: string;
  readonly id: string;
}

/** A group holds at most two fields, so more are nested. */
function fieldSelection(field: Named | undefined, [next, ...rest]: readonly Named[]): unknown {
  return next === undefined ? { field } : { group_operator: "or", group: [{ field }, fieldSelection(next, rest)] };
}

async function lookUp(
  { api, product }: ProductApi,
  key: "modules" | "fields",
  query: string,
  action: string,
  signal: AbortSignal | undefined,
): Promise<readonly Named[]> {
  const path = `${product.apiRoot}/settings/${key}${query}`;
  const scope = `ZohoCRM.settings.${key}.READ`;
  const reply = await api.call({ method: "GET", path, repeatable: true, action, scope, signal });
  if (reply.status === 204) return [];
  // Without the other members, which are not to be sent back.
  const named = z.object({ api_name: z.string(), id: idSchema });
  const parsed = z.object({ [key]: z.array(named) }).safeParse(reply.body);
  if (reply.status !== 200 || !parsed.success) throw replyError(reply, reply.call);
  return parsed.data[key] ?? [];
}

function pick(known: readonly Named[], name: string, noun: string): Named {
  const names = known.map((each) => each.api_name);
  const found = known[names.findIndex((each) => each.toLowerCase() === name.toLowerCase())];
  if (found !== undefined) return found;
  const near = nearest(name, names);
  throw usageError(
    `the organisation has no ${noun} with the API name ${JSON.stringify(name)}`,
    near.length > 0 ? `did you mean ${near.join(", ")}?` : "use the API name, not the label",
  );
}
