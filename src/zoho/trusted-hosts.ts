import { usageError } from "../core/errors.ts";
import { isZohosHost } from "./data-centres.ts";

/** Variables, the project's `.env` beneath the environment, and where each was set. */
export interface SettingsOfHosts {
  readonly env: Readonly<Record<string, string | undefined>>;
  variableOrigin(name: string): string;
}

/**
 * A `.env` comes along with a repository that was cloned: it may name Zoho's own servers, and any other for secrets that
 * stand in it too, but must not have the user's secrets sent to a server of its choice. `mayHave` says which it may.
 */
export function requireTrustedHosts(
  { env, variableOrigin }: SettingsOfHosts,
  mayHave: (host: string, file: string) => boolean,
): void {
  for (const name of ["ZOHO_ACCOUNTS_URL", "ZOHO_API_URL"]) {
    const value = env[name]?.trim() ?? "";
    const file = variableOrigin(name);
    if (file === "environment" || !URL.canParse(value)) continue;
    const { origin: host } = new URL(value);
    if (isZohosHost(host) || mayHave(host, file)) continue;
    throw usageError(
      `${name} in ${file} would send your secrets, which do not come from that file, to ${host}`,
      `if that is intended, set it yourself: export ${name}=${host}`,
    );
  }
}

/** Whether secrets come from that file, all that are set. */
export function areOf(file: string, { env, variableOrigin }: SettingsOfHosts, secrets: readonly string[]): boolean {
  const given = secrets.filter((name) => env[name] !== undefined);
  return given.length > 0 && given.every((name) => variableOrigin(name) === file);
}
