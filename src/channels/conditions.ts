import { z } from "zod";
import { nearest } from "../contract/event-names.ts";
import { usageError } from "../util/errors.ts";
import { replyError } from "../zoho-api/errors.ts";
import { modulesOf } from "./channel.ts";
import { idSchema } from "./client.ts";
import type { ZohoSession } from "./session.ts";

/** https://www.zoho.com/crm/developer/docs/api/v7/notifications/enable.html */
const MAX_FIELDS = 10;

/**
 * Conditions that limit a channel to edits of some fields: `Deals:Stage,Amount`, or without the module if the events are of
 * one module only. Zoho requires names and ids, so the ids are looked up.
 */
export async function fieldConditions(
  session: Pick<ZohoSession, "api" | "product">,
  texts: readonly string[],
  events: readonly string[],
  signal?: AbortSignal,
): Promise<readonly unknown[]> {
  const modules = modulesOf(events);
  const conditions: unknown[] = [];
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
    const fields = names.map((name) => name.trim()).filter((name) => name !== "");
    conditions.push(await fieldCondition(session, module, fields, signal));
  }
  return conditions;
}

async function fieldCondition(
  session: Pick<ZohoSession, "api" | "product">,
  module: string,
  fields: readonly string[],
  signal: AbortSignal | undefined,
): Promise<unknown> {
  if (fields.length > MAX_FIELDS) {
    const message = `--fields names ${fields.length} fields of ${module}, more than Zoho accepts`;
    throw usageError(message, `give at most ${MAX_FIELDS}`);
  }
  const modules = await lookUp(session, "modules", "", "look up modules", signal);
  const chosen = pick(modules, module, "module");
  const name = chosen.api_name;
  const query = `?module=${encodeURIComponent(name)}`;
  const known = await lookUp(session, "fields", query, `look up the fields of ${name}`, signal);
  const picked = fields.map((field) => pick(known, field, `field of ${name}`));
  return { type: "field_selection", module: chosen, field_selection: fieldSelection(picked) };
}

interface Named {
  readonly api_name: string;
  readonly id: string;
}

/** A group holds at most two fields, so more are nested. */
function fieldSelection(fields: readonly Named[]): unknown {
  const [field, ...rest] = fields;
  if (field === undefined) throw usageError("--fields names no field", "name at least one, or leave --fields out");
  return rest.length === 0 ? { field } : { group_operator: "or", group: [{ field }, fieldSelection(rest)] };
}

async function lookUp(
  { api, product }: Pick<ZohoSession, "api" | "product">,
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
