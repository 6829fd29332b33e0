import { z } from "zod";
import { nearest } from "../contract/event-names.ts";
import { UserError, usageError } from "../util/errors.ts";
import type { ZohoApi } from "../zoho-api/api.ts";
import { replyError } from "../zoho-api/errors.ts";
import type { WatchProduct } from "./products.ts";
import { idSchema } from "./replies.ts";

interface Named {
  readonly api_name: string;
  readonly id: string;
}

/** https://www.zoho.com/crm/developer/docs/api/v7/notifications/enable.html */
const MAX_FIELDS = 10;

const namedSchema = z.looseObject({ api_name: z.string(), id: idSchema });

/** Limits a channel to edits that change one of the fields. Zoho requires names and ids, so the ids are looked up. */
export async function fieldCondition(
  api: ZohoApi,
  product: WatchProduct,
  module: string,
  fields: readonly string[],
  signal?: AbortSignal,
): Promise<unknown> {
  if (!product.options.conditions) {
    throw usageError(`${product.title} has no field conditions`, "leave --fields out");
  }
  if (fields.length > MAX_FIELDS) {
    throw usageError(
      `--fields names ${fields.length} fields of ${module}, more than Zoho accepts`,
      `give at most ${MAX_FIELDS}`,
    );
  }
  const modules = await lookUp(api, `${product.apiRoot}/settings/modules`, "modules", "look up modules", signal);
  const chosen = pick(modules, module, "module");
  const path = `${product.apiRoot}/settings/fields?module=${encodeURIComponent(chosen.api_name)}`;
  const known = await lookUp(api, path, "fields", `look up the fields of ${chosen.api_name}`, signal);
  return {
    type: "field_selection",
    module: chosen,
    field_selection: fieldSelection(fields.map((field) => pick(known, field, `field of ${chosen.api_name}`))),
  };
}

/** A group holds at most two fields, so more are nested. */
function fieldSelection(fields: readonly Named[]): unknown {
  const [first, ...rest] = fields.map((field) => ({ field }));
  if (first === undefined) throw usageError("--fields names no field", "name at least one, or leave --fields out");
  if (rest.length === 0) return first;
  const second = rest.length === 1 ? rest[0] : fieldSelection(fields.slice(1));
  return { group_operator: "or", group: [first, second] };
}

async function lookUp(
  api: ZohoApi,
  path: string,
  key: "modules" | "fields",
  action: string,
  signal: AbortSignal | undefined,
): Promise<readonly Named[]> {
  const reply = await api.call({
    method: "GET",
    path,
    repeatable: true,
    action,
    scope: `ZohoCRM.settings.${key}.READ`,
    signal,
  });
  if (reply.status === 204) return [];
  const parsed = z.looseObject({ [key]: z.array(namedSchema) }).safeParse(reply.body);
  if (reply.status !== 200 || !parsed.success) throw replyError(reply, reply.call);
  const entries = z.array(namedSchema).parse(parsed.data[key]);
  return entries.map(({ api_name, id }) => ({ api_name, id }));
}

function pick(known: readonly Named[], name: string, what: string): Named {
  const found = known.find((each) => each.api_name.toLowerCase() === name.toLowerCase());
  if (found !== undefined) return found;
  const near = nearest(
    name,
    known.map((each) => each.api_name),
  );
  throw new UserError(
    "usage",
    `the organisation has no ${what} with the API name ${JSON.stringify(name)}`,
    near.length > 0 ? `did you mean ${near.join(", ")}?` : "use the API name, not the label",
  );
}
