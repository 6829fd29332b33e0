import type { Role } from "../log/log.ts";
import { isDatabaseAddress } from "../log/open-log.ts";
import type { Config } from "../project/load.ts";
import { usageError } from "../util/errors.ts";
import type { RunRoutes } from "./forwarding.ts";
import type { ListenOptions } from "./options.ts";

/** Flags of the receiver, and of what Zoho posts to it: they have no effect without one. */
const OF_RECEIVER = {
  port: "--port",
  host: "--host",
  publicUrl: "--public-url",
  tunnel: "--tunnel",
  domain: "--domain",
  channel: "--channel",
  expand: "--expand",
  expect: "--expect",
  exec: "--exec",
  serveJwks: "--serve-jwks",
  respond: "--respond",
} as const satisfies Partial<Record<keyof ListenOptions, string>>;

export function readRole(options: ListenOptions): Role {
  const { role = "both" } = options;
  if (role !== "receive" && role !== "deliver" && role !== "both")
    throw usageError(`--role: ${JSON.stringify(role)} is not one of receive, deliver, both`);
  const useless = Object.entries(OF_RECEIVER).find(([key]) => options[key as keyof ListenOptions] !== undefined);
  if (role === "deliver" && useless !== undefined)
    throw usageError(`${useless[1]} does nothing with --role deliver, which opens no receiver`);
  return role;
}

/** Throws a usage error for a role that these settings leave without a purpose. */
export function checkRole(role: Role, { settings }: Pick<Config, "settings">, routes: RunRoutes): void {
  const { store, respond } = settings;
  if (role === "both") return;
  if (role === "receive") {
    if (respond === "mirror" && !routes.empty)
      throw usageError("--respond mirror needs your app's answer, and --role receive sends it nothing");
    if (store === false && !routes.empty)
      throw usageError("--role receive leaves deliveries in the event log for others, and --no-store keeps none");
    return;
  }
  if (!isDatabaseAddress(String(store)))
    throw usageError(
      "--role deliver needs an event log that several processes share: only one writes a SQLite log",
      "name a shared one with --store postgres://…, or leave --role out",
    );
  if (routes.empty)
    throw usageError("--role deliver needs a target", "name your app: a port, host:port or URL, or --forward-to");
}
