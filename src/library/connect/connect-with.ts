import { openConnection } from "./connection.ts";
import { expand } from "./expand.ts";
import { keepAlive } from "./keep-alive.ts";
import { missed } from "./missed.ts";
import type { ConnectOptions, ZohoConnection } from "./types.ts";

/** `sleep`: for tests that do not wait. */
export function connectWith(options: ConnectOptions, sleep?: Parameters<typeof openConnection>[1]): ZohoConnection {
  const connection = openConnection(options, sleep);
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
