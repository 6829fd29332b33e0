import { readRecords } from "../../channels/records.ts";
import type { Connection } from "./connection.ts";
import type { Expanded, ExpandOptions, NotificationLike } from "./types.ts";
import { misuse } from "./zoho-error.ts";

/** https://www.zoho.com/crm/developer/docs/api/v8/get-records.html */
const MAX_FIELDS = 50;

export function expand(
  connection: Connection,
  { module, ids, operation }: NotificationLike,
  options: ExpandOptions = {},
): Promise<Expanded> {
  return connection.run(options.signal, async (signal) => {
    const access = connection.api(options.product);
    if (typeof module !== "string" || !Array.isArray(ids))
      throw misuse("expand needs the module and the ids of a notification", "give it the body that Zoho posted");
    const fields = options.fields?.[module];
    if (fields !== undefined && (fields.length === 0 || fields.length > MAX_FIELDS))
      throw misuse(`fields names ${fields.length} fields of ${module}`, `name 1 to ${MAX_FIELDS}`);
    const named = [...new Set(ids.map(String))];
    if (operation === "delete") return { records: [], gone: named, credits: 0 };
    const { records, requests } = await readRecords(access, { module, ids: named, fields }, signal);
    return {
      records: named.map((id) => records.get(id)).filter((record) => record !== undefined),
      gone: named.filter((id) => !records.has(id)),
      credits: requests * access.product.readCredits,
    };
  });
}
