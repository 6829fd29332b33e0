import { domainToASCII } from "node:url";
import { usageError } from "../util/errors.ts";
import { oneLine } from "../util/text.ts";

/** Where the address of a PostgreSQL database leads: `postgres://user:password@host:5432/database`. */
export interface DatabaseServer {
  /** A name in ASCII, an IP address (IPv6 without brackets), or the folder of a Unix socket. */
  readonly host: string;
  readonly port: number;
  /** Empty where the address has none. */
  readonly password: string;
}

const POSTGRES_PORT = 5432;

/** pg prefers others (`host`) to the parts of the address, or reads the files that they name. */
const PARAMETERS: readonly string[] = ["schema", "sslmode", "application_name", "connect_timeout"];

/** Reads an address of a project. Throws a usage error, which never shows it, for one that could be read in two ways. */
export function readDatabaseAddress(address: string, name: string): DatabaseServer {
  const fail = (reason: string, hint: string): Error =>
    usageError(`${name}: the address of the database ${reason}`, hint);
  let url: URL;
  let host: string;
  let password: string;
  try {
    url = new URL(address);
    host = decodeURIComponent(url.hostname);
    password = decodeURIComponent(url.password);
  } catch {
    throw fail("cannot be read", "percent-encode special characters of the password: # is %23, / is %2F and @ is %40");
  }
  const parameter = [...url.searchParams.keys()].find((each) => !PARAMETERS.includes(each));
  if (parameter !== undefined)
    throw fail(
      `has the parameter ${oneLine(parameter)}, which a project may not set`,
      "write postgres://user:password@host:5432/database, or give the address yourself, with --store or in the environment",
    );
  if (!host.startsWith("/")) host = domainToASCII(host).replace(/^\[|\]$/g, "");
  if (host === "" || url.port === "0") throw fail("has no host or port", "write it as postgres://host:5432/database");
  return { host, port: Number(url.port || POSTGRES_PORT), password };
}

/** For people. */
export function serverText({ host, port }: DatabaseServer): string {
  if (host.startsWith("/")) return host;
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}
