/**
 * Calls to Zoho from an app: access tokens, channels that stay alive, and the records behind notifications. Needs `fetch` and Web
 * Crypto, and nothing of Node.
 *
 * @module zoho-hooks/zoho
 */
import { openConnection } from "./connect/connection.ts";
import { expand } from "./connect/expand.ts";
import { keepAlive } from "./connect/keep-alive.ts";
import { missed } from "./connect/missed.ts";
import type { ConnectOptions, ZohoConnection } from "./connect/types.ts";

export { memoryStore } from "./connect/memory-store.ts";
export type * from "./connect/types.ts";
export { ZohoError } from "./connect/zoho-error.ts";

/** Connects an app with its organisation. Never throws: a mistake in the options rejects the calls. */
export function connectZoho(options: ConnectOptions): ZohoConnection {
  const connection = openConnection(options);
  return {
    accessToken: ({ instead, signal: given } = {}) =>
      connection.run(given, async (signal) => {
        const { tokens } = connection.ready();
        return (await (instead === undefined ? tokens.get(signal) : tokens.replace({ value: instead }, signal))).value;
      }),
    keepAlive: (channel) => keepAlive(connection, channel),
    expand: (notification, options) => expand(connection, notification, options),
    missed: (options) => missed(connection, options),
  };
}
