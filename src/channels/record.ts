import { z } from "zod";
import type { ZohoApi } from "../zoho-api/api.ts";
import { replyError } from "../zoho-api/errors.ts";
import type { WatchProduct } from "./products.ts";

/** The record of a notification, which holds only its id; undefined if it no longer exists. */
export async function fetchRecord(
  api: ZohoApi,
  product: WatchProduct,
  module: string,
  id: string,
  signal?: AbortSignal,
): Promise<unknown> {
  const reply = await api.call({
    method: "GET",
    path: `${product.apiRoot}/${encodeURIComponent(module)}/${encodeURIComponent(id)}`,
    repeatable: true,
    action: `read record ${id} of ${module}`,
    scope: product.recordScope,
    signal,
  });
  if (reply.status === 204) return undefined;
  const parsed = z.looseObject({ data: z.array(z.unknown()) }).safeParse(reply.body);
  if (reply.status !== 200 || !parsed.success) throw replyError(reply, reply.call);
  return parsed.data.data[0];
}
