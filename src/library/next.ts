/// <reference types="node" preserve="true" />
/**
 * For route handlers of Next on Node (`app/…/route.js`), and everything else that maps a `Request` to a `Response`.
 *
 * @module zoho-hooks/next
 */

import { createHandler, type Handler, respond } from "./handle.ts";
import type { ProductId } from "./index.ts";

/**
 * `export const POST = webhook("crm", keys, async (event) => { … })`. Arguments, answers and errors as for `createHandler`; it
 * throws for a mistake in the arguments at the first request, since `next build` loads routes without the app's environment.
 */
export function webhook<P extends ProductId>(...options: Parameters<typeof createHandler<P>>) {
  let handle: Handler | undefined;
  return async (request: Request): Promise<Response> => {
    handle ??= createHandler(...options);
    return respond(handle, request);
  };
}
