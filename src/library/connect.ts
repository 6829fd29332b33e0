/**
 * Calls to Zoho from an app: access tokens, channels that stay alive, the records behind notifications, and what was missed. Needs
 * `fetch` and Web Crypto, and nothing of Node.
 *
 * @module zoho-hooks/zoho
 */
import { connectWith } from "./connect/connect-with.ts";
import type { ConnectOptions, ZohoConnection } from "./connect/types.ts";

export { memoryStore } from "./connect/memory-store.ts";
export type * from "./connect/types.ts";
export { ZohoError } from "./connect/zoho-error.ts";

/** Connects an app with its organisation. Never throws: a mistake in the options rejects the calls. */
export function connectZoho(options: ConnectOptions): ZohoConnection {
  return connectWith(options);
}
