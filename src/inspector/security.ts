import { createHmac } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { sameText } from "../delivery/secrets.ts";
import { foreignRefusal, headerValues, type Refusal } from "../page-kit/security.ts";

/** Names by which a browser reaches the inspector. A page of another name that resolves to loopback (DNS rebinding) does not. */
const HOSTS = ["127.0.0.1", "localhost", "[::1]"];

/**
 * Why a request is refused; undefined where it comes from the inspector's own page, or for the static page from the address
 * bar. Whoever knows the token is the user; the other checks keep out pages that would have a browser send it.
 */
export function refusalOf(request: IncomingMessage, port: number, token: string): Refusal | undefined {
  const hosts = HOSTS.flatMap((host) => [`${host}:${port}`, ...(port === 80 ? [host] : [])]);
  const foreign = foreignRefusal(request, (host) => hosts.includes(host));
  if (foreign !== undefined) return foreign;
  const { method = "", url = "" } = request;
  // Programs send no Origin. Without the token, which no page of another origin can send, they get nothing.
  const isForPrograms = url.startsWith("/v1/");
  if (method !== "GET" && method !== "POST" && !(method === "DELETE" && isForPrograms))
    return { status: 405, reason: "only GET and POST are answered, and DELETE in /v1" };
  if (!url.startsWith("/")) return { status: 400, reason: "the request names no path" };
  if (method === "POST" && !isForPrograms && headerValues(request, "origin").length === 0)
    return { status: 403, reason: "a POST needs an Origin header" };
  if (!url.startsWith("/api/") && !isForPrograms) return undefined;
  const [given = "", ...others] = headerValues(request, "authorization");
  if (others.length === 0 && sameText(given.replace(/^bearer /i, "Bearer "), `Bearer ${token}`)) return undefined;
  const remedy = isForPrograms
    ? "send Authorization: Bearer with ZOHO_HOOKS_API_TOKEN, or with the token that zoho-hooks ui --json prints"
    : "open the address that zoho-hooks ui prints";
  return { status: 401, reason: `the token is missing or wrong: ${remedy}` };
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
