import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { isLoopback } from "../util/hosts.ts";

export interface Refusal {
  readonly status: number;
  readonly reason: string;
}

/** Values of a header, one for each time that it was sent. */
export function headerValues({ rawHeaders }: IncomingMessage, name: string): readonly string[] {
  return rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === name);
}

/**
 * Why a request is refused that a page of another origin may have caused; undefined for other requests, also those of
 * programs, which send neither Origin nor Sec-Fetch-Site. `isOwn` tells whether a host, with its port, is this server: a foreign
 * name that resolves to it (DNS rebinding) is not. `publicOrigin`: another origin of its own pages, as that of a proxy with TLS.
 */
export function foreignRefusal(
  request: IncomingMessage,
  isOwn: (host: string) => boolean,
  publicOrigin?: string,
): Refusal | undefined {
  const [host, ...otherHosts] = headerValues(request, "host").map((each) => each.toLowerCase());
  if (host === undefined || otherHosts.length > 0 || !isOwn(host))
    return { status: 403, reason: "the Host header names another server" };
  const isFromPage =
    headerValues(request, "sec-fetch-site").every((site) => site === "same-origin" || site === "none") &&
    headerValues(request, "origin").every((origin) => origin === `http://${host}` || origin === publicOrigin);
  return isFromPage ? undefined : { status: 403, reason: "the request comes from another page" };
}

/**
 * Whether a host is this machine by its name, an address, which no name server chooses, or one of the server's own names. The
 * port may be that of a container's host.
 */
export function isAddressOr(names: readonly string[], host: string): boolean {
  if (!URL.canParse(`http://${host}`)) return false;
  const { hostname } = new URL(`http://${host}`);
  return (
    isLoopback(hostname) ||
    isIP(hostname.replace(/^\[|\]$/g, "")) > 0 ||
    names.some((name) => name.toLowerCase() === hostname)
  );
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
