import { usageError } from "../util/errors.ts";
import { reachableOrigin } from "../util/hosts.ts";
import { splitUrl } from "./delivery.ts";
import { appPaths, webhookPath, withRequestPath } from "./paths.ts";

/** Address at which the local receiver listens, or would listen. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
  /** The setting: paths of the user's app, in place of `/webhooks/zoho/<product>`. */
  readonly paths?: readonly string[];
}

const FORMS = "write it as 3000, /path, host:3000/path or https://host/path";

/**
 * The absolute URL that deliveries of a product are sent to; an undefined product stands for unrecognised deliveries.
 *
 * | `to`                                | becomes                                                |
 * |-------------------------------------|--------------------------------------------------------|
 * | nothing                             | the local receiver's URL for the product               |
 * | `3000`, `:3000`                     | `http://localhost:3000/webhooks/zoho/<product>`        |
 * | `/path`                             | that path on the local receiver                        |
 * | `host:3000`, `host:3000/path`       | `http://` before it; without a path the product's own  |
 * | `http://…`, `https://…`             | exactly what was given                                 |
 * | `bullmq://…`, `bullmqs://…`         | the same: a queue                                       |
 *
 * In place of `/webhooks/zoho/<product>` comes the product's path of the setting `paths`, or `path`, by which a delivery came.
 * `:product` as a segment of a path is replaced by the product. Throws a usage error for anything else; `name` is the flag or
 * variable that holds the target.
 */
export function targetUrl(
  to: string | undefined,
  product: string | undefined,
  listener: ListenAddress,
  name = "--to",
  path = webhookPath(product, appPaths(listener.paths ?? [])),
): string {
  if (to === undefined) return origin(listener) + path;
  const given = to.trim().replace(/\/:product(?![A-Za-z0-9_])/g, () => `/${product ?? "unknown"}`);
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(given)) return checked(given, to, name);
  if (given.startsWith("/")) return checked(origin(listener) + given, to, name);
  const local = /^:?(\d+)(\/.*)?$/.exec(given);
  if (local !== null) return checked(`http://localhost:${local[1]}${local[2] ?? path}`, to, name);
  const remote = /^(\[[0-9a-f:.]+\]|[a-z0-9_][a-z0-9_.-]*)(:\d+)?(\/.*)?$/i.exec(given);
  const [, host = "", port, ownPath] = remote ?? [];
  // A single word is more likely a mistake (an event, the value of a flag) than a host name.
  const isHost = port !== undefined || ownPath !== undefined || /[.[]|^localhost$/i.test(host);
  // A mistyped scheme: `http//x`, `http:/x`.
  const isScheme = /^https?$/i.test(host) && port === undefined;
  if (remote === null || !isHost || isScheme) throw malformed(to, name);
  return checked(`http://${host}${port ?? ""}${ownPath ?? path}`, to, name);
}

/** Resolves a target that must be an app: throws a usage error for a queue. */
export function appUrl(...[to, product, listener, name = "--to", path]: Parameters<typeof targetUrl>): string {
  const url = targetUrl(to, product, listener, name, path);
  if (!isQueue(url)) return url;
  throw usageError(`${name}: a queue gets what listen receives, or replay sends again`, "name the URL of an app here");
}

/** The server of a target, as scheme, host and port: what is up or down, whatever the path or queue. */
export function originOf(target: string): string {
  // Of a log that came with a clone it may be anything.
  if (!URL.canParse(target)) return target;
  const { protocol, host } = new URL(target);
  return `${protocol}//${host}`;
}

/** The port of a target, also where it has none in it. */
export function portOf(target: string): number {
  const { port, protocol } = new URL(target);
  return Number(port || (DEFAULT_PORTS[protocol] ?? REDIS_PORT));
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = { "http:": 80, "https:": 443 };

/** Throws a usage error for an invalid target of any product. */
export function checkTarget(to: string, name: string): void {
  targetUrl(to, "crm", { host: "127.0.0.1", port: 1 }, name);
}

/**
 * A target for a received delivery: with its query, which may name the event and be signed, and with its path where the target
 * ends in a `/*` of the setting `paths`.
 */
export function targetFor(url: string, target: string): string {
  if (isQueue(target)) return target;
  return withQuery(withRequestPath(target, url), splitUrl(url).query);
}

/** Appends a query to the one that a URL has, and drops the fragment, which is never sent. */
export function withQuery(url: string, query: string): string {
  if (query === "") return url;
  const [beforeHash = ""] = url.split("#", 1);
  if (!beforeHash.includes("?")) return `${beforeHash}?${query}`;
  return splitUrl(beforeHash).query === "" ? `${beforeHash}${query}` : `${beforeHash}&${query}`;
}

function origin({ host, port }: ListenAddress): string {
  if (port === 0) {
    throw usageError(
      "the port of listen is set to 0, so its URL is not known",
      "name the target with --to, such as --to 3000",
    );
  }
  return reachableOrigin(host, port);
}

function checked(url: string, to: string, name: string): string {
  if (isQueue(url)) {
    readQueueAddress(url, name);
    return new URL(url).href;
  }
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw malformed(to, name);
  }
  if (parsed.username !== "" || parsed.password !== "") {
    // Not echoed: it holds a password.
    throw usageError(
      `${name}: a URL with a user name or password is not accepted, because it would be printed`,
      name === "--to"
        ? 'send them as a header: -H "authorization: Basic …"'
        : "let your app accept webhooks without a password",
    );
  }
  if (parsed.protocol !== "http:" && parsed.protocol !== "https:") {
    throw usageError(`${name}: ${JSON.stringify(to)}: only http and https are supported`, FORMS);
  }
  // `new URL` ends the host at a backslash and drops the others, so another host would be read than connected to.
  const isAmbiguous = /^[^/]*\/+[^/?#]*[\\\t\r\n]/.test(url);
  if (parsed.port === "0" || isAmbiguous) throw malformed(to, name);
  return percentEncoded(url);
}

/** Path and query with everything but ASCII as percent-encoded UTF-8. */
function percentEncoded(url: string): string {
  const [, start = "", rest = ""] = /^([^/]*\/\/[^/?#]*)(.*)$/s.exec(url) ?? [];
  const encode = (text: string): string =>
    [...Buffer.from(text)].map((byte) => `%${byte.toString(16).toUpperCase()}`).join("");
  return start + rest.replace(/[\u0080-\uffff]+/g, encode);
}

function malformed(to: string, name: string): Error {
  return usageError(`${name}: ${JSON.stringify(to)} is not a target`, FORMS);
}

/** A BullMQ queue on Redis or Valkey: `bullmq://user:password@host:6379/queue?db=0&prefix=bull`; `bullmqs://` is TLS. */
export interface QueueAddress {
  readonly queue: string;
  /** Prefix of the queue's keys in Redis; undefined for BullMQ's own, `bull`. */
  readonly prefix: string | undefined;
  /** IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** The number of the database, from 0. */
  readonly db: number;
  readonly tls: boolean;
}

const REDIS_PORT = 6379;

const FORM = "write it as bullmq://user:password@host:6379/queue?db=0&prefix=bull, or with bullmqs:// for TLS";

/** Whether a target is a queue; all others are reached over HTTP. */
export function isQueue(target: string): boolean {
  return /^bullmqs?:/i.test(target);
}

/** The name of a target in the log and in reports: the address of a queue without user and password, which only the settings have. */
export function targetName(address: string): string {
  // Of a log that came with a clone it may be anything.
  if (!isQueue(address) || !URL.canParse(address)) return address;
  return Object.assign(new URL(address), { username: "", password: "" }).href;
}

/** Throws a usage error that never shows the address, which may hold a password. `name` is the flag that holds it. */
export function readQueueAddress(text: string, name = "--to"): QueueAddress {
  const fail = (reason: string): Error => usageError(`${name}: the address of the queue ${reason}`, FORM);
  let url: URL;
  let queue: string;
  let username: string | undefined;
  let password: string | undefined;
  try {
    url = new URL(text);
    queue = decodeURIComponent(url.pathname.slice(1));
    username = decodeURIComponent(url.username) || undefined;
    password = decodeURIComponent(url.password) || undefined;
  } catch {
    throw fail("cannot be read: percent-encode special characters of the password");
  }
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (host === "" || url.port === "0") throw fail("has no host or port");
  if (queue === "") throw fail("has no queue in it, such as /zoho-webhooks");
  if (/[/:]/.test(queue)) throw fail("has a name of a queue with / or : in it, which BullMQ does not allow");
  if (username !== undefined && password === undefined)
    throw fail("has a user but no password (only a password: ://:password@)");
  const { db = "0", prefix, ...others } = Object.fromEntries(url.searchParams);
  if (url.hash !== "" || Object.keys(others).length > 0) throw fail("may have ?db= and ?prefix=, nothing else");
  if (!/^\d{1,5}$/.test(db)) throw fail("has a ?db= that is not a number");
  if (prefix === "") throw fail("has an empty ?prefix=");
  const port = Number(url.port || REDIS_PORT);
  return { queue, prefix, host, port, username, password, db: Number(db), tls: url.protocol === "bullmqs:" };
}
