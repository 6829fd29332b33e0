import { usageError } from "../util/errors.ts";
import { isSafeWithoutTls } from "../util/hosts.ts";
import { shellQuoted } from "../util/text.ts";

/**
 * An organisation is in exactly one data centre, and the others do not know its credentials.
 * https://zoho.com/accounts/protocol/oauth/multi-dc.html
 */
export interface DataCentre {
  /** Zoho's `location` in redirects, and the value of `--dc`. */
  readonly id: string;
  readonly title: string;
  readonly accountsUrl: string;
  /** Prefixed with `www.`, `sandbox.` or `developer.`. */
  readonly apiDomain: string;
}

/** A token is valid in one environment only. */
export type Environment = "production" | "sandbox" | "developer";
const environments: readonly Environment[] = ["production", "sandbox", "developer"];

const SUBDOMAINS = { production: "www", sandbox: "sandbox", developer: "developer" } as const;

export const dataCentres: readonly DataCentre[] = [
  { id: "us", title: "United States", accountsUrl: "https://accounts.zoho.com", apiDomain: "zohoapis.com" },
  { id: "eu", title: "Europe", accountsUrl: "https://accounts.zoho.eu", apiDomain: "zohoapis.eu" },
  { id: "in", title: "India", accountsUrl: "https://accounts.zoho.in", apiDomain: "zohoapis.in" },
  { id: "au", title: "Australia", accountsUrl: "https://accounts.zoho.com.au", apiDomain: "zohoapis.com.au" },
  { id: "jp", title: "Japan", accountsUrl: "https://accounts.zoho.jp", apiDomain: "zohoapis.jp" },
  { id: "ca", title: "Canada", accountsUrl: "https://accounts.zohocloud.ca", apiDomain: "zohoapis.ca" },
  { id: "sa", title: "Saudi Arabia", accountsUrl: "https://accounts.zoho.sa", apiDomain: "zohoapis.sa" },
  { id: "cn", title: "China", accountsUrl: "https://accounts.zoho.com.cn", apiDomain: "zohoapis.com.cn" },
  { id: "uk", title: "United Kingdom", accountsUrl: "https://accounts.zoho.uk", apiDomain: "zohoapis.uk" },
  { id: "ae", title: "United Arab Emirates", accountsUrl: "https://accounts.zoho.ae", apiDomain: "zohoapis.ae" },
];

export function findDataCentre(id: string): DataCentre {
  const found = dataCentres.find((each) => each.id === id.toLowerCase());
  if (found !== undefined) return found;
  throw usageError(
    `there is no Zoho data centre ${JSON.stringify(id)}`,
    `use one of ${dataCentres.map((each) => each.id).join(", ")}: it is the end of your Zoho URL (crm.zoho.eu is eu)`,
  );
}

export function findEnvironment(name: string): Environment {
  const found = environments.find((each) => each === name.toLowerCase());
  if (found !== undefined) return found;
  throw usageError(`there is no Zoho environment ${JSON.stringify(name)}`, `use one of ${environments.join(", ")}`);
}

export function apiUrl(centre: DataCentre, environment: Environment): string {
  return `https://${SUBDOMAINS[environment]}.${centre.apiDomain}`;
}

/** The data centre of an accounts or API URL; undefined for other hosts. */
export function dataCentreOf(url: string): DataCentre | undefined {
  const host = hostOf(url);
  if (host === undefined) return undefined;
  return dataCentres.find(
    (each) => host === hostOf(each.accountsUrl) || host === each.apiDomain || host.endsWith(`.${each.apiDomain}`),
  );
}

/** `accounts.zoho.eu`, `desk.zoho.eu`, `www.zohoapis.eu` */
function isZohoHost(url: string): boolean {
  const host = hostOf(url) ?? "";
  const domains = dataCentres.flatMap(({ accountsUrl, apiDomain }) => [
    accountsUrl.split("accounts")[1] ?? "",
    `.${apiDomain}`,
  ]);
  return url.startsWith("https:") && domains.some((domain) => host.endsWith(domain));
}

export interface Hosts {
  readonly accountsUrl: string;
  /** Set by the user, and then used instead of the `api_domain` that Zoho names. */
  readonly apiUrl: string | undefined;
}

/** The hosts of a data centre, unless `ZOHO_ACCOUNTS_URL` or `ZOHO_API_URL` names others. */
export function resolveHosts(centre: DataCentre, env: Readonly<Record<string, string | undefined>>): Hosts {
  return {
    accountsUrl: hostSetting(env, "ZOHO_ACCOUNTS_URL") ?? centre.accountsUrl,
    apiUrl: hostSetting(env, "ZOHO_API_URL"),
  };
}

function hostSetting(env: Readonly<Record<string, string | undefined>>, name: string): string | undefined {
  const value = env[name]?.trim();
  if (value === undefined || value === "") return undefined;
  const url = URL.canParse(value) ? new URL(value) : undefined;
  // Over plain http secrets must not leave the machine.
  if (
    url !== undefined &&
    (url.protocol === "https:" || (url.protocol === "http:" && isSafeWithoutTls(url.hostname)))
  ) {
    return url.origin;
  }
  throw usageError(
    `${name} must be an https URL (or http on this machine), because secrets are sent to it`,
    `set it to something like ${name === "ZOHO_ACCOUNTS_URL" ? "https://accounts.zoho.eu" : "https://www.zohoapis.eu"}, or unset it to use the data centre's`,
  );
}

function hostOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).hostname : undefined;
}

/** Variables of the environment and the project's `.env`, and where each was set. */
export interface HostSettings {
  readonly env: Readonly<Record<string, string | undefined>>;
  variableOrigin(name: string): string;
}

/**
 * A `.env` may come with a cloned repository. It may name Zoho's servers, and others for secrets that are in the same
 * file, but must not redirect the user's secrets elsewhere. `isAllowed` decides about the others. `secrets`: what would be sent.
 */
export function requireTrustedHosts(
  { env, variableOrigin }: HostSettings,
  isAllowed: (host: string, file: string) => boolean,
  secrets = "your secrets, which are not from that file,",
): void {
  for (const name of ["ZOHO_ACCOUNTS_URL", "ZOHO_API_URL"]) {
    const value = env[name]?.trim() ?? "";
    const file = variableOrigin(name);
    if (file === "environment" || !URL.canParse(value)) continue;
    const { origin: host } = new URL(value);
    if (isZohoHost(host) || isAllowed(host, file)) continue;
    throw usageError(
      `${name} in ${file} would send ${secrets} to ${host}`,
      `if that is intended, set it yourself: export ${name}=${shellQuoted(host)}`,
    );
  }
}

/** Whether all of the secrets that are set come from a file. */
export function areFrom(file: string, { env, variableOrigin }: HostSettings, secrets: readonly string[]): boolean {
  const given = secrets.filter((name) => env[name] !== undefined);
  return given.length > 0 && given.every((name) => variableOrigin(name) === file);
}
