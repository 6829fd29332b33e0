import { z } from "zod";
import type { ApiReply } from "../zoho-api/api.ts";
import { replyError } from "../zoho-api/errors.ts";
import { idSchema } from "./client.ts";
import type { ProductApi } from "./conditions.ts";
import type { WatchProduct } from "./watch-products.ts";

/** A record as the API answers it. Numbers that would lose digits are text. */
export type ApiRecord = Readonly<Record<string, unknown>>;

/** Zoho documents no maximum; a request line of 100 ids is 2 kB. */
const IDS_PER_CALL = 100;

const recordsSchema = z.looseObject({ data: z.array(z.looseObject({ id: idSchema })) });

/** The records of an answer. Zoho answers 204 without a body where there are none, and 304 where none has changed. */
export function recordsOf(reply: ApiReply): readonly (ApiRecord & { readonly id: string })[] {
  if (reply.status === 204 || reply.status === 304) return [];
  const parsed = recordsSchema.safeParse(reply.body);
  if (reply.status !== 200 || !parsed.success) throw replyError(reply, reply.call);
  return parsed.data.data;
}

export function modulePath({ apiRoot }: Pick<WatchProduct, "apiRoot">, module: string): string {
  return `${apiRoot}/${encodeURIComponent(module)}`;
}

/**
 * Reads records: with some of their fields a hundred in a request, else each by a request of its own. Zoho leaves out those that
 * do not exist or that the user may not see.
 */
export async function readRecords(
  { api, product }: ProductApi,
  {
    module,
    ids,
    fields,
  }: { readonly module: string; readonly ids: readonly string[]; readonly fields?: readonly string[] },
  signal?: AbortSignal,
): Promise<{ readonly records: ReadonlyMap<string, ApiRecord>; readonly requests: number }> {
  const records = new Map<string, ApiRecord>();
  let requests = 0;
  const read = async (path: string, action: string): Promise<void> => {
    requests++;
    const scope = product.recordScope;
    const reply = await api.call({ method: "GET", path, repeatable: true, action, scope, signal });
    for (const record of recordsOf(reply)) records.set(record.id, record);
  };
  const path = modulePath(product, module);
  if (fields === undefined) {
    // One after the other: Zoho limits concurrent calls, and an app may handle several notifications at once.
    for (const id of ids) await read(`${path}/${encodeURIComponent(id)}`, `read record ${id} of ${module}`);
    return { records, requests };
  }
  for (let at = 0; at < ids.length; at += IDS_PER_CALL) {
    const some = ids.slice(at, at + IDS_PER_CALL);
    const query = new URLSearchParams({ fields: fields.join(","), ids: some.join(","), ...product.listQuery });
    await read(`${path}?${query}`, `read ${some.length} records of ${module}`);
  }
  return { records, requests };
}
