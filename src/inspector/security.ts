import { createHmac } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { sameText } from "../delivery/secrets.ts";

export interface Refusal {
  readonly status: number;
  readonly reason: string;
}

/** Names by which a browser reaches the inspector. A page of another name that resolves to loopback (DNS rebinding) does not. */
const HOSTS = ["127.0.0.1", "localhost", "[::1]"];

/**
 * Why a request is refused; undefined where it comes from the inspector's own page, or for the static page from the address
 * bar. Whoever knows the token is the user; the other checks keep out pages that would have a browser send it.
 */
export function refusalOf(request: IncomingMessage, port: number, token: string): Refusal | undefined {
  const hosts = HOSTS.flatMap((host) => [`${host}:${port}`, ...(port === 80 ? [host] : [])]);
  const { method = "", url = "" } = request;
  const values = (name: string): readonly string[] =>
    request.rawHeaders.filter((_, i) => i % 2 === 1 && request.rawHeaders[i - 1]?.toLowerCase() === name);
  const [host, ...otherHosts] = values("host");
  if (host === undefined || otherHosts.length > 0 || !hosts.includes(host.toLowerCase()))
    return { status: 403, reason: "the Host header names another server" };
  if (!values("sec-fetch-site").every((site) => site === "same-origin" || site === "none"))
    return { status: 403, reason: "the request comes from another page" };
  const origins = values("origin");
  if (!origins.every((origin) => hosts.some((each) => origin === `http://${each}`)))
    return { status: 403, reason: "the request comes from another page" };
  if (method !== "GET" && method !== "POST") return { status: 405, reason: "only GET and POST are answered" };
  if (!url.startsWith("/")) return { status: 400, reason: "the request names no path" };
  if (method === "POST" && origins.length === 0) return { status: 403, reason: "a POST needs an Origin header" };
  if (!url.startsWith("/api/")) return undefined;
  const [given = "", ...others] = values("authorization");
  if (others.length === 0 && sameText(given, `Bearer ${token}`)) return undefined;
  return { status: 401, reason: "the token is missing or wrong: open the address that zoho-hooks ui prints" };
}

/** Shows that the server knows the token. Whoever asks chooses the nonce, so `openingPath` proves another text. */
export function proofOf(token: string, nonce: string): Buffer {
  return createHmac("sha256", token).update(`proof ${nonce}`).digest();
}

/** Time for a browser to start. */
const OPENING_MS = 60_000;

/**
 * Leads to the page with its token, once and soon. For the command that opens a browser, whose command line other users can
 * read as long as the browser runs.
 */
export function openingAddress(address: string, now: Date): string {
  const { origin, hash } = new URL(address);
  return origin + openingPath(hash.slice(1), now.getTime() + OPENING_MS);
}

function openingPath(token: string, until: number): string {
  return `/open/${until}-${createHmac("sha256", token).update(`open ${until}`).digest("base64url")}`;
}

/** Tells which paths are of an `openingAddress`, each only once. */
export function createOpenings(token: string, now: () => Date): (path: string) => boolean {
  const used = new Set<string>();
  return (path) => {
    const until = Number(/^\/open\/(\d{1,15})-/.exec(path)?.[1]);
    if (!(until >= now().getTime()) || used.has(path) || !sameText(path, openingPath(token, until))) return false;
    used.add(path);
    return true;
  };
}

/** On every answer. There is no CORS header, so no other page reads one. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cache-control": "no-store",
};
