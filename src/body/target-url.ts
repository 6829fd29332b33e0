import { usageError } from "../util/errors.ts";
import { reachableHost } from "../util/hosts.ts";
import { splitUrl } from "./delivery.ts";

/** Where the local receiver listens, or would. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

const FORMS = "write it as 3000, /path, host:3000/path or https://host/path";

/**
 * The absolute URL that deliveries of a product go to, or those of which none is known.
 *
 * | `to`                                | becomes                                                |
 * |-------------------------------------|--------------------------------------------------------|
 * | nothing                             | the local receiver's URL for the product               |
 * | `3000`, `:3000`                     | `http://localhost:3000/webhooks/zoho/<product>`        |
 * | `/path`                             | that path on the local receiver                        |
 * | `host:3000`, `host:3000/path`       | `http://` before it; without a path the product's own  |
 * | `http://…`, `https://…`             | exactly what was given                                 |
 *
 * `:product` as a segment of a path is replaced by the product. Throws a UserError for anything else, in which `what` is
 * the flag or variable that the target was named with.
 */
export function targetUrl(
  to: string | undefined,
  product: string | undefined,
  listener: ListenAddress,
  what = "--to",
): string {
  const webhookPath = product === undefined ? "/webhooks/zoho" : `/webhooks/zoho/${product}`;
  if (to === undefined) return origin(listener) + webhookPath;
  const given = to.trim().replace(/\/:product(?![A-Za-z0-9_])/g, () => `/${product ?? "unknown"}`);
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(given)) return checked(given, to, what);
  if (given.startsWith("/")) return checked(origin(listener) + given, to, what);
  const local = /^:?(\d+)(\/.*)?$/.exec(given);
  if (local !== null) return checked(`http://localhost:${local[1]}${local[2] ?? webhookPath}`, to, what);
  const remote = /^(\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(:\d+)?(\/.*)?$/i.exec(given);
  const [, host = "", port, path] = remote ?? [];
  // A lone word is more likely a slip (an event, a flag's value) than the name of a machine.
  const isHost = port !== undefined || path !== undefined || /[.[]|^localhost$/i.test(host);
  // `http//x`, `http:/x`: no machine is called so.
  const isSlip = /^https?$/i.test(host) && port === undefined;
  if (remote === null || !isHost || isSlip) throw malformed(to, what);
  return checked(`http://${host}${port ?? ""}${path ?? webhookPath}`, to, what);
}

/** Throws a UserError for what is no target, whatever product it is for. */
export function checkTarget(to: string, what: string): void {
  targetUrl(to, "crm", { host: "127.0.0.1", port: 1 }, what);
}

/** A target with the query that a delivery came with: it may say what happened, and be signed. */
export function withQueryOf(url: string, target: string): string {
  return withQuery(target, splitUrl(url).query);
}

/** A URL with a query behind the one that it has; what stands behind a `#` is sent to nobody. */
export function withQuery(url: string, query: string): string {
  if (query === "") return url;
  const [beforeHash = ""] = url.split("#", 1);
  if (!beforeHash.includes("?")) return `${beforeHash}?${query}`;
  return splitUrl(beforeHash).query === "" ? `${beforeHash}${query}` : `${beforeHash}&${query}`;
}

function origin({ host, port }: ListenAddress): string {
  if (port === 0) {
    throw usageError(
      "the port of listen is set to 0, so its address is not known",
      "name the target with --to, such as --to 3000",
    );
  }
  const address = reachableHost(host);
  return `http://${address.includes(":") ? `[${address}]` : address}:${port}`;
}

function checked(url: string, to: string, what: string): string {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw malformed(to, what);
  }
  if (parsed.username !== "" || parsed.password !== "") {
    // Not echoed: it holds a password.
    throw usageError(
      `${what}: a URL with a user name or password is not accepted, because it would be printed`,
      what === "--to"
        ? 'send them as a header: -H "authorization: Basic …"'
        : "let your app take webhooks without a password",
    );
  }
  if (parsed.protocol !== "http:" && parsed.protocol !== "https:") {
    throw usageError(`${what}: ${JSON.stringify(to)}: only http and https are possible`, FORMS);
  }
  if (parsed.port === "0") throw malformed(to, what);
  return asciiOf(url);
}

/** What is typed is text, and goes out as UTF-8; what has come in is bytes already. */
function asciiOf(url: string): string {
  const [, start = "", rest = ""] = /^([^/]*\/\/[^/?#]*)(.*)$/s.exec(url) ?? [];
  const encode = (text: string): string =>
    [...Buffer.from(text)].map((byte) => `%${byte.toString(16).toUpperCase()}`).join("");
  return start + rest.replace(/[\u0080-\uffff]+/g, encode);
}

function malformed(to: string, what: string): Error {
  return usageError(`${what}: ${JSON.stringify(to)} is not a target`, FORMS);
}
