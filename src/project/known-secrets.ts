import type { KnownSecrets } from "../delivery/known-secrets.ts";
import type { Settings } from "./settings.ts";
import { STORE_KEY, VARIABLES, type Variable } from "./variables.ts";

/** Those of deliveries become known where they are read. */
const SECRETS = [
  ...Object.entries<Variable>(VARIABLES).flatMap(([name, { isSecret }]) => (isSecret ? [name] : [])),
  STORE_KEY,
  "PGPASSWORD",
];

const PROXY = /^(?:https?|all)_proxy$/i;

/** Adds the secrets of variables and the passwords of addresses. */
export function rememberSettings(
  known: KnownSecrets,
  env: Readonly<Record<string, string | undefined>>,
  { store, forwardTo, routes }: Pick<Settings, "store" | "forwardTo" | "routes">,
): void {
  known.remember(...SECRETS.map((name) => env[name]?.trim()));
  const proxies = Object.entries(env).flatMap(([name, value]) => (PROXY.test(name) && value ? [value] : []));
  const targets = [...forwardTo, ...routes.map((text) => text.slice(text.indexOf("=") + 1))];
  known.remember(...[String(store), ...targets, ...proxies].map(passwordOf));
}

/** Undefined for one that is no secret: `postgres://postgres:postgres@localhost`. */
function passwordOf(address: string): string | undefined {
  try {
    const { username, password } = new URL(address);
    return password === username ? undefined : decodeURIComponent(password);
  } catch {
    // Not a URL, or one with a % that encodes nothing: its reader reports that.
    return undefined;
  }
}
