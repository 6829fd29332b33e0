/// <reference types="node" preserve="true" />
/**
 * For Hono 4, on every runtime that has `node:crypto`.
 *
 * @module zoho-hooks/hono
 */

import { createHandler, fromCaller, respond } from "./handle.ts";
import type { ProductId } from "./index.ts";

/**
 * `app.post("/webhooks/zoho/crm", webhook("crm", keys, async (event) => { … }))`. Arguments, answers and errors as for
 * `createHandler`; 500 if a middleware has read the body of `c.req` before.
 */
export function webhook<P extends ProductId>(...options: Parameters<typeof createHandler<P>>) {
  const handle = fromCaller(webhook, () => createHandler(...options));
  return (context: { readonly req: { readonly raw: Request } }): Promise<Response> => respond(handle, context.req.raw);
}
