import type { Env, VariableName } from "../project/variables.ts";
import { UserError, usageError } from "../util/errors.ts";
import { isLocalUrl, isSafeWithoutTls } from "../util/hosts.ts";
import { isRecord } from "../util/json.ts";
import { oneLine } from "../util/text.ts";
import type { ZohoHttp } from "./retrying-http.ts";

/**
 * An organisation is in exactly one data centre, and the others do not know its credentials.
 * https://zoho.com/accounts/protocol/oauth/multi-dc.html
 */
export interface DataCentre {
  /** Zoho's `location` in redirects, and the value of `--dc`. */
  readonly id: string;
  readonly title: string;
  readonly accountsUrl: string;
  /** Prefixed with `www.`, `sandbox.` or `developer.`. A guess for a data centre that is not in `dataCentres`. */
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

export function knownCentre(id: string): DataCentre | undefined {
  return dataCentres.find((each) => each.id === id.toLowerCase());
}

export function findDataCentre(id: string): DataCentre {
  const found = knownCentre(id);
  if (found !== undefined) return found;
  throw unknownCentre(id);
}

/** `listed`: the ids that Zoho's list has besides ours. */
export function unknownCentre(id: string, listed: readonly string[] = []): UserError {
  const ids = [...dataCentres.map((each) => each.id), ...listed].join(", ");
  return usageError(
    `there is no Zoho data centre ${JSON.stringify(id)}`,
    `use one of ${ids}: it is the end of your Zoho URL (crm.zoho.eu is eu)`,
  );
}

/** Whether a text has the form of the id of a data centre: `sg`. */
function isCentreId(text: string): boolean {
  return /^[a-z]{2,10}$/i.test(text);
}

/**
 * A data centre that this version does not know, by the URL that Zoho's list or a profile of the user's has for it. Undefined
 * unless that has the form of all of Zoho's accounts servers, since the client's secret is sent to it.
 */
export function listedCentre(id: string, url: string): DataCentre | undefined {
  const [, host, end] = /^https:\/\/(accounts\.zoho[a-z]*\.((?:com\.)?[a-z]{2,3}))$/.exec(url) ?? [];
  if (host === undefined || !isCentreId(id)) return undefined;
  return { id, title: host, accountsUrl: url, apiDomain: `zohoapis.${end}` };
}

export function findEnvironment(name: string): Environment {
  const found = environments.find((each) => each === name.toLowerCase());
  if (found !== undefined) return found;
  throw usageError(`there is no Zoho environment ${JSON.stringify(name)}`, `use one of ${environments.join(", ")}`);
}

export function apiUrl(centre: DataCentre, environment: Environment): string {
  return `https://${SUBDOMAINS[environment]}.${centre.apiDomain}`;
}

/** The data centre of an accounts or API URL; undefined for other hosts. `own`: one that may not be known here. */
export function dataCentreOf(url: string, ...own: readonly DataCentre[]): DataCentre | undefined {
  const host = hostOf(url);
  if (host === undefined) return undefined;
  return [...dataCentres, ...own].find(
    (each) => host === hostOf(each.accountsUrl) || host === each.apiDomain || host.endsWith(`.${each.apiDomain}`),
  );
}

export interface Hosts {
  readonly accountsUrl: string;
  /** Set by the user, and then used instead of the `api_domain` that Zoho names. */
  readonly apiUrl: string | undefined;
}

/** Whether Zoho is an emulator on this machine: it posts to loopback and over http, so that no tunnel is needed. */
export function isLocalZoho({ accountsUrl, apiUrl = accountsUrl }: Hosts): boolean {
  return isLocalUrl(apiUrl);
}

/** The hosts of a data centre, unless `ZOHO_ACCOUNTS_URL` or `ZOHO_API_URL` names others. */
export function resolveHosts({ accountsUrl }: Pick<DataCentre, "accountsUrl">, env: Env): Hosts {
  const named = (name: VariableName): string | undefined => {
    const value = env[name]?.trim() ?? "";
    if (value === "") return undefined;
    const example = name === "ZOHO_API_URL" ? "https://www.zohoapis.eu" : "https://accounts.zoho.eu";
    return originOf(name, value, `set it to something like ${example}, or unset it to use the data centre's`);
  };
  return { accountsUrl: named("ZOHO_ACCOUNTS_URL") ?? accountsUrl, apiUrl: named("ZOHO_API_URL") };
}

/** The origin of a URL that secrets are sent to. `name`: the setting that has it. Throws a usage error for plain http. */
export function originOf(name: string, value: string, hint?: string): string {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  // Over plain http secrets must not leave the machine.
  if (
    url !== undefined &&
    (url.protocol === "https:" || (url.protocol === "http:" && isSafeWithoutTls(url.hostname)))
  ) {
    return url.origin;
  }
  throw usageError(`${name} must be an https URL (or http on this machine), because secrets are sent to it`, hint);
}

function hostOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).hostname : undefined;
}

export interface ListRequest {
  readonly http: ZohoHttp;
  /** The server that is asked. Nothing is sent to it but the request. */
  readonly accountsUrl: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A data centre that this version does not know, by the accounts server's list. Throws a usage error if it is not listed, or with
 * a URL that is none of Zoho's accounts servers; exit code 7 if the list cannot be read.
 * https://zoho.com/accounts/protocol/oauth/multi-dc.html
 */
export async function lookUpCentre(id: string, request: ListRequest): Promise<DataCentre> {
  if (!isCentreId(id)) throw unknownCentre(id);
  const list = await readList(`the data centre ${JSON.stringify(id)}`, request);
  const url = list.get(id.toLowerCase());
  if (url === undefined) throw unknownCentre(id, [...list.keys()]);
  const centre = listedCentre(id.toLowerCase(), url);
  if (centre !== undefined) return centre;
  throw usageError(
    `${new URL(request.accountsUrl).host} lists the data centre ${JSON.stringify(id)} with ${oneLine(url)}, which is not an accounts server of Zoho's: nothing was sent there`,
    BY_URL,
  );
}

/** The listed data centre with exactly this accounts server; undefined if there is none. Throws as `lookUpCentre`. */
export async function lookUpServer(url: string, request: ListRequest): Promise<DataCentre | undefined> {
  const list = await readList("the accounts server that the redirect names", request);
  const found = [...list].find(([, listed]) => listed === url);
  return found && listedCentre(...found);
}

const BY_URL = "if you know its accounts server, set ZOHO_ACCOUNTS_URL to it and leave the data centre out";

/** URLs of accounts servers by the id of their data centre, of those that this version does not know. */
async function readList(unknown: string, request: ListRequest): Promise<ReadonlyMap<string, string>> {
  const { http, accountsUrl, signal } = request;
  const fail = (reason: string, code: string, hint = BY_URL): UserError =>
    new UserError("zohoApi", `zoho-hooks does not know ${unknown}, and cannot look it up: ${reason}`, hint, code);
  const url = `${accountsUrl}/oauth/serverinfo`;
  const reply = await http.send({ method: "GET", url, repeatable: true, signal }).catch((error: unknown) => {
    throw error instanceof UserError ? fail(error.message, error.code, `${error.hint}; or, ${BY_URL}`) : error;
  });
  // As integrations in use read it.
  const locations = isRecord(reply.body) ? reply.body.locations : undefined;
  if (!isRecord(locations)) {
    const host = new URL(accountsUrl).host;
    throw fail(`${host} answered with HTTP ${reply.status} and no list of data centres`, "unavailable");
  }
  return new Map(
    Object.entries(locations).flatMap(([id, server]) =>
      typeof server === "string" && isCentreId(id) && knownCentre(id) === undefined ? [[id.toLowerCase(), server]] : [],
    ),
  );
}
